"""Opinions on procurement, bids and the surety demanded in them, and the record that a competition was fair.

Opinions and entries of the record are never changed (triggers): what was wrong is said anew and names what it replaces.
Amounts are minor units of the bid's currency.
"""

import uuid
from datetime import date, datetime

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    false,
    func,
    text,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.procurement.record_rules import (
    AlreadyCorrected,
    AlreadySuperseded,
)
from marketplace.store.base import JSONB, Identified, Model, Slug, Versioned
from marketplace.store.constraints import refuse_on

AMOUNT = "BETWEEN 0 AND 1000000000000000"


class ProcurementOpinion(Identified, Model):
    """What somebody advised: by which route, how likely a challenge is (1 to 5), how much risk the authority takes.

    It stands until another names it as superseded. Confidential: read by the group, and by whoever sees the document
    that it rests on. `counts_as_precedent`: the group lets it count, without names, among the precedents.
    """

    __tablename__ = "procurement_opinion"

    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal.id"))
    route: Mapped[Slug]
    author_name: Mapped[str] = mapped_column(String(200))
    author_organisation: Mapped[str] = mapped_column(String(200))
    client: Mapped[Slug]
    challenge_risk: Mapped[int]
    risk_appetite: Mapped[str | None] = mapped_column(String(60))
    given_on: Mapped[date]
    summary: Mapped[dict[str, str]]
    confidential: Mapped[bool] = mapped_column(server_default=true(), default=True)
    counts_as_precedent: Mapped[bool] = mapped_column(server_default=false(), default=False)
    evidence_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("evidence.id"))
    supersedes_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("procurement_opinion.id"), unique=True)
    recorded_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))

    __table_args__ = (
        CheckConstraint("challenge_risk BETWEEN 1 AND 5", name="challenge_risk"),
        CheckConstraint("supersedes_id <> id", name="supersedes_another"),
        Index("ix_procurement_opinion_proposal_id_id", "proposal_id", "id"),
        Index("ix_procurement_opinion_precedents", "route", postgresql_where=text("counts_as_precedent")),
    )


class Bid(Identified, Versioned, Model):
    """A tender that the group takes part in: what for, by which route, what it came to, and when the contract ends.

    `outcome` is None until it is known. `lost_on`: the grounds of a loss. `ends_on`: the contract's last day.
    """

    __tablename__ = "bid"

    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal.id"))
    title: Mapped[dict[str, str]]
    authority_name: Mapped[str] = mapped_column(String(200))
    route: Mapped[Slug]
    occasion: Mapped[Slug]
    incumbent: Mapped[bool]
    submitted_on: Mapped[date]
    currency: Mapped[str] = mapped_column(String(3))
    contract_value: Mapped[int] = mapped_column(BigInteger)
    term_months: Mapped[int]
    outcome: Mapped[str | None] = mapped_column(String(60))
    decided_on: Mapped[date | None]
    lost_on: Mapped[list[str]] = mapped_column(ARRAY(String(60)), server_default=text("'{}'"), default=list)
    words: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    recorded_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    updated_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))

    sureties: Mapped[list["SuretyDemand"]] = relationship(
        lazy="selectin", order_by="SuretyDemand.id", cascade="all, delete-orphan"
    )

    __table_args__ = (
        CheckConstraint(f"contract_value {AMOUNT} AND term_months BETWEEN 1 AND 1200", name="contract"),
        CheckConstraint("outcome IN ('won', 'lost', 'withdrawn')", name="outcome"),
        CheckConstraint("(outcome IS NULL) = (decided_on IS NULL)", name="decided_on"),
        CheckConstraint("(outcome IS NOT DISTINCT FROM 'lost') = (lost_on <> '{}')", name="lost_on"),
        CheckConstraint(
            "(outcome IS NOT DISTINCT FROM 'won') = (ends_on IS NOT NULL)"
            " AND (starts_on IS NULL) = (ends_on IS NULL) AND starts_on <= ends_on",
            name="contract_days",
        ),
        Index("ix_bid_proposal_id_id", "proposal_id", "id"),
        Index("ix_bid_ends_on", "ends_on", postgresql_where=text("ends_on IS NOT NULL")),
    )


class SuretyDemand(Identified, Model):
    """Security that the authority asks of the bidder, and who stands behind it: perhaps a pledged guarantee."""

    __tablename__ = "surety_demand"

    bid_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("bid.id"), index=True)
    kind: Mapped[Slug]
    amount: Mapped[int] = mapped_column(BigInteger)
    covered_by: Mapped[Slug]
    pledge_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("pledge.id"), index=True)

    __table_args__ = (
        CheckConstraint("amount BETWEEN 1 AND 1000000000000000", name="amount"),
        CheckConstraint("(covered_by = 'pledge') = (pledge_id IS NOT NULL)", name="pledge"),
    )


class ContractEndAlert(Identified, Model):
    """The group was told, once, that a contract ends on that day and has to be won again."""

    __tablename__ = "contract_end_alert"

    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal.id"))
    ends_on: Mapped[date]

    __table_args__ = (UniqueConstraint("proposal_id", "ends_on"),)


class FairCompetitionRecord(Versioned, Model):
    """A proposal's record that others had a fair chance: since when its public part is published, if it is.

    Goes by its proposal's id; `version` counts changes of who may read it.
    """

    __tablename__ = "fair_competition_record"

    id: Mapped[uuid.UUID] = mapped_column("proposal_id", ForeignKey("proposal.id"), primary_key=True)
    published_at: Mapped[datetime | None]
    published_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))

    __table_args__ = (CheckConstraint("(published_at IS NULL) = (published_by IS NULL)", name="published"),)


class FairCompetitionReader(Model):
    """An organisation that the group lets read the whole record."""

    __tablename__ = "fair_competition_reader"

    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("fair_competition_record.proposal_id"), primary_key=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class FairCompetitionEntry(Identified, Model):
    """One thing that the group or the authority put on record, never changed: a correction names what it replaces.

    `public`: part of what everyone reads once the record is published, but for the person's name. `taken_back`: the
    correction says that nothing stands in its place.
    """

    __tablename__ = "fair_competition_entry"

    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal.id"))
    number: Mapped[int]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"))
    kind: Mapped[Slug]
    happened_on: Mapped[date]
    organisation_name: Mapped[str | None] = mapped_column(String(200))
    person_name: Mapped[str | None] = mapped_column(String(200))
    role: Mapped[str | None] = mapped_column(String(200))
    words: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    public: Mapped[bool] = mapped_column(server_default=false(), default=False)
    corrects_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("fair_competition_entry.id"), unique=True)
    taken_back: Mapped[bool] = mapped_column(server_default=false(), default=False)
    recorded_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))

    __table_args__ = (
        UniqueConstraint("proposal_id", "number"),
        CheckConstraint("NOT taken_back OR corrects_id IS NOT NULL", name="taken_back"),
        CheckConstraint("corrects_id <> id", name="corrects_another"),
        Index("ix_fair_competition_entry_proposal_id_id", "proposal_id", "id"),
    )


refuse_on(
    "uq_procurement_opinion_supersedes_id",
    lambda: AlreadySuperseded("Name the opinion that stands in its place."),
)
refuse_on(
    "uq_fair_competition_entry_corrects_id",
    lambda: AlreadyCorrected("Correct the entry that stands in its place."),
)

__all__ = [
    "Bid",
    "ContractEndAlert",
    "FairCompetitionEntry",
    "FairCompetitionReader",
    "FairCompetitionRecord",
    "ProcurementOpinion",
    "SuretyDemand",
]
