-- The cell index: no published programme is ever missing from it, whoever wrote the programme's row.
-- To change a function, write a new migration with its new text.

-- A programme whose current version changed without its cells has none, and waits to be indexed; until then every query
-- evaluates it by itself. The header first: it is what concurrent writers wait for.
CREATE FUNCTION await_indexing() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.current_criteria_version_id IS NOT NULL THEN
        INSERT INTO indexed_criteria AS held (programme_id, criteria_version_id, layout, cells)
        VALUES (NEW.id, NEW.current_criteria_version_id, 0, 0)
        ON CONFLICT (programme_id) DO UPDATE
        SET criteria_version_id = excluded.criteria_version_id, layout = 0, cells = 0
        WHERE held.criteria_version_id <> excluded.criteria_version_id;
        IF FOUND THEN
            DELETE FROM criteria_cell WHERE programme_id = NEW.id;
        END IF;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER programme_await_indexing AFTER INSERT OR UPDATE OF current_criteria_version_id ON programme
FOR EACH ROW EXECUTE FUNCTION await_indexing();

-- A proposal whose open facts changed without its point has one of no layout, and is evaluated by itself as well.
CREATE FUNCTION await_placing() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO proposal_point (proposal_id, layout, sector, sought, "unknown", known_0, known_1, known_2, known_3)
        VALUES (NEW.proposal_id, 0, 0, 0, 0, 0, 0, 0, 0)
        ON CONFLICT (proposal_id) DO UPDATE SET layout = 0;
    ELSIF OLD.open_facts IS DISTINCT FROM NEW.open_facts THEN
        UPDATE proposal_point SET layout = 0 WHERE proposal_id = NEW.proposal_id;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER proposal_projection_await_placing AFTER INSERT OR UPDATE OF open_facts ON proposal_projection
FOR EACH ROW EXECUTE FUNCTION await_placing();

-- The fit that criteria_evaluate would give a tree that is not ineligible.
CREATE FUNCTION criteria_fit(tree jsonb, facts jsonb, parameters jsonb) RETURNS smallint
LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 2000 AS $$
  SELECT CASE weights[2] WHEN 0 THEN 100 ELSE 100 * weights[1] / weights[2] END::smallint
  FROM criteria_soft_weights($1 -> 'criteria', $2, $3) AS weights
$$;
