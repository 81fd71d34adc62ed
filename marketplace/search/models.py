"""What is found by its words: a row of text for each programme and proposal, written by triggers alone.

Knows no rights: who may be told by which of a proposal's texts is for the queries to say.
"""

import uuid

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.store.base import Model, Slug


class SearchLabel(Model):
    """What a slug or area code is called where it answers a fact, in every language we have."""

    __tablename__ = "search_label"

    fact: Mapped[Slug] = mapped_column(primary_key=True)
    slug: Mapped[Slug] = mapped_column(primary_key=True)
    words: Mapped[str] = mapped_column(String(400))


class ProgrammeText(Model):
    """The words of a programme: title, funder, summary, and what its criteria ask for."""

    __tablename__ = "programme_text"

    programme_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("programme.id", ondelete="CASCADE"), primary_key=True)
    words: Mapped[str] = mapped_column(TSVECTOR)

    __table_args__ = (Index("ix_programme_text_words", "words", postgresql_using="gin"),)


class ProposalText(Model):
    """The words of a proposal, by who looks: its group (`own`), who sees its name (`plain`), all others (`coarse`)."""

    __tablename__ = "proposal_text"

    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal.id", ondelete="CASCADE"), primary_key=True)
    own: Mapped[str] = mapped_column(TSVECTOR)
    plain: Mapped[str] = mapped_column(TSVECTOR)
    coarse: Mapped[str] = mapped_column(TSVECTOR)

    __table_args__ = (
        Index("ix_proposal_text_own", "own", postgresql_using="gin"),
        Index("ix_proposal_text_plain", "plain", postgresql_using="gin"),
        Index("ix_proposal_text_coarse", "coarse", postgresql_using="gin"),
    )


__all__ = ["ProgrammeText", "ProposalText", "SearchLabel"]
