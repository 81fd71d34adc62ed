-- How many gates away: the twin of marketplace/eligibility/distance.py, which says what the distance is.
--
--     criteria_distance(tree jsonb, facts jsonb, parameters jsonb) -> (unmet smallint, unknown smallint)
--
-- (0, 0) exactly where criteria_evaluate says eligible; `unmet` is 0 exactly where it does not say ineligible. Inside,
-- a distance is one number, 1000 for each unmet criterion and 1 for each unknown one: a tree has at most 200 nodes, so
-- that the numbers add up and sort as the pairs do. Once released this file stays as it is.

CREATE FUNCTION criteria_node_distance(node jsonb, facts jsonb, parameters jsonb, negated boolean) RETURNS integer
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 500 AS $$
DECLARE
    branches jsonb;
    needed integer;
    held boolean;
    distances integer[] := '{}';
BEGIN
    IF node ? 'op' THEN
        IF node ->> 'level' = 'soft' THEN
            RETURN 0;
        END IF;
        held := criteria_criterion_holds(node, facts, parameters);
        RETURN CASE WHEN held IS NULL THEN 1 WHEN held = negated THEN 1000 ELSE 0 END;
    ELSIF node ? 'all' THEN
        branches := node -> 'all';
        needed := jsonb_array_length(branches);
    ELSIF node ? 'any' THEN
        branches := node -> 'any';
        needed := 1;
    ELSIF node ? 'not' THEN
        RETURN criteria_node_distance(node -> 'not', facts, parameters, NOT negated);
    ELSIF node ? 'at_least' THEN
        branches := node -> 'of';
        needed := (node -> 'at_least')::integer;
    ELSE
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'criteria: node that is none';
    END IF;
    IF negated THEN
        needed := jsonb_array_length(branches) - needed + 1;
    END IF;
    FOR place IN 0 .. jsonb_array_length(branches) - 1 LOOP
        distances := distances || criteria_node_distance(branches -> place, facts, parameters, negated);
    END LOOP;
    RETURN (
        SELECT coalesce(sum(nearest.distance), 0)
        FROM (SELECT distance FROM unnest(distances) AS each (distance) ORDER BY distance LIMIT needed) AS nearest
    );
END
$$;

CREATE FUNCTION criteria_distance(tree jsonb, facts jsonb, parameters jsonb)
RETURNS TABLE (unmet smallint, unknown smallint)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 5000 ROWS 1 AS $$
DECLARE
    branches jsonb := tree -> 'criteria';
    distance integer := 0;
BEGIN
    IF tree -> 'schema_version' IS DISTINCT FROM '1'::jsonb OR jsonb_typeof(branches) IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'criteria: tree that is none';
    END IF;
    FOR place IN 0 .. jsonb_array_length(branches) - 1 LOOP
        distance := distance + criteria_node_distance(branches -> place, facts, parameters, false);
    END LOOP;
    unmet := distance / 1000;
    unknown := distance % 1000;
    RETURN NEXT;
END
$$;
