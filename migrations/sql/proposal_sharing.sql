-- Who sees a proposal and which of its facts: the twins of marketplace/proposals/rules.py.
-- To change a function, write a new migration with its new text.

CREATE FUNCTION proposal_excludes(proposal_id uuid, organisation_id uuid) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT EXISTS (
    SELECT FROM proposal_exclusion kept_out
    WHERE kept_out.proposal_id = $1 AND kept_out.organisation_id = $2 AND kept_out.source = 'chosen'
  ) OR EXISTS (
    SELECT FROM proposal
    WHERE proposal.id = $1 AND proposal.exclude_parent
      AND NOT EXISTS (SELECT FROM proposal_named n WHERE n.proposal_id = $1 AND n.organisation_id = $2)
      AND (
        proposal.parent_organisation_id = $2
        OR EXISTS (
          SELECT FROM organisation_identifier i
          WHERE i.organisation_id = $2 AND i.scheme || '-' || i.number = proposal.parent_identifier
        )
        OR EXISTS (
          SELECT FROM proposal_exclusion c
          WHERE c.proposal_id = $1 AND c.organisation_id = $2 AND c.source = 'commissioner'
        )
      )
  )
$$;

CREATE FUNCTION proposal_visible_to(proposal_id uuid, organisation_id uuid) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce((
    SELECT CASE
      WHEN proposal.visibility = 'public' THEN true
      WHEN proposal.visibility = 'private' THEN false
      WHEN looking.verification NOT IN ('register_checked', 'vouched') THEN false
      WHEN proposal_excludes(proposal.id, looking.id) THEN false
      WHEN EXISTS (SELECT FROM proposal_named n WHERE n.proposal_id = proposal.id AND n.organisation_id = looking.id)
        THEN true
      ELSE proposal.visibility = 'verified_funders'
        AND looking.kind IN ('funder', 'intermediary', 'wholesale_vehicle', 'public_body')
    END
    FROM proposal, organisation looking, organisation owner
    WHERE proposal.id = $1 AND looking.id = $2
      AND owner.id = proposal.organisation_id AND owner.verification <> 'suspended'
      AND proposal.state = 'active' AND proposal.current_version_id IS NOT NULL
  ), false)
$$;

CREATE FUNCTION own_facts(proposal_id uuid, as_of date) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN p.consent_until < $2 THEN p.facts - 'employer_consent' ELSE p.facts END
  FROM proposal_projection p WHERE p.proposal_id = $1
$$;

CREATE FUNCTION shared_facts(proposal_id uuid, organisation_id uuid, as_of date) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN p.consent_until < $3 THEN (p.open_facts || coalesce(s.facts, '{}')) - 'employer_consent'
    ELSE p.open_facts || coalesce(s.facts, '{}')
  END
  FROM proposal_projection p
  LEFT JOIN proposal_share s ON s.proposal_id = p.proposal_id AND s.organisation_id = $2
  WHERE p.proposal_id = $1
$$;
