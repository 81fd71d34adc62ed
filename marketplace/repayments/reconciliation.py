"""For `flask reconcile`: what repayments, write-offs, parts, tranches and ledger accounts must have in common."""

from sqlalchemy import ARRAY, Boolean, Uuid, bindparam, text
from sqlalchemy.orm import Session

from marketplace.ledger.reconciliation import Owners

DIFFERENCES = text(
    """
WITH part AS (
  SELECT part.id, part.pledge_id, part.returned, part.repaid, part.written_off,
         coalesce(t.repaid, 0) AS tranches_repaid, coalesce(t.written_off, 0) AS tranches_written_off,
         coalesce(r.principal, 0) AS principal, coalesce(w.amount, 0) AS approved
  FROM pledge_part part
  LEFT JOIN (SELECT part_id, sum(repaid) AS repaid, sum(written_off) AS written_off FROM tranche GROUP BY part_id) t
    ON t.part_id = part.id
  LEFT JOIN (SELECT part_id, sum(principal) AS principal FROM repayment GROUP BY part_id) r ON r.part_id = part.id
  LEFT JOIN (SELECT part_id, sum(amount) AS amount FROM write_off WHERE state = 'approved' GROUP BY part_id) w
    ON w.part_id = part.id
  WHERE :everybody OR part.pledge_id = ANY (:owners)
), shared AS (
  SELECT repayment.id, repayment.amount, repayment.principal,
         coalesce(sum(reduction.fee + reduction.interest + reduction.principal + reduction.premium), 0) AS shares,
         coalesce(sum(reduction.principal), 0) AS principal_shares
  FROM repayment LEFT JOIN reduction ON reduction.repayment_id = repayment.id
  WHERE :everybody OR repayment.pledge_id = ANY (:owners) GROUP BY repayment.id
), lowered AS (
  SELECT tranche.id, tranche.returned, tranche.repaid, tranche.written_off,
         coalesce(sum(reduction.principal) FILTER (WHERE cause = 'repaid'), 0) AS repaid_shares,
         coalesce(sum(reduction.principal) FILTER (WHERE cause = 'written_off'), 0) AS written_off_shares
  FROM tranche JOIN pledge_part part ON part.id = tranche.part_id
  LEFT JOIN reduction ON reduction.tranche_id = tranche.id
  WHERE :everybody OR part.pledge_id = ANY (:owners) GROUP BY tranche.id
), books AS (
  SELECT owner_id AS pledge_id,
         coalesce(sum(balance) FILTER (WHERE name IN ('returned', 'repaid', 'recycled')), 0) AS came_back,
         coalesce(sum(balance) FILTER (WHERE name = 'written_off'), 0) AS written_off,
         coalesce(sum(balance) FILTER (WHERE name = 'fees'), 0) AS fees,
         coalesce(sum(balance) FILTER (WHERE name = 'interest'), 0) AS interest,
         coalesce(sum(balance) FILTER (WHERE name = 'premiums'), 0) AS premiums
  FROM ledger_account WHERE owner_kind = 'pledge' AND (:everybody OR owner_id = ANY (:owners)) GROUP BY owner_id
), figures AS (
  SELECT pledge_id, sum(returned + repaid) AS came_back, sum(written_off) AS written_off FROM part GROUP BY pledge_id
), given AS (
  SELECT account.owner_id AS pledge_id, account.balance,
         coalesce(sum(tranche.amount) FILTER (WHERE tranche.state = 'paid' AND ended.id IS NULL), 0) AS in_force
  FROM ledger_account account
  LEFT JOIN pledge_part part ON part.pledge_id = account.owner_id AND part.instrument = 'guarantee'
  LEFT JOIN tranche ON tranche.part_id = part.id
  LEFT JOIN ledger_transaction ended ON ended.kind = 'guarantee.ended' AND ended.reference = tranche.id::text
  WHERE account.owner_kind = 'pledge' AND account.name = 'guarantee_given'
    AND (:everybody OR account.owner_id = ANY (:owners))
  GROUP BY account.owner_id, account.balance
), income AS (
  SELECT pledge_id, sum(fee) AS fees, sum(interest) AS interest, sum(premium) AS premiums
  FROM repayment GROUP BY pledge_id
)
SELECT 'part ' || id || ': repaid is ' || repaid || ', its tranches say ' || tranches_repaid || ', its repayments '
       || principal FROM part WHERE repaid <> tranches_repaid OR repaid <> principal
UNION ALL
SELECT 'part ' || id || ': written off is ' || written_off || ', its tranches say ' || tranches_written_off
       || ', its approved write-offs ' || approved
FROM part WHERE written_off <> tranches_written_off OR written_off <> approved
UNION ALL
SELECT 'repayment ' || id || ': ' || amount || ' with ' || principal || ' of principal was shared as ' || shares
       || ' with ' || principal_shares FROM shared WHERE amount <> shares OR principal <> principal_shares
UNION ALL
SELECT 'tranche ' || id || ': repaid is ' || repaid || ' and written off ' || written_off || ', its reductions say '
       || repaid_shares || ' and ' || written_off_shares
FROM lowered WHERE repaid <> repaid_shares OR written_off <> written_off_shares
UNION ALL
SELECT 'pledge ' || pledge_id || ': ' || books.came_back || ' came back in the ledger and ' || figures.came_back
       || ' in its parts; written off ' || books.written_off || ' and ' || figures.written_off
FROM books JOIN figures USING (pledge_id)
WHERE books.came_back <> figures.came_back OR books.written_off <> figures.written_off
UNION ALL
SELECT 'pledge ' || pledge_id || ': its income is ' || books.fees || ' + ' || books.interest || ' + ' || books.premiums
       || ' in the ledger, its repayments say ' || coalesce(income.fees, 0) || ' + ' || coalesce(income.interest, 0)
       || ' + ' || coalesce(income.premiums, 0)
FROM books LEFT JOIN income USING (pledge_id)
WHERE (books.fees, books.interest, books.premiums) IS DISTINCT FROM
      (coalesce(income.fees, 0), coalesce(income.interest, 0), coalesce(income.premiums, 0))
UNION ALL
SELECT 'pledge ' || pledge_id || ': guarantees of ' || balance || ' are given in the ledger, its tranches say '
       || in_force FROM given WHERE balance <> in_force
ORDER BY 1 LIMIT 1000
"""
).bindparams(bindparam("everybody", type_=Boolean()), bindparam("owners", type_=ARRAY(Uuid())))


def repayments_and_books_differ(session: Session, owners: Owners = None) -> list[str]:
    """Differences between what was repaid and written off, by part, tranche, share and ledger account (P8)."""
    asked = {"everybody": owners is None, "owners": sorted(owners or ())}
    return [str(found) for found in session.scalars(DIFFERENCES, asked)]
