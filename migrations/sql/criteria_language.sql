-- What schema_version 1 of the criteria gained: known, between, within, the months operators, and wanted assurance.
--
-- Replaces criteria_criterion_holds, own_facts and shared_facts. The facts map may carry a reserved member, "_assurance":
-- {fact: "evidenced" | "verified"}, with the level of each fact that is more than declared. The parameters map carries
-- the day of the evaluation as "as_of". Once released this file stays as it is.

CREATE FUNCTION criteria_day(value jsonb) RETURNS date
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    written text := value #>> '{}';
    month integer;
    day integer;
    first date;
BEGIN
    IF jsonb_typeof(value) IS DISTINCT FROM 'string' OR written !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' THEN
        RETURN NULL;
    END IF;
    month := substr(written, 6, 2)::integer;
    day := substr(written, 9, 2)::integer;
    IF left(written, 4) = '0000' OR month NOT BETWEEN 1 AND 12 OR day NOT BETWEEN 1 AND 31 THEN
        RETURN NULL;
    END IF;
    first := make_date(left(written, 4)::integer, month, 1);
    IF first + (day - 1) >= first + make_interval(months => 1) THEN
        RETURN NULL;
    END IF;
    RETURN first + (day - 1);
END
$$;

CREATE FUNCTION criteria_assured(level text, wanted text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE wanted
        WHEN 'verified' THEN coalesce(level = 'verified', false)
        WHEN 'evidenced' THEN coalesce(level IN ('evidenced', 'verified'), false)
        ELSE true
    END
$$;

CREATE OR REPLACE FUNCTION criteria_criterion_holds(leaf jsonb, facts jsonb, parameters jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 200 AS $$
DECLARE
    op text := leaf ->> 'op';
    known jsonb := facts -> (leaf ->> 'fact');
    wanted jsonb := leaf -> 'value';
    kind text := jsonb_typeof(known);
    held boolean;
    equal boolean;
BEGIN
    IF leaf ? 'assurance'
        AND NOT criteria_assured(facts -> '_assurance' ->> (leaf ->> 'fact'), leaf ->> 'assurance')
    THEN
        RETURN nullif(criteria_criterion_holds(leaf - 'assurance', facts, parameters), true);
    ELSIF op IN ('lt', 'lte', 'gt', 'gte') THEN
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
    ELSIF kind IS NULL OR kind = 'null' THEN
        IF op IN ('known', 'between', 'within', 'at_least_months_before', 'at_least_months_after') THEN
            RETURN NULL;
        END IF;
    ELSIF op = 'known' THEN
        RETURN true;
    ELSIF op = 'between' THEN
        RETURN criteria_criterion_holds(leaf || jsonb_build_object('op', 'gte', 'value', wanted -> 0), facts, parameters)
            AND criteria_criterion_holds(leaf || jsonb_build_object('op', 'lte', 'value', wanted -> 1), facts, parameters);
    ELSIF op = 'within' THEN
        known := facts -> (leaf ->> 'chain');
        IF jsonb_typeof(known) IS DISTINCT FROM 'array' THEN
            RETURN NULL;
        END IF;
        FOR place IN 0 .. jsonb_array_length(wanted) - 1 LOOP
            IF known ? (wanted ->> place) THEN
                RETURN true;
            END IF;
        END LOOP;
        RETURN false;
    ELSIF op = 'at_least_months_before' THEN
        RETURN criteria_day(known) + make_interval(months => wanted::integer) <= criteria_day(parameters -> 'as_of');
    ELSIF op = 'at_least_months_after' THEN
        RETURN criteria_day(parameters -> 'as_of') + make_interval(months => wanted::integer) <= criteria_day(known);
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'criteria: op that is none';
END
$$;

-- The facts with the levels of those among them that are more than declared.
CREATE FUNCTION facts_with_assurance(facts jsonb, assurance jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    held jsonb;
BEGIN
    IF assurance = '{}'::jsonb THEN
        RETURN facts;
    END IF;
    SELECT jsonb_object_agg(each.key, each.value) INTO held FROM jsonb_each(assurance) AS each WHERE facts ? each.key;
    RETURN CASE WHEN held IS NULL THEN facts ELSE facts || jsonb_build_object('_assurance', held) END;
END
$$;

CREATE OR REPLACE FUNCTION own_facts(proposal_id uuid, as_of date) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT facts_with_assurance(
    CASE WHEN p.consent_until < $2 THEN p.facts - 'employer_consent' ELSE p.facts END, p.assurance
  )
  FROM proposal_projection p WHERE p.proposal_id = $1
$$;

CREATE OR REPLACE FUNCTION shared_facts(proposal_id uuid, organisation_id uuid, as_of date) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT facts_with_assurance(
    CASE
      WHEN p.consent_until < $3 THEN (p.open_facts || coalesce(s.facts, '{}')) - 'employer_consent'
      ELSE p.open_facts || coalesce(s.facts, '{}')
    END,
    p.assurance
  )
  FROM proposal_projection p
  LEFT JOIN proposal_share s ON s.proposal_id = p.proposal_id AND s.organisation_id = $2
  WHERE p.proposal_id = $1
$$;
