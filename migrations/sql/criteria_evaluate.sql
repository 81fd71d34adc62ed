-- The evaluator's twin inside PostgreSQL: the result class and the fit of a stored tree, without the explanation.
--
-- Knows the same grammar as marketplace/eligibility/tree.py and the same comparisons as rules.py; property tests hold the
-- two together, over the functions as migrated. NULL is unknown. Core PostgreSQL 15 or newer, no extension.
--
--     criteria_evaluate(tree jsonb, facts jsonb, parameters jsonb) -> (result smallint, fit smallint)
--
-- `result` is 0 eligible, 1 needs information, 2 ineligible. Pass only the facts that the asker may see: one that is left
-- out is unknown. There are no waivers here. A tree has to be one that `compile_tree` made.
-- Once released this file stays as it is: to change a function, write a new migration with its new text.

CREATE FUNCTION criteria_measure(value jsonb, scale jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    day CONSTANT text := '^[0-9]{4}-[0-9]{2}-[0-9]{2}$';
    exact CONSTANT text := '^-?[0-9]{1,20}([.][0-9]{1,10})?$';
    written text := value #>> '{}';
BEGIN
    IF (scale #>> '{}') ~ day AND written ~ day THEN
        RETURN to_jsonb(replace(written, '-', '')::numeric);
    ELSIF (scale #>> '{}') ~ exact AND written ~ exact THEN
        RETURN to_jsonb(written::numeric);
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION criteria_equal(known jsonb, wanted jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    kind text := jsonb_typeof(wanted);
    known_measure jsonb;
BEGIN
    IF jsonb_typeof(known) IS DISTINCT FROM kind THEN
        RETURN NULL;
    ELSIF kind = 'object' THEN
        IF (known -> 'currency') = (wanted -> 'currency')
            AND jsonb_typeof(known -> 'amount') = 'number' AND jsonb_typeof(wanted -> 'amount') = 'number'
        THEN
            RETURN (known -> 'amount') = (wanted -> 'amount');
        END IF;
        RETURN NULL;
    ELSIF kind NOT IN ('string', 'number', 'boolean') THEN
        RETURN NULL;
    ELSIF known = wanted THEN
        RETURN true;
    ELSIF kind = 'string' AND (wanted #>> '{}') ~ '^-?[0-9]' THEN
        known_measure := criteria_measure(known, wanted);
        RETURN known_measure IS NOT NULL AND known_measure = criteria_measure(wanted, wanted);
    END IF;
    RETURN false;
END
$$;

CREATE FUNCTION criteria_criterion_holds(leaf jsonb, facts jsonb, parameters jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 200 AS $$
DECLARE
    op text := leaf ->> 'op';
    known jsonb := facts -> (leaf ->> 'fact');
    wanted jsonb := leaf -> 'value';
    kind text := jsonb_typeof(known);
    held boolean;
    equal boolean;
BEGIN
    IF op IN ('lt', 'lte', 'gt', 'gte') THEN
        IF kind = 'object' THEN
            IF wanted ? 'parameter' THEN
                wanted := parameters -> (wanted ->> 'parameter');
            END IF;
            IF (known -> 'currency') = (wanted -> 'currency') THEN
                known := known -> 'amount';
                wanted := wanted -> 'amount';
            ELSE
                RETURN NULL;
            END IF;
        ELSIF kind = 'string' AND jsonb_typeof(wanted) = 'string' THEN
            known := criteria_measure(known, wanted);
            wanted := criteria_measure(wanted, wanted);
        END IF;
        IF jsonb_typeof(known) = 'number' AND jsonb_typeof(wanted) = 'number' THEN
            RETURN CASE op
                WHEN 'lt' THEN known < wanted
                WHEN 'lte' THEN known <= wanted
                WHEN 'gt' THEN known > wanted
                ELSE known >= wanted
            END;
        END IF;
        RETURN NULL;
    ELSIF op = 'eq' THEN
        RETURN criteria_equal(known, wanted);
    ELSIF op = 'ne' THEN
        RETURN NOT criteria_equal(known, wanted);
    ELSIF op IN ('in', 'not_in') THEN
        held := false;
        IF kind IS NULL OR kind = 'null' THEN
            RETURN NULL;
        ELSIF kind = 'string' AND jsonb_typeof(wanted -> 0) = 'string' AND wanted ? (known #>> '{}') THEN
            held := true;
        ELSIF kind = 'string' AND jsonb_typeof(wanted -> 0) = 'string' AND (known #>> '{}') !~ '^-?[0-9]' THEN
            held := false;
        ELSE
            FOR place IN 0 .. jsonb_array_length(wanted) - 1 LOOP
                equal := criteria_equal(known, wanted -> place);
                held := held OR equal;
                EXIT WHEN held;
            END LOOP;
        END IF;
        RETURN held = (op = 'in');
    ELSIF op IN ('contains_any', 'contains_all', 'contains_none') THEN
        IF kind IS DISTINCT FROM 'array' THEN
            RETURN NULL;
        ELSIF op = 'contains_all' THEN
            RETURN known @> wanted;
        END IF;
        FOR place IN 0 .. jsonb_array_length(wanted) - 1 LOOP
            IF known ? (wanted ->> place) THEN
                RETURN op = 'contains_any';
            END IF;
        END LOOP;
        RETURN op = 'contains_none';
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'criteria: op that is none';
END
$$;

CREATE FUNCTION criteria_node_holds(node jsonb, facts jsonb, parameters jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 500 AS $$
DECLARE
    branches jsonb;
    needed integer;
    spare integer;
    held boolean;
BEGIN
    IF node ? 'op' THEN
        IF node ->> 'level' = 'soft' THEN
            RETURN true;
        END IF;
        RETURN criteria_criterion_holds(node, facts, parameters);
    ELSIF node ? 'all' THEN
        branches := node -> 'all';
        needed := jsonb_array_length(branches);
    ELSIF node ? 'any' THEN
        branches := node -> 'any';
        needed := 1;
    ELSIF node ? 'not' THEN
        RETURN NOT criteria_node_holds(node -> 'not', facts, parameters);
    ELSIF node ? 'at_least' THEN
        branches := node -> 'of';
        needed := (node -> 'at_least')::integer;
    ELSE
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'criteria: node that is none';
    END IF;
    spare := jsonb_array_length(branches) - needed;
    FOR place IN 0 .. jsonb_array_length(branches) - 1 LOOP
        held := criteria_node_holds(branches -> place, facts, parameters);
        IF held THEN
            needed := needed - 1;
        ELSIF NOT held THEN
            spare := spare - 1;
        END IF;
        IF needed = 0 THEN
            RETURN true;
        ELSIF spare < 0 THEN
            RETURN false;
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;

CREATE FUNCTION criteria_soft_weights(branches jsonb, facts jsonb, parameters jsonb) RETURNS integer[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 500 AS $$
DECLARE
    node jsonb;
    below integer[];
    met integer := 0;
    total integer := 0;
BEGIN
    FOR place IN 0 .. jsonb_array_length(branches) - 1 LOOP
        node := branches -> place;
        IF node ->> 'level' = 'soft' THEN
            total := total + (node -> 'weight')::integer;
            IF criteria_criterion_holds(node, facts, parameters) THEN
                met := met + (node -> 'weight')::integer;
            END IF;
        ELSIF node ? 'all' THEN
            below := criteria_soft_weights(node -> 'all', facts, parameters);
            met := met + below[1];
            total := total + below[2];
        END IF;
    END LOOP;
    RETURN ARRAY[met, total];
END
$$;

CREATE FUNCTION criteria_evaluate(tree jsonb, facts jsonb, parameters jsonb)
RETURNS TABLE (result smallint, fit smallint)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 5000 ROWS 1 AS $$
DECLARE
    branches jsonb := tree -> 'criteria';
    weights integer[];
    held boolean;
BEGIN
    IF tree -> 'schema_version' IS DISTINCT FROM '1'::jsonb OR jsonb_typeof(branches) IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'criteria: tree that is none';
    END IF;
    result := 0;
    FOR place IN 0 .. jsonb_array_length(branches) - 1 LOOP
        held := criteria_node_holds(branches -> place, facts, parameters);
        IF NOT held THEN
            result := 2;
            fit := 0;
            RETURN NEXT;
            RETURN;
        ELSIF held IS NULL THEN
            result := 1;
        END IF;
    END LOOP;
    weights := criteria_soft_weights(branches, facts, parameters);
    fit := CASE weights[2] WHEN 0 THEN 100 ELSE 100 * weights[1] / weights[2] END;
    RETURN NEXT;
END
$$;
