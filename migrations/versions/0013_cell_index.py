"""The cell index over published criteria, and the index over proposals.

Revision ID: 0013
Revises: 0012
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

SQL = Path(__file__).resolve().parents[1] / "sql"
WORDS = 4
MEASURES = (
    *("ask", "turnover", "annual_contract_value", "investment_sought", "mfa_received", "mfa_total_with_ask"),
    *("staff_count", "years_trading", "match_cash", "loan_share", "payback_years"),
    *("registered_on", "trading_since", "contract_ends_on"),
)

NOT_REFUSED = " AND ".join(
    [
        *(f"c.refuses_{word} & known_{word} = 0" for word in range(WORDS)),
        "c.wants & sought <> 0",
        "CASE "
        + " ".join(f"WHEN c.{fact}_least > of_{fact} OR c.{fact}_most < of_{fact} THEN false" for fact in MEASURES)
        + " ELSE true END",
    ]
)
"""The masks first: of equals PostgreSQL tries the cheapest, and one CASE of all the ranges costs most."""

UNPACKED = "\n  ".join(
    [
        *(f"known_{word} CONSTANT bigint := words[{word + 1}];" for word in range(WORDS)),
        *(f"of_{fact} CONSTANT bigint := measures[{at}];" for at, fact in enumerate(MEASURES, 1)),
    ]
)
"""A variable is cheaper to look at in every row than a place of an array."""

POINT = (
    "of_layout integer, areas smallint[], sectors smallint[], instruments smallint[], words bigint[],"
    " not_known bigint, sought bigint, measures bigint[],"
    " facts jsonb, parameters jsonb, shown_of uuid, granted uuid[], as_of date"
)
"""A point, the facts that it was made of, and the day. For what organisations are shown: the proposal, and those that
are shown more than the point's facts; NULL and none where everyone sees the same."""

UNSURE = "unsure_from smallint[], unsure_to smallint[]"
POINT_NAMES = ", ".join(member.split()[0] for member in POINT.split(", "))

ONE_BY_ONE = """
  RETURN QUERY SELECT p.id, answer.result, true
  FROM programme p
  JOIN indexed_criteria held ON held.programme_id = p.id
  JOIN criteria_version v ON v.id = p.current_criteria_version_id
  CROSS JOIN LATERAL criteria_evaluate(
    v.tree, CASE WHEN shown_of IS NULL THEN facts ELSE shared_facts(shown_of, p.organisation_id, as_of) END, parameters
  ) answer
  WHERE """
CRITERIA_ONE_BY_ONE = f"""
CREATE FUNCTION criteria_one_by_one({POINT})
RETURNS TABLE (programme_id uuid, rank smallint, has_soft boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10 SET plan_cache_mode = force_custom_plan AS $$
BEGIN
  {ONE_BY_ONE} held.layout < of_layout OR held.layout > of_layout OR (held.layout = of_layout AND held.cells = 0);
  IF cardinality(granted) > 0 THEN
    {ONE_BY_ONE} held.layout = of_layout AND held.cells > 0 AND p.organisation_id = ANY (granted);
  END IF;
END
$$
"""
"""The rank of each programme that has no cells of the layout, and of those whose organisations are shown more."""

NOT_ALL_IN_CELLS = """
    cardinality(granted) > 0
    OR (SELECT min(held.layout) FROM indexed_criteria held) <> of_layout
    OR (SELECT max(held.layout) FROM indexed_criteria held) <> of_layout
    OR (SELECT min(held.cells) FROM indexed_criteria held WHERE held.layout = of_layout) = 0"""
"""Told by the ends of an index, so that nothing more is planned or run where every programme has its cells."""

SHOWN_NO_MORE = """
    (cardinality(granted) = 0 OR NOT EXISTS (
      SELECT FROM programme p WHERE p.id = c.programme_id AND p.organisation_id = ANY (granted)
    ))"""

CELLS_MET = f"""
CREATE FUNCTION cells_met({POINT})
RETURNS TABLE (programme_id uuid, rank smallint, has_soft boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 50 SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
  {UNPACKED}
BEGIN
  RETURN QUERY SELECT DISTINCT c.programme_id, 0::smallint, c.has_soft
  FROM criteria_cell c
  WHERE c.layout = of_layout AND c.area = ANY (areas) AND c.sector = ANY (sectors) AND c.instrument = ANY (instruments)
    AND {NOT_REFUSED} AND c.asks & not_known = 0
    AND CASE WHEN c.residual IS NULL THEN true ELSE criteria_node_holds(c.residual, facts, parameters) END
    AND {SHOWN_NO_MORE};
  IF {NOT_ALL_IN_CELLS} THEN
    RETURN QUERY SELECT * FROM criteria_one_by_one({POINT_NAMES}) one WHERE one.rank = 0;
  END IF;
END
$$
"""
"""The programmes of which an alternative is met: in the cells that the point certainly lies in, and one by one.

One plan for all points, kept for the session: there is one index to use, and few rows are left to be looked at.
"""

STANDING = f"""
  RETURN QUERY SELECT
    c.programme_id,
    min(
      CASE
        WHEN c.residual IS NULL THEN (c.asks & not_known <> 0)::integer
        ELSE CASE criteria_node_holds(c.residual, facts, parameters)
          WHEN true THEN (c.asks & not_known <> 0)::integer WHEN false THEN 2 ELSE 1
        END
      END
    )::smallint,
    bool_or(c.has_soft)
  FROM criteria_cell c
  WHERE c.layout = of_layout AND {{}}
    AND c.sector = ANY (sectors) AND c.instrument = ANY (instruments) AND {NOT_REFUSED} AND {SHOWN_NO_MORE}
  GROUP BY c.programme_id;"""
CELLS_STANDING = f"""
CREATE FUNCTION cells_standing({POINT}, {UNSURE})
RETURNS TABLE (programme_id uuid, rank smallint, has_soft boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 500 SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
  {UNPACKED}
  nowhere_else CONSTANT boolean := unsure_from[1] > unsure_to[1] AND unsure_from[2] > unsure_to[2];
BEGIN
  IF nowhere_else THEN
    {STANDING.format("c.area = ANY (areas)")}
  ELSE
    {
    STANDING.format(
        '''(
      c.area = ANY (areas)
      OR c.area BETWEEN unsure_from[1] AND unsure_to[1]
      OR c.area BETWEEN unsure_from[2] AND unsure_to[2]
    )'''
    )
}
  END IF;
  IF {NOT_ALL_IN_CELLS} THEN
    RETURN QUERY SELECT * FROM criteria_one_by_one({POINT_NAMES});
  END IF;
END
$$
"""
"""The rank of each programme in the cells that the point may lie in: 0 met, 1 unknown, 2 unmet by its residual."""


STRETCH = "verified text[], after_fit integer, after_id uuid, most integer"

LEAST_UNMET = " + ".join(
    [
        *(f"bit_count((c.refuses_{word} & known_{word})::bit(64))" for word in range(WORDS)),
        "(c.wants & sought = 0)::integer",
        *(f"coalesce((c.{fact}_least > of_{fact} OR c.{fact}_most < of_{fact})::integer, 0)" for fact in MEASURES),
    ]
)
"""A known fact has one bit: this counts the facts that refuse the alternative, and at least so many criteria do."""

CELLS_MISSED = f"""
CREATE FUNCTION cells_missed({POINT}, {UNSURE})
RETURNS TABLE (programme_id uuid, bound integer)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 100 SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
  {UNPACKED}
BEGIN
  RETURN QUERY SELECT one.programme_id, min(one.least)::integer
  FROM (
    SELECT c.programme_id, c.residual IS NULL AS is_all, {LEAST_UNMET} AS least
    FROM criteria_cell c
    WHERE c.layout = of_layout
      AND (
        c.area = ANY (areas)
        OR c.area BETWEEN unsure_from[1] AND unsure_to[1]
        OR c.area BETWEEN unsure_from[2] AND unsure_to[2]
      )
      AND c.sector = ANY (sectors)
    OFFSET 0
  ) one
  GROUP BY one.programme_id
  HAVING min(one.least) <= 2 AND NOT bool_or(one.is_all AND one.least = 0);
  RETURN QUERY SELECT held.programme_id, 1 FROM indexed_criteria held
  WHERE held.layout < of_layout OR held.layout > of_layout OR (held.layout = of_layout AND held.cells = 0);
END
$$
"""
"""Programmes that may be near misses, of all instruments, and those that have no cells, with the least unmet."""

RANKED = """
  RETURN QUERY SELECT ranked.id, ranked.fit FROM (
    SELECT p.id, CASE WHEN found.has_soft THEN criteria_fit(
      v.tree,
      CASE WHEN shown_of IS NULL THEN facts ELSE shared_facts(shown_of, p.organisation_id, as_of) END,
      parameters
    ) ELSE 100::smallint END AS fit
    FROM {} found
    JOIN programme p ON p.id = found.programme_id
    JOIN criteria_version v ON v.id = p.current_criteria_version_id
    JOIN organisation o ON o.id = p.organisation_id
    WHERE found.rank = wanted AND o.verification = ANY (verified)
  ) ranked
  WHERE after_id IS NULL OR (100 - ranked.fit, ranked.id) > (after_fit, after_id)
  ORDER BY ranked.fit DESC, ranked.id LIMIT most;"""
PROGRAMMES_RANKED = f"""
CREATE FUNCTION programmes_ranked(wanted smallint, {POINT}, {UNSURE}, {STRETCH})
RETURNS TABLE (id uuid, fit smallint)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 20 SET plan_cache_mode = force_generic_plan SET jit = off AS $$
BEGIN
  IF wanted = 0 THEN
    {RANKED.format(f"cells_met({POINT_NAMES})")}
  ELSE
    {RANKED.format(f"cells_standing({POINT_NAMES}, unsure_from, unsure_to)")}
  END IF;
END
$$
"""
"""A stretch of the programmes of one rank, 0 or 1, the best fit first; after_id NULL: from the first one on.

What candidates.py asks without conditions of its own. A client's prepared statement does not outlive the end of a
reading request, for psycopg forgets them all with each rollback; a function's plan does.
"""


def upgrade() -> None:
    op.create_table(
        "indexed_criteria",
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("criteria_version_id", sa.Uuid(), nullable=False),
        sa.Column("layout", sa.Integer(), nullable=False),
        sa.Column("cells", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_indexed_criteria_programme_id")),
        sa.PrimaryKeyConstraint("programme_id", name=op.f("pk_indexed_criteria")),
    )
    op.create_index("ix_indexed_criteria_layout_cells", "indexed_criteria", ["layout", "cells"], unique=False)
    op.create_table(
        "criteria_cell",
        sa.Column("layout", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("area", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("sector", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("instrument", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("has_soft", sa.Boolean(), nullable=False),
        sa.Column("wants", sa.BigInteger(), nullable=False),
        sa.Column("asks", sa.BigInteger(), nullable=False),
        *(sa.Column(f"refuses_{word}", sa.BigInteger(), nullable=False) for word in range(WORDS)),
        *(sa.Column(f"{fact}_{end}", sa.BigInteger(), nullable=True) for fact in MEASURES for end in ("least", "most")),
        sa.Column("residual", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["indexed_criteria.programme_id"], name=op.f("fk_criteria_cell_programme_id")
        ),
        sa.PrimaryKeyConstraint(
            *("layout", "area", "sector", "instrument", "programme_id", "number"), name=op.f("pk_criteria_cell")
        ),
    )
    op.create_index("ix_criteria_cell_programme_id", "criteria_cell", ["programme_id"], unique=False)
    op.create_table(
        "proposal_point",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("layout", sa.Integer(), nullable=False),
        sa.Column("sector", sa.SmallInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=True),
        sa.Column("sought", sa.BigInteger(), nullable=False),
        sa.Column("unknown", sa.BigInteger(), nullable=False),
        *(sa.Column(f"known_{word}", sa.BigInteger(), nullable=False) for word in range(WORDS)),
        *(sa.Column(fact, sa.BigInteger(), nullable=True) for fact in MEASURES),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["proposal.id"], name=op.f("fk_proposal_point_proposal_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_proposal_point")),
    )
    op.create_index("ix_proposal_point_layout_sector_position", "proposal_point", ["layout", "sector", "position"])
    op.create_index("ix_proposal_point_layout_position", "proposal_point", ["layout", "position"])
    op.get_bind().exec_driver_sql((SQL / "cell_index.sql").read_text().replace("%", "%%"))
    op.execute(CRITERIA_ONE_BY_ONE)
    op.execute(CELLS_MET)
    op.execute(CELLS_STANDING)
    op.execute(PROGRAMMES_RANKED)
    op.execute(CELLS_MISSED)
    op.execute(
        "INSERT INTO indexed_criteria (programme_id, criteria_version_id, layout, cells)"
        " SELECT id, current_criteria_version_id, 0, 0 FROM programme WHERE current_criteria_version_id IS NOT NULL"
    )
    op.execute(
        "INSERT INTO proposal_point"
        ' (proposal_id, layout, sector, sought, "unknown", known_0, known_1, known_2, known_3)'
        " SELECT proposal_id, 0, 0, 0, 0, 0, 0, 0, 0 FROM proposal_projection"
    )


def downgrade() -> None:
    op.execute(f"DROP FUNCTION cells_missed({POINT}, {UNSURE})")
    op.execute(f"DROP FUNCTION programmes_ranked(wanted smallint, {POINT}, {UNSURE}, {STRETCH})")
    op.execute(f"DROP FUNCTION cells_standing({POINT}, {UNSURE})")
    op.execute(f"DROP FUNCTION cells_met({POINT})")
    op.execute(f"DROP FUNCTION criteria_one_by_one({POINT})")
    op.execute("DROP FUNCTION criteria_fit(jsonb, jsonb, jsonb)")
    op.execute("DROP TRIGGER proposal_projection_await_placing ON proposal_projection")
    op.execute("DROP FUNCTION await_placing()")
    op.execute("DROP TRIGGER programme_await_indexing ON programme")
    op.execute("DROP FUNCTION await_indexing()")
    op.drop_index("ix_proposal_point_layout_position", table_name="proposal_point")
    op.drop_index("ix_proposal_point_layout_sector_position", table_name="proposal_point")
    op.drop_table("proposal_point")
    op.drop_index("ix_criteria_cell_programme_id", table_name="criteria_cell")
    op.drop_table("criteria_cell")
    op.drop_index("ix_indexed_criteria_layout_cells", table_name="indexed_criteria")
    op.drop_table("indexed_criteria")
