-- The words under which programmes and proposals are found, written by triggers in the transaction of every change.
--
-- One text search configuration for every language: accents are folded away and the English stems taken, of the words
-- kept and of the words looked for alike. Core PostgreSQL 15 or newer, no extension.
-- `search_label` holds what a fact's slugs and area codes are called, so that "Leeds" or "community health" is found.
-- Once released this file stays as it is: to change a function, write a new migration with its new text.

CREATE FUNCTION search_folded(written text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT regexp_replace(normalize(written, NFD), '[\u0300-\u036f]', '', 'g')
$$;

CREATE FUNCTION search_vector(written text, weight "char") RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT setweight(to_tsvector('pg_catalog.english'::regconfig, search_folded(coalesce(written, ''))), weight)
$$;

CREATE FUNCTION search_query(asked text) RETURNS tsquery
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT websearch_to_tsquery('pg_catalog.english'::regconfig, search_folded(asked))
$$;

-- Every language of authored text.
CREATE FUNCTION search_texts(words jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT string_agg(value, ' ' ORDER BY key) FROM jsonb_each_text(words)
$$;

-- What the values of these facts are called.
CREATE FUNCTION search_labels(facts jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT string_agg(DISTINCT label.words, ' ')
  FROM jsonb_each(facts) answer
  CROSS JOIN LATERAL jsonb_array_elements_text(
    CASE jsonb_typeof(answer.value) WHEN 'array' THEN answer.value ELSE jsonb_build_array(answer.value) END
  ) held(slug)
  JOIN search_label label ON label.fact = answer.key AND label.slug = held.slug
$$;

-- What the values are called that a criteria tree asks for; not those that it rules out.
CREATE FUNCTION search_labels_asked(tree jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  WITH ruled_out AS (
    SELECT jsonb_path_query(tree, 'strict $.** ? (exists(@."not"))."not".** ? (exists(@.fact))', '{}', true) AS leaf
  ), asked AS (
    SELECT jsonb_path_query(tree, 'strict $.** ? (exists(@.fact) && exists(@.value))', '{}', true) AS leaf
    EXCEPT SELECT leaf FROM ruled_out
  )
  SELECT string_agg(DISTINCT label.words, ' ')
  FROM asked
  CROSS JOIN LATERAL jsonb_array_elements_text(
    CASE jsonb_typeof(leaf -> 'value') WHEN 'array' THEN leaf -> 'value' ELSE jsonb_build_array(leaf -> 'value') END
  ) wanted(slug)
  JOIN search_label label ON label.fact = leaf ->> 'fact' AND label.slug = wanted.slug
  WHERE leaf ->> 'op' NOT IN ('ne', 'not_in', 'contains_none')
$$;

CREATE FUNCTION search_words_of_programme(programme_id uuid) RETURNS tsvector
LANGUAGE sql STABLE AS $$
  SELECT search_vector(search_texts(programme.title), 'A')
      || search_vector(search_texts(organisation.name), 'B')
      || search_vector(
        CASE WHEN version.id IS NULL
          THEN search_labels(
            jsonb_build_object('instruments_sought', programme.instruments, 'stage', programme.stages)
          )
          ELSE search_labels_asked(version.tree)
        END, 'B')
      || search_vector(search_texts(programme.summary), 'C')
  FROM programme
  JOIN organisation ON organisation.id = programme.organisation_id
  LEFT JOIN criteria_version version ON version.id = programme.current_criteria_version_id
  WHERE programme.id = $1
$$;

-- `own` for the group, `plain` for who sees a proposal by name, `coarse` for who sees it under its pseudonym.
CREATE FUNCTION search_words_of_proposal(proposal_id uuid, OUT own tsvector, OUT plain tsvector, OUT coarse tsvector)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  title jsonb;
  drafted jsonb;
  summary jsonb;
  name jsonb;
  labels text;
  own_labels text;
  pseudonym text;
BEGIN
  SELECT proposal.title, version.title, version.summary, organisation.name, proposal.pseudonym,
         search_labels(projection.open_facts || jsonb_build_object('stage', projection.stage)
                       || jsonb_build_object('instruments_sought', version.ask -> 'instruments')),
         search_labels(projection.facts)
    INTO drafted, title, summary, name, pseudonym, labels, own_labels
    FROM proposal
    JOIN organisation ON organisation.id = proposal.organisation_id
    LEFT JOIN proposal_version version ON version.id = proposal.current_version_id
    LEFT JOIN proposal_projection projection ON projection.proposal_id = proposal.id
   WHERE proposal.id = $1;
  coarse := search_vector(pseudonym, 'A') || search_vector(labels, 'B');
  plain := coarse || search_vector(search_texts(title), 'A') || search_vector(search_texts(name), 'B')
    || search_vector(search_texts(summary), 'C');
  own := search_vector(pseudonym, 'A') || search_vector(own_labels, 'B') || search_vector(search_texts(drafted), 'A')
    || search_vector(search_texts(name), 'B') || search_vector(search_texts(summary), 'C');
END
$$;

-- Each writer takes the text's row first and reads afterwards, in a statement of its own: of two changes at once (a new
-- title, a renamed organisation) the later one sees both.
CREATE FUNCTION search_write_programme(programme_id uuid) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO programme_text VALUES ($1, '') ON CONFLICT DO NOTHING;
  PERFORM FROM programme_text t WHERE t.programme_id = $1 FOR UPDATE;
  UPDATE programme_text t SET words = search_words_of_programme($1) WHERE t.programme_id = $1;
END
$$;

CREATE FUNCTION search_write_proposal(proposal_id uuid) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO proposal_text VALUES ($1, '', '', '') ON CONFLICT DO NOTHING;
  PERFORM FROM proposal_text t WHERE t.proposal_id = $1 FOR UPDATE;
  UPDATE proposal_text t SET own = made.own, plain = made.plain, coarse = made.coarse
    FROM search_words_of_proposal($1) made WHERE t.proposal_id = $1;
END
$$;

CREATE FUNCTION search_programme_changed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM search_write_programme(NEW.id);
  RETURN NULL;
END
$$;

CREATE FUNCTION search_proposal_changed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM search_write_proposal(NEW.id);
  RETURN NULL;
END
$$;

CREATE FUNCTION search_projection_changed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM search_write_proposal(NEW.proposal_id);
  RETURN NULL;
END
$$;

CREATE FUNCTION search_organisation_renamed() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
  theirs uuid;
BEGIN
  FOR theirs IN SELECT id FROM programme WHERE organisation_id = NEW.id ORDER BY id LOOP
    PERFORM search_write_programme(theirs);
  END LOOP;
  FOR theirs IN SELECT id FROM proposal WHERE organisation_id = NEW.id ORDER BY id LOOP
    PERFORM search_write_proposal(theirs);
  END LOOP;
  RETURN NULL;
END
$$;

CREATE FUNCTION search_write_all() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM search_write_programme(id) FROM (SELECT id FROM programme ORDER BY id) every;
  PERFORM search_write_proposal(id) FROM (SELECT id FROM proposal ORDER BY id) every;
END
$$;

CREATE TRIGGER programme_searched
  AFTER INSERT OR UPDATE OF title, summary, organisation_id, instruments, stages, current_criteria_version_id
  ON programme FOR EACH ROW EXECUTE FUNCTION search_programme_changed();
CREATE TRIGGER proposal_searched
  AFTER INSERT OR UPDATE OF title, pseudonym, organisation_id, current_version_id
  ON proposal FOR EACH ROW EXECUTE FUNCTION search_proposal_changed();
CREATE TRIGGER proposal_projection_searched
  AFTER INSERT OR UPDATE ON proposal_projection FOR EACH ROW EXECUTE FUNCTION search_projection_changed();
CREATE TRIGGER organisation_searched
  AFTER UPDATE OF name ON organisation
  FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION search_organisation_renamed();
