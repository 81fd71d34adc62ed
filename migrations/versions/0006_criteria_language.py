"""What the criteria language gained, in the evaluator's twin, and the facts and levels that it reads.

Rows written before get the fact `sectors`, the new open facts among those that are shared (as yet unanswered), and the
levels of their facts. The way back refuses while published criteria speak the new language: the old twin cannot read
them.

Revision ID: 0006
Revises: 0005
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SQL = Path(__file__).resolve().parents[1] / "sql"

SECTORS = """
CREATE FUNCTION pg_temp.with_sectors(facts jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT CASE WHEN facts ? 'sector' THEN facts || jsonb_build_object('sectors', jsonb_build_array(
        facts -> 'sector',
        '{"community_health": "health_and_care", "adult_social_care": "health_and_care",
          "mental_health": "health_and_care", "children_services": "children_and_young_people",
          "youth_services": "children_and_young_people", "education_support": "children_and_young_people",
          "libraries_archives": "culture_and_leisure", "arts_culture": "culture_and_leisure",
          "leisure_sport": "culture_and_leisure", "housing_support": "housing_and_employment",
          "employment_skills": "housing_and_employment", "probation_justice": "justice_and_safety",
          "fire_rescue": "justice_and_safety", "corporate_back_office": "corporate"}'::jsonb -> (facts ->> 'sector')
    )) ELSE facts END
$$;
UPDATE proposal_projection SET
    facts = pg_temp.with_sectors(facts),
    open_facts = pg_temp.with_sectors(open_facts),
    open_slugs = open_slugs || '{registered_on,trading_since}'::varchar[]
        || CASE WHEN 'sector' = ANY (open_slugs) THEN '{sectors}'::varchar[] ELSE '{}'::varchar[] END;
UPDATE proposal_share SET facts = pg_temp.with_sectors(facts), slugs = slugs || '{sectors}'::varchar[]
WHERE 'sector' = ANY (slugs);
DROP FUNCTION pg_temp.with_sectors(jsonb);
"""

LEVELS = """
WITH held AS (
    SELECT p.proposal_id, p.facts, a.fact, a.level
    FROM proposal_projection p JOIN fact_assurance a ON a.proposal_version_id = p.version_id
    WHERE p.facts ? a.fact
), nation AS (
    SELECT area.proposal_id, area.facts, area.facts -> 'areas' ?| '{E92000001,W92000004,S92000003,N92000002}' AS told,
        area.level AS of_area, lead.level AS of_lead
    FROM held area LEFT JOIN held lead ON lead.proposal_id = area.proposal_id AND lead.fact = 'lead_nation'
    WHERE area.fact = 'area_code'
), levels AS (
    SELECT proposal_id, fact, level FROM held
    UNION ALL
    SELECT held.proposal_id, follows.fact, held.level
    FROM held JOIN (VALUES
        ('registration', 'incorporated'), ('legal_form', 'asset_lock'), ('mfa_received', 'mfa_total_with_ask'),
        ('area_code', 'region'), ('area_code', 'areas'), ('sector', 'sectors')
    ) AS follows (input, fact) ON follows.input = held.fact
    WHERE held.facts ? follows.fact
    UNION ALL
    SELECT proposal_id, 'beneficiary_nation', CASE WHEN told THEN of_area ELSE least(of_area, of_lead) END
    FROM nation WHERE facts ? 'beneficiary_nation' AND (told OR of_lead IS NOT NULL)
    UNION ALL
    SELECT proposal_id, 'employer_consent', 'verified' FROM proposal_projection WHERE facts ? 'employer_consent'
)
UPDATE proposal_projection p SET assurance = known.assurance
FROM (SELECT proposal_id, jsonb_object_agg(fact, level) AS assurance FROM levels GROUP BY proposal_id) AS known
WHERE known.proposal_id = p.proposal_id
"""

SPEAKS_IT = """
SELECT count(*) FROM criteria_version WHERE jsonb_path_exists(tree, '$.** ? (
    exists(@.assurance) || @.op == "known" || @.op == "between" || @.op == "within"
    || @.op == "at_least_months_before" || @.op == "at_least_months_after"
)')
"""

FORGET = """
UPDATE proposal_projection SET
    facts = facts - '{sectors,registered_on,trading_since,contract_ends_on}'::text[],
    open_facts = open_facts - '{sectors,registered_on,trading_since,contract_ends_on}'::text[],
    open_slugs = ARRAY(SELECT slug FROM unnest(open_slugs) AS slug
        WHERE slug NOT IN ('sectors', 'registered_on', 'trading_since', 'contract_ends_on'));
UPDATE proposal_share SET
    facts = facts - '{sectors,registered_on,trading_since,contract_ends_on}'::text[],
    slugs = ARRAY(SELECT slug FROM unnest(slugs) AS slug
        WHERE slug NOT IN ('sectors', 'registered_on', 'trading_since', 'contract_ends_on'));
"""


def run(statements: str) -> None:
    """Run statements as they stand."""
    op.get_bind().exec_driver_sql(statements.replace("%", "%%"))


def upgrade() -> None:
    op.add_column(
        "proposal_projection",
        sa.Column("assurance", postgresql.JSONB(none_as_null=True), server_default=sa.text("'{}'"), nullable=False),
    )
    run(SECTORS)
    run(LEVELS)
    run((SQL / "criteria_language.sql").read_text())


def downgrade() -> None:
    speaking = op.get_bind().exec_driver_sql(SPEAKS_IT).scalar_one()
    if speaking:
        raise RuntimeError(f"{speaking} published criteria versions cannot be read by the language of 0005")
    for name in ("criteria_evaluate.sql", "proposal_sharing.sql"):
        run((SQL / name).read_text().replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    for function in ("facts_with_assurance(jsonb, jsonb)", "criteria_assured(text, text)", "criteria_day(jsonb)"):
        op.execute(f"DROP FUNCTION {function}")
    run(FORGET)
    op.drop_column("proposal_projection", "assurance")
