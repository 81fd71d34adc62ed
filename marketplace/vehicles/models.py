"""Vehicles: what a programme runs, facilities with their draws and losses, employer matches with what is given and
returned.

Amounts are integer minor units of the vehicle's currency; balances lie in the ledger. Knows pledges and evidence by
their keys.
"""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.instruments.facilities import LEVERAGE_CAP, FacilityTerms
from marketplace.store.base import Identified, Minor, Model, Slug, Versioned
from marketplace.store.constraints import refuse_on
from marketplace.values.money import LARGEST_AMOUNT
from marketplace.vehicles.rules import (
    KINDS,
    ContributionExists,
    FacilityExists,
    MatchExists,
    RecoveryExists,
    ReturnExists,
    VehicleExists,
)

MONEY = f"BETWEEN 0 AND {LARGEST_AMOUNT}"


def one_of(column: str, values: Any) -> str:
    """A CHECK that the column holds one of these words."""
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


class Vehicle(Identified, Versioned, Model):
    """A programme that runs as one of the four vehicles. `terms` are what was simulated, `forecast` what it came to."""

    __tablename__ = "vehicle"

    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    programme_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("programme.id"), unique=True)
    kind: Mapped[Slug]
    currency: Mapped[str] = mapped_column(String(3))
    terms: Mapped[dict[str, Any]]
    forecast: Mapped[dict[str, Any]]
    opened_by: Mapped[uuid.UUID]
    opened_on: Mapped[date]

    __table_args__ = (CheckConstraint(one_of("kind", KINDS), name="kind"),)


class Facility(Identified, Versioned, Model):
    """What a wholesale vehicle lends one intermediary's programme; offered, then open once the intermediary agrees."""

    __tablename__ = "facility"

    vehicle_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vehicle.id"), index=True)
    programme_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("programme.id"))
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"))
    intermediary_organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    lender: Mapped[Slug]
    currency: Mapped[str] = mapped_column(String(3))
    first_loss: Mapped[Minor]
    mezzanine: Mapped[Minor]
    senior: Mapped[Minor]
    loss_stop_bp: Mapped[int] = mapped_column(Integer)
    concentration_bp: Mapped[int] = mapped_column(Integer)
    state: Mapped[Slug] = mapped_column(server_default="offered", default="offered")
    offered_by: Mapped[uuid.UUID]
    agreed_by: Mapped[uuid.UUID | None]
    agreed_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("state IN ('offered', 'open', 'withdrawn')", name="state"),
        CheckConstraint(one_of("lender", LEVERAGE_CAP), name="lender"),
        CheckConstraint(f"first_loss {MONEY} AND mezzanine {MONEY} AND senior {MONEY}", name="layers"),
        CheckConstraint(
            f"mezzanine + senior <= first_loss * CASE lender WHEN 'seed' THEN {LEVERAGE_CAP['seed']} "
            f"ELSE {LEVERAGE_CAP['proven']} END",
            name="leverage",
        ),
        CheckConstraint("(state = 'open') = (agreed_by IS NOT NULL)", name="agreed"),
        Index("uq_facility_live", "programme_id", unique=True, postgresql_where=text("state <> 'withdrawn'")),
    )

    @property
    def layers(self) -> FacilityTerms:
        """Its terms, as the arithmetic takes them."""
        return FacilityTerms(self.first_loss, self.mezzanine, self.senior, self.loss_stop_bp, self.concentration_bp)


class FacilityDraw(Identified, Model):
    """What one accepted pledge draws on a facility: its repayable parts.

    `group_key` stands for the group to whoever may not know it, the same for one group within a vehicle. `small`: the
    ask was under £50,000.
    """

    __tablename__ = "facility_draw"

    facility_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("facility.id"), index=True)
    pledge_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pledge.id"), unique=True)
    group_organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    group_key: Mapped[uuid.UUID]
    amount: Mapped[Minor]
    small: Mapped[bool] = mapped_column(Boolean)
    cancelled: Mapped[Minor] = mapped_column(server_default="0", default=0)
    repaid: Mapped[Minor] = mapped_column(server_default="0", default=0)
    lost: Mapped[Minor] = mapped_column(server_default="0", default=0)
    recovered: Mapped[Minor] = mapped_column(server_default="0", default=0)

    __table_args__ = (
        CheckConstraint(f"amount BETWEEN 1 AND {LARGEST_AMOUNT}", name="amount"),
        CheckConstraint("cancelled >= 0 AND repaid >= 0 AND lost >= 0", name="not_negative"),
        CheckConstraint("cancelled + repaid + lost <= amount", name="never_more_than_drawn"),
        CheckConstraint("recovered BETWEEN 0 AND lost", name="recovered"),
    )

    @property
    def outstanding(self) -> int:
        """What is promised or lent and has neither come back nor been lost."""
        return self.amount - self.cancelled - self.repaid - self.lost


class FacilityLoss(Identified, Model):
    """A loss, or what was recovered of one, and what each layer bore of it; a trigger refuses every later change."""

    __tablename__ = "facility_loss"

    facility_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("facility.id"), index=True)
    draw_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("facility_draw.id"), index=True)
    kind: Mapped[Slug]
    amount: Mapped[Minor]
    first_loss: Mapped[Minor]
    mezzanine: Mapped[Minor]
    senior: Mapped[Minor]
    happened_on: Mapped[date]
    reference: Mapped[str] = mapped_column(String(200))
    recorded_by: Mapped[uuid.UUID | None]

    __table_args__ = (
        UniqueConstraint("draw_id", "kind", "reference"),
        CheckConstraint("kind IN ('loss', 'recovery')", name="kind"),
        CheckConstraint("amount > 0 AND first_loss >= 0 AND mezzanine >= 0 AND senior >= 0", name="amount"),
        CheckConstraint("first_loss + mezzanine + senior = amount", name="conserved"),
    )


class EmployerMatch(Identified, Versioned, Model):
    """An employer's part beside a fund's pledge: invited by the group, agreed by the employer.

    `later_commissioner` and `conflict` are the employer's declaration that it may come to commission the mutual.
    `saving` is the verified yearly saving out of which the fund's share is returned.
    """

    __tablename__ = "employer_match"

    vehicle_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vehicle.id"), index=True)
    pledge_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pledge.id"), unique=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    group_organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    employer_organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    consent_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("employer_consent.id"))
    state: Mapped[Slug] = mapped_column(server_default="invited", default="invited")
    currency: Mapped[str] = mapped_column(String(3))
    cash: Mapped[Minor] = mapped_column(server_default="0", default=0)
    staff_time: Mapped[Minor] = mapped_column(server_default="0", default=0)
    message: Mapped[dict[str, str] | None]
    later_commissioner: Mapped[bool | None] = mapped_column(Boolean)
    conflict: Mapped[dict[str, str] | None]
    invited_by: Mapped[uuid.UUID]
    answered_by: Mapped[uuid.UUID | None]
    answered_at: Mapped[datetime | None]
    launched_on: Mapped[date | None]
    saving: Mapped[int | None] = mapped_column(BigInteger)
    saving_from: Mapped[date | None]
    saving_evidence_version_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("evidence_version.id"))
    saving_recorded_by: Mapped[uuid.UUID | None]

    __table_args__ = (
        CheckConstraint("state IN ('invited', 'agreed', 'declined')", name="state"),
        CheckConstraint(f"cash {MONEY} AND staff_time {MONEY}", name="committed"),
        CheckConstraint("(state = 'invited') = (answered_by IS NULL)", name="answered"),
        CheckConstraint(
            "state <> 'agreed' OR later_commissioner IS NOT NULL AND conflict IS NOT NULL", name="conflict"
        ),
        CheckConstraint("saving IS NULL OR saving > 0 AND saving_from >= launched_on", name="saving"),
    )


class EmployerContribution(Identified, Model):
    """Cash that an employer paid, or staff time by signed timesheets. Counts once it is confirmed."""

    __tablename__ = "employer_contribution"

    match_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("employer_match.id"), index=True)
    kind: Mapped[Slug]
    amount: Mapped[Minor]
    given_on: Mapped[date]
    reference: Mapped[str] = mapped_column(String(100))
    evidence_version_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("evidence_version.id"), unique=True)
    payee_organisation_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("organisation.id"))
    fiscal_hosting_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("fiscal_hosting.id"))
    recorded_by: Mapped[uuid.UUID]
    confirmed_by: Mapped[uuid.UUID | None]
    confirmed_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("match_id", "reference"),
        CheckConstraint("kind IN ('cash', 'staff_time')", name="kind"),
        CheckConstraint(f"amount BETWEEN 1 AND {LARGEST_AMOUNT}", name="amount"),
        CheckConstraint("(kind = 'staff_time') = (evidence_version_id IS NOT NULL)", name="timesheets"),
        CheckConstraint("(kind = 'cash') = (payee_organisation_id IS NOT NULL)", name="payee"),
        CheckConstraint("confirmed_by <> recorded_by", name="two_people"),
    )

    @property
    def paid_to(self) -> str | None:
        """Who has the cash: the group, or the host that holds its money; None of staff time."""
        if self.kind != "cash":
            return None
        return "group" if self.fiscal_hosting_id is None else "host"


class EmployerReturn(Identified, Model):
    """What an employer returned of the fund's share out of its saving; a trigger refuses every later change."""

    __tablename__ = "employer_return"

    match_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("employer_match.id"), index=True)
    amount: Mapped[Minor]
    received_on: Mapped[date]
    reference: Mapped[str] = mapped_column(String(100))
    recorded_by: Mapped[uuid.UUID]

    __table_args__ = (
        UniqueConstraint("match_id", "reference"),
        CheckConstraint(f"amount BETWEEN 1 AND {LARGEST_AMOUNT}", name="amount"),
    )


refuse_on("uq_vehicle_programme_id", lambda: VehicleExists("Read it, or open another on another programme."))
refuse_on("uq_facility_live", lambda: FacilityExists("That programme has a facility, or is offered one."))
refuse_on("uq_facility_loss_draw_id_kind_reference", lambda: RecoveryExists("Each reference is used once."))
refuse_on("uq_employer_match_pledge_id", lambda: MatchExists("The pledge has a match."))
for _name in ("match_id_reference", "evidence_version_id"):
    refuse_on(
        f"uq_employer_contribution_{_name}", lambda: ContributionExists("Each reference and timesheet counts once.")
    )
refuse_on("uq_employer_return_match_id_reference", lambda: ReturnExists("Each reference is used once."))
