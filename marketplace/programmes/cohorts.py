"""How many groups a programme takes on at a time, and its terms for first movers: said by its funder, public with it.

Knows no proposal and no pledge; what a limit holds back is for those who promise.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from marketplace.identity.models import Organisation
from marketplace.programmes import listings
from marketplace.programmes.cohort_models import CohortLimit, FirstMoverTerms
from marketplace.programmes.models import Programme
from marketplace.programmes.rules import Fault, ProgrammeFaults, cohort_limit_faults, first_mover_faults
from marketplace.programmes.service import WHOLESALE, own_programme, programme_seen
from marketplace.store.journal import Audience, only, record
from marketplace.values.actor import Actor
from marketplace.values.permissions import Action

Precondition = Callable[[Any], None]
LIMIT = ("limit", "per_sector", "learning_note_required")
TERMS = ("words", "up_to_rank")


def limit_seen(current: Session, actor: Actor, programme_id: UUID) -> CohortLimit:
    """The cohort limit of a programme that the caller may see; without one `limit` is None. NotFound."""
    return _limit_of(current, programme_seen(current, actor, programme_id).id)


def terms_seen(current: Session, actor: Actor, programme_id: UUID) -> FirstMoverTerms:
    """What a programme that the caller may see offers first movers; nothing where `words` is None. NotFound."""
    return _terms_of(current, programme_seen(current, actor, programme_id).id)


def set_cohort_limit(
    current: Session, actor: Actor, programme_id: UUID, terms: dict[str, Any], precondition: Precondition
) -> CohortLimit:
    """Say how many groups the programme takes on at a time; a `limit` of None ends the limit. It ends no promise.

    ProgrammeFaults; ProgrammeUnclaimed for a listing whose funder has not joined.
    """
    programme = _own(current, actor, programme_id)
    kept = _limit_of(current, programme.id)
    precondition(kept)
    organisation = current.get_one(Organisation, programme.organisation_id)
    _refuse(cohort_limit_faults(terms, wholesale=organisation.kind == WHOLESALE))
    _keep(current, actor, programme, kept, LIMIT, terms, "programme.cohort_limit_set")
    return kept


def disclose_terms(
    current: Session, actor: Actor, programme_id: UUID, terms: dict[str, Any], precondition: Precondition
) -> FirstMoverTerms:
    """Say what the first in a sector and region are offered, and up to which rank; None for both takes it back.

    ProgrammeFaults; ProgrammeUnclaimed for a listing whose funder has not joined.
    """
    programme = _own(current, actor, programme_id)
    kept = _terms_of(current, programme.id)
    precondition(kept)
    _refuse(first_mover_faults(terms))
    _keep(current, actor, programme, kept, TERMS, terms, "programme.first_mover_terms_set")
    return kept


def _own(current: Session, actor: Actor, programme_id: UUID) -> Programme:
    """Both are public at once where the programme is, so that they need what publishing needs."""
    programme = own_programme(current, actor, programme_id, Action.PUBLISH_PROGRAMME, lock=True)
    listings.refuse_unclaimed(current, programme.id)
    return programme


def _refuse(faults: list[Fault]) -> None:
    if faults:
        raise ProgrammeFaults("`errors` names each fault.", errors=faults)


def _limit_of(current: Session, programme_id: UUID) -> CohortLimit:
    kept = current.get(CohortLimit, programme_id, populate_existing=True)
    return kept or CohortLimit(id=programme_id, limit=None, per_sector=False, learning_note_required=False, version=0)


def _terms_of(current: Session, programme_id: UUID) -> FirstMoverTerms:
    kept = current.get(FirstMoverTerms, programme_id, populate_existing=True)
    return kept or FirstMoverTerms(id=programme_id, words=None, up_to_rank=None, version=0)


def _keep(
    current: Session,
    actor: Actor,
    programme: Programme,
    kept: CohortLimit | FirstMoverTerms,
    names: tuple[str, ...],
    said: dict[str, Any],
    type_: str,
) -> None:
    before = {name: getattr(kept, name) for name in names}
    for name in names:
        setattr(kept, name, said[name])
    kept.version += 1
    current.add(kept)
    current.flush()
    public = programme.current_criteria_version_id is not None
    record(
        current,
        type_,
        "programme",
        programme.id,
        actor=actor,
        audience=Audience(only(programme.organisation_id).organisations, public=public),
        path=f"/v1/programmes/{programme.id}",
        before=before,
        after={name: said[name] for name in names},
    )
