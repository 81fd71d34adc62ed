"""Letters: each change in one letter to each person who wants it, never two, never none, and discreet to a group."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from marketplace.identity.models import Membership, User
from marketplace.store.journal import Event
from marketplace.values.clock import now
from marketplace.watches import delivery
from marketplace.watches.jobs import send_digests
from marketplace.watches.models import Watch, WatchChange
from tests.builders import a_member, an_organisation
from tests.matching.builders import a_programme
from tests.watches.scene import FEW, LARGE, SMALL, Scene, forget_letters, work

pytestmark = pytest.mark.slow

LONG_AGO = now() - timedelta(days=30)


def long_ago(scene: Scene, watch: object) -> None:
    """As if the last letter had been written long ago."""
    scene.session.execute(update(Watch).where(Watch.id == watch).values(last_letter_at=LONG_AGO))
    scene.session.commit()


def waiting(scene: Scene, watch: object) -> list[int]:
    rows = select(WatchChange.number).where(WatchChange.watch_id == watch, WatchChange.awaits_letter)
    return sorted(scene.session.scalars(rows))


def test_at_once_means_in_the_change_s_own_transaction(scene: Scene) -> None:
    watch = scene.watch("funder", name="Kestrels near Leeds")

    scene.share(facts={"staff_count": "confidential"})
    work(scene.session)

    (letter,) = scene.letters_to(scene.officer)
    assert "Kestrels near Leeds" in letter["body"]
    assert "some information is missing" in letter["body"]
    assert f"/v1/watches/{watch}/letters" in letter["body"]
    assert waiting(scene, watch) == []


def test_a_letter_to_a_group_names_nothing(scene: Scene) -> None:
    """Not the watch, nor the programme, nor the group: the mailbox may be the employer's."""
    scene.watch("group", name="Leaving the trust")

    scene.publish_criteria(FEW)
    work(scene.session)

    (letter,) = scene.letters_to(scene.nurse)
    told = letter["subject"] + letter["body"]
    assert letter["subject"] == "A message about your account"
    for word in ("Leaving", "Seed grants", "Riverside", "eligible", "programme", "proposal", "mutual"):
        assert word.lower() not in told.lower()


def test_a_funder_s_letter_calls_a_proposal_by_what_the_reader_may_see(scene: Scene) -> None:
    scene.watch("funder")

    scene.share(visibility="public", facts={"staff_count": "confidential"})
    work(scene.session)

    (letter,) = scene.letters_to(scene.officer)
    assert "Speech therapy by its staff" in letter["body"]

    forget_letters(scene.session)
    scene.share(visibility="verified_funders")
    work(scene.session)
    (letter,) = scene.letters_to(scene.officer)
    assert "Speech therapy by its staff" not in letter["body"]
    assert scene.session.merge(scene.proposal).pseudonym in letter["body"]


def test_a_letter_does_not_name_what_is_hidden_by_the_time_it_is_written(scene: Scene) -> None:
    watch = scene.watch("funder", delivery="daily")
    scene.share(visibility="public", facts={"staff_count": "confidential"})
    work(scene.session)
    scene.share(visibility="private")
    work(scene.session)
    long_ago(scene, watch)

    assert delivery.send_digest(scene.session, watch) == 1
    (letter,) = scene.letters_to(scene.officer)
    assert letter["body"].count("Something that you may not see") == 2
    assert "Speech therapy" not in letter["body"]
    assert scene.session.merge(scene.proposal).pseudonym not in letter["body"]


def test_a_digest_tells_everything_once_and_a_second_run_nothing(scene: Scene) -> None:
    watch = scene.watch("funder", delivery="daily")
    scene.publish_criteria(FEW)
    work(scene.session)
    scene.publish_criteria(LARGE)
    work(scene.session)
    assert waiting(scene, watch) == [1, 2]
    long_ago(scene, watch)

    assert [delivery.send_digest(scene.session, watch) for _ in range(3)] == [1, 0, 0]
    (letter,) = scene.letters_to(scene.officer)
    assert letter["body"].count("\n- ") == 2
    assert waiting(scene, watch) == []


def test_a_digest_that_is_not_due_waits(scene: Scene) -> None:
    watch = scene.watch("funder", delivery="weekly")
    scene.publish_criteria(FEW)
    work(scene.session)

    assert delivery.send_digest(scene.session, watch, now()) == 0
    assert waiting(scene, watch) == [1]
    assert delivery.send_digest(scene.session, watch, now() + timedelta(days=8)) == 1


def test_the_hourly_round_finds_what_is_due_and_nothing_else(scene: Scene) -> None:
    due, fresh = scene.watch("funder", delivery="daily"), scene.watch("group", delivery="daily")
    scene.publish_criteria(FEW)
    work(scene.session)
    long_ago(scene, due)
    scene.session.execute(update(Watch).where(Watch.id == fresh).values(last_letter_at=now()))
    scene.session.commit()

    send_digests(timestamp=0)
    work(scene.session)

    assert (waiting(scene, due), waiting(scene, fresh)) == ([], [1])


def test_who_has_left_gets_nothing_and_who_asked_gets_it(scene: Scene) -> None:
    colleague, leaver = (a_member(scene.session, scene.funder, "viewer") for _ in range(2))
    watch = scene.watch("funder")
    for person in (colleague, leaver):
        assert scene.post(f"/watches/{watch}/letters", person, {"wanted": True}).json["letters_to_me"] is True
    scene.session.execute(delete(Membership).where(Membership.user_id == leaver.id))
    scene.session.commit()

    scene.publish_criteria(FEW)
    work(scene.session)
    written = [len(scene.letters_to(person)) for person in (scene.officer, colleague, leaver)]
    assert written == [1, 1, 0]

    forget_letters(scene.session)
    assert scene.post(f"/watches/{watch}/letters", colleague, {"wanted": False}).json["letters_to_me"] is False
    scene.publish_criteria(LARGE)
    work(scene.session)
    assert [len(scene.letters_to(person)) for person in (scene.officer, colleague)] == [1, 0]


def test_without_letters_nothing_waits_for_one(scene: Scene) -> None:
    watch = scene.watch("funder", delivery="none")
    scene.publish_criteria(FEW)
    work(scene.session)

    assert waiting(scene, watch) == []
    assert len(scene.get(f"/watches/{watch}/changes", scene.officer).json["data"]) == 1


def test_who_also_belongs_to_the_kept_out_employer_hears_nothing_at_all(scene: Scene) -> None:
    employer = an_organisation(scene.session, kind="public_body")
    scene.session.add(Membership(organisation_id=employer.id, user_id=scene.officer.id, role="viewer"))
    scene.session.commit()
    watch = scene.watch("funder")
    colleague = a_member(scene.session, scene.funder, "viewer")
    scene.post(f"/watches/{watch}/letters", colleague, {"wanted": True})

    scene.share(visibility="verified_funders", excluded=[employer.id], facts={"staff_count": "confidential"})
    work(scene.session)

    assert scene.letters_to(scene.officer) == []
    assert scene.get(f"/watches/{watch}/matches", scene.officer).json["data"] == []
    assert scene.get(f"/watches/{watch}/changes", scene.officer).json["data"] == []
    shown = scene.get(f"/watches/{watch}", scene.officer).json
    assert (shown["new_matches"], shown["latest_change"]) == (0, 0)
    event = scene.session.scalars(select(Event).where(Event.subject_id == watch, Event.type == "watch.matched")).one()
    assert event.excluded_ids == [employer.id]
    assert len(scene.letters_to(colleague)) == 1
    assert len(scene.get(f"/watches/{watch}/changes", colleague).json["data"]) == 1

    scene.share(visibility="private", excluded=[employer.id])
    work(scene.session)
    event = scene.session.scalars(select(Event).where(Event.subject_id == watch, Event.type == "watch.unmatched")).one()
    assert event.excluded_ids == [employer.id]


def test_a_paused_watch_writes_nothing_and_forgets_nothing(scene: Scene) -> None:
    watch = scene.watch("funder", delivery="daily")
    scene.publish_criteria(FEW)
    work(scene.session)
    long_ago(scene, watch)

    for paused, written in ((True, 0), (False, 1)):
        headers = scene.officer.headers | {"If-Match": "*"}
        scene.client.patch(f"/v1/watches/{watch}", json={"paused": paused}, headers=headers)
        work(scene.session)
        assert delivery.send_digest(scene.session, watch) == written


def test_stopping_all_letters_drops_those_that_wait(scene: Scene) -> None:
    watch = scene.watch("funder", delivery="daily")
    scene.publish_criteria(FEW)
    work(scene.session)

    headers = scene.officer.headers | {"If-Match": "*"}
    scene.client.patch(f"/v1/watches/{watch}", json={"delivery": "none"}, headers=headers)
    scene.client.patch(f"/v1/watches/{watch}", json={"delivery": "at_once"}, headers=headers)

    assert delivery.send_digest(scene.session, watch) == 0
    assert scene.letters_to(scene.officer) == []


def test_a_crash_between_the_letter_and_its_mark_leaves_both_undone(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = scene.watch("funder", delivery="daily")
    scene.publish_criteria(FEW)
    work(scene.session)
    long_ago(scene, watch)
    real = delivery.mail.send

    def crash(*letter: object) -> None:
        real(*letter)  # type: ignore[arg-type]
        raise RuntimeError("the machine stopped")

    monkeypatch.setattr(delivery.mail, "send", crash)
    with pytest.raises(RuntimeError), scene.session.begin_nested():
        delivery.send_digest(scene.session, watch)
    monkeypatch.setattr(delivery.mail, "send", real)
    assert scene.letters_to(scene.officer) == []
    assert waiting(scene, watch) == [1]

    assert delivery.send_digest(scene.session, watch) == 1
    assert len(scene.letters_to(scene.officer)) == 1


ACTS = ["criteria", "digest", "digest", "crash", "again", "share"]


def tell_exactly_once(scene: Scene, acts: list[str], delivered: str) -> None:
    """Changes, repeated looks, digests and crashes in any order; at the end one more digest."""
    session = scene.session
    made = a_programme(session, scene.funder, scene.officer.id, SMALL, title="Seed grants for mutuals")
    anchor = {"programme_id": made.id}
    watch = scene.watch("funder", delivery=delivered, **anchor)
    forget_letters(session)
    narrow = True
    told: Counter[str] = Counter()

    def digest(*, crashing: bool = False) -> None:
        long_ago(scene, watch)
        part = session.begin_nested()
        delivery.send_digest(session, watch)
        if crashing:
            part.rollback()
            session.expire_all()
        else:
            part.commit()
            session.commit()

    for act in [*acts, "digest"]:
        if act == "criteria":
            scene.publish_criteria(FEW if narrow else LARGE, programme=made)
            narrow = not narrow
            work(session, times=2)
        elif act == "share":
            scene.share(visibility="public")
            work(session, backwards=True)
        elif act == "again":
            scene.session.execute(select(User.id).limit(1))
            work(session)
        else:
            digest(crashing=act == "crash")
    for letter in scene.letters_to(scene.officer):
        if str(watch) in letter["body"]:
            told.update(line for line in letter["body"].splitlines() if line.startswith("- "))

    recorded = session.scalars(select(WatchChange).where(WatchChange.watch_id == watch)).all()
    assert sum(told.values()) == len(recorded) == acts.count("criteria")
    assert all(each.delivered_at is not None for each in recorded)
    forget_letters(session)
    session.execute(delete(Watch).where(Watch.id == watch))
    session.commit()


def run_interleavings(scene: Scene, examples: int) -> None:
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]

    @settings(max_examples=examples, suppress_health_check=checks)
    @given(
        acts=st.lists(st.sampled_from(ACTS), min_size=3, max_size=6), delivered=st.sampled_from(["daily", "at_once"])
    )
    def holds(acts: list[str], delivered: str) -> None:
        tell_exactly_once(scene, acts, delivered)

    holds()


def test_every_change_is_in_exactly_one_letter_whatever_happens_in_between(scene: Scene) -> None:
    run_interleavings(scene, 6)


@pytest.mark.slow
def test_every_change_is_in_exactly_one_letter_over_many_interleavings(scene: Scene) -> None:
    run_interleavings(scene, 40)
