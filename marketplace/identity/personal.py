"""Personal data: everything that is held of a person, told to them as one document, and taken away when they ask.

Each table that names a person has a source here, which says in which columns, and whose the words beside them are. A
person's own words go with them. What somebody wrote for their organisation stays the organisation's, without their name
and address. Ledger, audit trail and decisions stay with the account's number, which leads to nobody any more: law and
claims need them (UK GDPR, Article 17(3)(b) and (e)). Knows no feature: those above add their tables to `SOURCES`.
"""

import json
import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from email import message_from_bytes
from functools import partial
from typing import Any
from uuid import UUID

from cryptography.fernet import InvalidToken
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    String,
    Text,
    Uuid,
    cast,
    delete,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.sql.schema import Column, Table

from marketplace.identity.members import end_all_memberships
from marketplace.identity.models import (
    Invitation,
    Membership,
    OneTimeLink,
    SessionFamily,
    User,
    VerificationAct,
)
from marketplace.store import journal
from marketplace.store.base import db
from marketplace.store.chain import MARKETPLACE
from marketplace.store.journal import AuditEntry
from marketplace.store.mail import present_settings, seal, unseal
from marketplace.values.actor import Actor
from marketplace.values.clock import now
from marketplace.values.refusals import NotFound
from marketplace.web.refusals import NotedRefusal
from marketplace.web.writes import IdempotentRequest

log = logging.getLogger(__name__)
ERASED = "[erased]"
ERASED_NAME = "Erased person"
SHORTEST_WORDS = 100
"""A column for fewer signs than that holds a slug, a digest or a number."""
NO_LETTER = {"id": "erased", "to": None, "subject": "", "body": ""}
KEPT_AS_WRITTEN = frozenset(
    {
        "event",
        "audit_entry",
        "audit_head",
        "published_heads",
        "ledger_account",
        "ledger_transaction",
        "posting",
        "decision",
        "criteria_version",
        "evidence_version",
        "idempotent_request",
        "user_account",
    }
)
"""Tables in whose text no address is looked for: they never change, hold none, or have a source that does it."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whom it is about."""

    id: UUID
    email: str
    name: str


@dataclass(frozen=True, slots=True)
class Source:
    """One kind of thing that is held of people. `columns`: `table.column` for each that names a person.

    `words`: `table.column` for each that an erasure goes through. Without `collect` nothing is told of it.
    """

    name: str
    columns: frozenset[str]
    collect: Callable[[Session, Person], list[dict[str, Any]]] | None
    erase: Callable[[Session, Person], None] | None = None
    words: frozenset[str] = frozenset()


SOURCES: list[Source] = []
"""Every source, those of the features above added when the application is put together."""


def held(
    model: type[Any],
    own: Iterable[str] = (),
    shown: Sequence[str] = (),
    untold: Sequence[str] = (),
    **by: Sequence[str],
) -> Source:
    """A table that names who did something. `by`: each column that names them, and the columns that they wrote.

    The columns in `own` are their own words, told and then replaced; out of the others, their name is taken. Those that
    are `shown` are told besides, and stay; those that are `untold` hold what others wrote, too.
    """
    table: Table = model.__table__
    told = {column: (*shown, *(word for word in words if word not in untold)) for column, words in by.items()}
    return Source(
        name=table.name,
        columns=frozenset(f"{table.name}.{column}" for column in by),
        collect=partial(_collect_rows, table, told),
        erase=partial(_erase_words, table, by, frozenset(own)) if any(by.values()) else None,
        words=frozenset(f"{table.name}.{word}" for words in by.values() for word in words),
    )


def unsigned(model: type[Any], words: Sequence[str], among: Callable[[UUID], ColumnElement[bool]]) -> Source:
    """A table of words beside which no one is named as their writer: the person's name goes out of the rows `among`
    which theirs are. Nothing is told of them: who wrote them is not known."""
    table: Table = model.__table__
    return Source(
        name=f"words of {table.name}",
        columns=frozenset(),
        collect=None,
        erase=partial(_erase_unsigned, table, words, among),
        words=frozenset(f"{table.name}.{word}" for word in words),
    )


def addressed(model: type[Any], column: str, by: str, shown: Sequence[str] = ()) -> Source:
    """A table whose rows are for whoever has the address in `column`: those to the person go with them.

    Who made the others is named in `by`; to whom those are is not told.
    """
    table: Table = model.__table__
    return Source(
        name=table.name,
        columns=frozenset({f"{table.name}.{by}"}),
        collect=partial(_collect_addressed, table, column, by, shown),
        erase=partial(_delete_addressed, table, column),
    )


def acted_on(person_id: UUID) -> Select[UUID]:
    """The ids of everything that the audit trail says the person did something to."""
    return select(AuditEntry.subject_id).where(AuditEntry.actor_user_id == person_id)


def gone(model: type[Any], column: str, shown: Sequence[str] = ()) -> Source:
    """A table whose rows go with the person."""
    table: Table = model.__table__
    return Source(
        name=table.name,
        columns=frozenset({f"{table.name}.{column}"}),
        collect=partial(_collect_rows, table, {column: shown}),
        erase=partial(_delete_rows, table, column),
    )


def personal_data(current: Session, user_id: UUID) -> dict[str, Any]:
    """Everything that is held of the person, by source; JSON values."""
    account = _account(current, user_id)
    person = Person(account.id, account.email, account.name)
    told = ("id", "email", "name", "language", "operator", "confirmed_at", "created_at")
    return {
        "account": {name: _plain(getattr(account, name)) for name in told},
        "held": {source.name: source.collect(current, person) for source in SOURCES if source.collect is not None},
    }


def erase_person(current: Session, actor: Actor, user_id: UUID) -> None:
    """Take the person away. LastOwner, naming every organisation that would be left without an owner.

    Locks the organisations, then the account (what came in between is ended, too). Nobody can log in to it again; the
    address may register anew.
    """
    end_all_memberships(current, actor, user_id)
    account = _account(current, user_id, lock=True)
    end_all_memberships(current, actor, user_id)
    person = Person(account.id, account.email, account.name)
    current.execute(text("SELECT set_config('marketplace.erasing', 'on', true)"))
    for source in SOURCES:
        if source.erase is not None:
            source.erase(current, person)
    _take_out_everywhere(current, person)
    _forget_letters(current, person)
    account.email = f"{account.id}@erased.invalid"
    account.name = ERASED_NAME
    account.password_hash = "!"  # noqa: S105 - matches nothing
    account.language = "en"
    account.operator = False
    account.confirmed_at = None
    account.erased_at = now()
    account.session_epoch += 1
    account.version += 1
    current.flush()
    current.execute(text("SELECT set_config('marketplace.erasing', 'off', true)"))
    path = "/v1/account"
    audience = journal.only(MARKETPLACE)
    journal.record(current, "account.erased", "account", account.id, actor=actor, audience=audience, path=path)


def person_columns() -> set[str]:
    """`table.column` of every column of every table that names a person: by its foreign key, or by its name."""
    named = re.compile(r"(\A|_)(user_id|by)\Z|\Aprincipal\Z")
    return {
        f"{table.name}.{column.name}"
        for table in db.metadata.sorted_tables
        for column in table.columns
        if (isinstance(column.type, Uuid) and named.search(column.name))
        or any(key.column.table.name == "user_account" for key in column.foreign_keys)
    }


def _account(current: Session, user_id: UUID, *, lock: bool = False) -> User:
    query = select(User).where(User.id == user_id, User.erased_at.is_(None))
    found = current.scalars(
        (query.with_for_update(key_share=True) if lock else query).execution_options(populate_existing=True)
    )
    account = found.one_or_none()
    if account is None:
        raise NotFound()
    return account


def _collect_rows(
    table: Table, by: Mapping[str, Sequence[str]], current: Session, person: Person
) -> list[dict[str, Any]]:
    """A row for each time that the person is named in the table, with what they wrote there."""
    keys = [column for column in table.primary_key.columns if column.name not in by]
    dated = [table.c[name] for name in ("created_at",) if name in table.c]
    found = []
    for column, words in by.items():
        wanted = list(dict.fromkeys([*keys, *dated, *(table.c[word] for word in words)]))
        for row in current.execute(select(*wanted).where(table.c[column] == person.id).order_by(*keys)):
            found.append({"as": column, **{name: _plain(value) for name, value in row._mapping.items()}})
    return found


def _erase_words(
    table: Table, by: Mapping[str, Sequence[str]], own: frozenset[str], current: Session, person: Person
) -> None:
    for column, words in by.items():
        for word in words:
            target = table.c[word]
            mine = table.c[column] == person.id
            if word in own:
                _replace_all(current, target, mine)
            else:
                _take_out(current, target, person.name, mine)


def _erase_unsigned(
    table: Table,
    words: Sequence[str],
    among: Callable[[UUID], ColumnElement[bool]],
    current: Session,
    person: Person,
) -> None:
    for word in words:
        _take_out(current, table.c[word], person.name, among(person.id))


def _collect_addressed(
    table: Table, column: str, by: str, shown: Sequence[str], current: Session, person: Person
) -> list[dict[str, Any]]:
    wanted = [*table.primary_key.columns, *(table.c[name] for name in ("created_at", column, *shown))]
    rows = current.execute(select(*wanted).where(_to(table, column, person)).order_by(*table.primary_key.columns))
    received = [{"as": column, **{name: _plain(value) for name, value in row._mapping.items()}} for row in rows]
    return [*received, *_collect_rows(table, {by: shown}, current, person)]


def _delete_addressed(table: Table, column: str, current: Session, person: Person) -> None:
    current.execute(delete(table).where(_to(table, column, person)))


def _to(table: Table, column: str, person: Person) -> ColumnElement[bool]:
    return func.lower(table.c[column]) == person.email.lower()


def _delete_rows(table: Table, column: str, current: Session, person: Person) -> None:
    current.execute(delete(table).where(table.c[column] == person.id))


def _replace_all(current: Session, column: Column[Any], condition: ColumnElement[bool]) -> None:
    changed: Any = ERASED
    if isinstance(column.type, JSONB):
        changed = cast({"en": ERASED}, JSONB)
    statement = update(column.table).where(condition, column.is_not(None)).values({column: changed})
    current.execute(statement.execution_options(synchronize_session=False))


def _take_out(current: Session, column: Column[Any], words: str, condition: ColumnElement[bool] | None) -> None:
    """Replace the words in the column, whatever their case, where they stand by themselves.

    Where a row refuses to be changed, that is logged and the rest goes on.
    """
    plain = json.dumps(words, ensure_ascii=False)[1:-1] if isinstance(column.type, JSONB) else words
    pattern = rf"(?<!\w){_escaped(plain)}(?!\w)"
    written = cast(column, Text)
    without: ColumnElement[Any] = func.regexp_replace(written, pattern, ERASED, "gi")
    if isinstance(column.type, JSONB | ARRAY):
        without = cast(without, column.type)
    elif isinstance(column.type, String) and column.type.length:
        without = func.left(without, column.type.length)
    statement = update(column.table).where(written.op("~*")(pattern)).values({column: without})
    if condition is not None:
        statement = statement.where(condition)
    try:
        with current.begin_nested():
            current.execute(statement.execution_options(synchronize_session=False))
    except IntegrityError:
        log.warning("a person stays named in rows that never change", extra={"column": str(column)})


def _take_out_everywhere(current: Session, person: Person) -> None:
    """The address, out of every text that can change."""
    for table in db.metadata.sorted_tables:
        if table.name in KEPT_AS_WRITTEN:
            continue
        for column in table.columns:
            if not column.primary_key and _holds_words(column):
                _take_out(current, column, person.email, None)


def _holds_words(column: Column[Any]) -> bool:
    """Whether people write there: no slug, digest or number."""
    kind: Any = column.type
    if type(kind) in (String, Text):
        return kind.length is None or kind.length >= SHORTEST_WORDS
    return isinstance(kind, JSONB)


def _escaped(words: str) -> str:
    """The words for PostgreSQL's regular expressions: everything but letters and digits stands for itself."""
    return re.sub(r"([^\w\s@])", r"\\\1", words)


def _forget_letters(current: Session, person: Person) -> None:
    """Letters to the person that wait, and those that a development server keeps as files."""
    settings = present_settings()
    queued = text("SELECT id, args->>'sealed' AS sealed FROM procrastinate_jobs WHERE task_name = 'mail.deliver'")
    emptied = text(
        "UPDATE procrastinate_jobs SET args = jsonb_build_object('sealed', CAST(:sealed AS text)) WHERE id = :id"
    )
    for row in current.execute(queued).all():
        try:
            letter: Mapping[str, Any] = unseal(settings, row.sealed)
        except InvalidToken:
            continue
        if _is_to(letter["to"], person) or person.email.lower() in str(letter["body"]).lower():
            current.execute(emptied, {"id": row.id, "sealed": seal(settings, NO_LETTER)})
    for file in settings.mail_folder.glob("*.eml"):
        if _is_to(message_from_bytes(file.read_bytes())["To"], person):
            file.unlink(missing_ok=True)


def _is_to(address: str | None, person: Person) -> bool:
    return address is not None and address.lower() == person.email.lower()


def _collect_invitations(current: Session, person: Person) -> list[dict[str, Any]]:
    """Those to the person's address; who sent them is another's matter."""
    query = select(Invitation).where(func.lower(Invitation.email) == person.email.lower()).order_by(Invitation.id)
    told = ("id", "organisation_id", "email", "role", "created_at", "expires_at", "used_at")
    received = [
        {"as": "email", **{name: _plain(getattr(row, name)) for name in told}} for row in current.scalars(query)
    ]
    return [*received, *_collect_rows(_table(Invitation), {"invited_by": ("organisation_id",)}, current, person)]


def _erase_invitations(current: Session, person: Person) -> None:
    to_them = update(Invitation).where(func.lower(Invitation.email) == person.email.lower())
    present = now()
    closed = func.coalesce(Invitation.revoked_at, present)
    values = {"email": f"{person.id}@erased.invalid", "revoked_at": closed, "version": Invitation.version + 1}
    current.execute(to_them.values(values).execution_options(synchronize_session=False))


def _collect_audit_entries(current: Session, person: Person) -> list[dict[str, Any]]:
    """What the person did. In whose trail that stands is told where they acted for that organisation."""
    query = select(AuditEntry).where(AuditEntry.actor_user_id == person.id).order_by(AuditEntry.id)
    return [
        {
            "type": row.type,
            "created_at": _plain(row.created_at),
            "subject_kind": row.subject_kind,
            **({"subject_id": _plain(row.subject_id)} if row.insider else {}),
            **({"organisation_id": _plain(row.organisation_id), "seq": row.seq} if row.insider else {}),
        }
        for row in current.scalars(query)
    ]


def _collect_letters(current: Session, person: Person) -> list[dict[str, Any]]:
    """Letters that wait to be delivered. Their text is not told: a link in it works once."""
    queued = text(
        "SELECT id, args->>'sealed' AS sealed, CAST(status AS text) AS status FROM procrastinate_jobs"
        " WHERE task_name = 'mail.deliver' ORDER BY id"
    )
    found = []
    for row in current.execute(queued).all():
        try:
            letter = unseal(present_settings(), row.sealed)
        except InvalidToken:
            continue
        if _is_to(letter["to"], person):
            found.append({"id": row.id, "status": row.status, "subject": letter["subject"]})
    return found


def _erase_answers(current: Session, person: Person) -> None:
    """Kept answers to the person's requests, and their name and address in those that others got.

    Their keys stay used: what was done once is not done again.
    """
    rows = _table(IdempotentRequest)
    mine = update(rows).where(rows.c.principal == person.id).values(body=None, headers=None, standing=[])
    current.execute(mine)
    holding = text("SELECT * FROM idempotent_request WHERE position(:id IN body) > 0 OR position(:email IN body) > 0")
    for row in current.execute(holding, {"id": str(person.id).encode(), "email": person.email.encode()}).all():
        body = json.dumps(_without(json.loads(row.body), person), ensure_ascii=False).encode()
        key = (rows.c.principal == row.principal, rows.c.route == row.route, rows.c.key == row.key)
        current.execute(update(rows).where(*key).values(body=body))


def _without(value: Any, person: Person) -> Any:
    """A JSON value without the person's name and address."""
    if isinstance(value, dict):
        return {name: _without(each, person) for name, each in value.items()}
    if isinstance(value, list):
        return [_without(each, person) for each in value]
    if isinstance(value, str) and (value == person.name or person.email.lower() in value.lower()):
        return ERASED
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    return value


def _table(model: type[Any]) -> Table:
    table: Table = model.__table__
    return table


OF_IDENTITY: tuple[Source, ...] = (
    gone(SessionFamily, "user_id", ("last_used_at", "revoked_at")),
    gone(OneTimeLink, "user_id", ("purpose", "expires_at", "used_at")),
    gone(Membership, "user_id", ("organisation_id", "role", "proposal_id", "until")),
    Source("invitation", frozenset({"invitation.invited_by"}), _collect_invitations, _erase_invitations),
    held(VerificationAct, by_user_id=("reason",)),
    Source("audit_entry", frozenset({"audit_entry.actor_user_id"}), _collect_audit_entries),
    Source(
        "idempotent_request",
        frozenset({"idempotent_request.principal"}),
        partial(_collect_rows, _table(IdempotentRequest), {"principal": ("status",)}),
        _erase_answers,
    ),
    gone(NotedRefusal, "user_id"),
    Source("letter", frozenset(), _collect_letters),
)
"""What identity, the web layer and the store hold of people."""

__all__ = [
    "OF_IDENTITY",
    "SOURCES",
    "Person",
    "Source",
    "acted_on",
    "addressed",
    "erase_person",
    "gone",
    "held",
    "person_columns",
    "personal_data",
    "unsigned",
]
