"""Passwords: argon2id (RFC 9106) with the costs of the settings. Slow on purpose: never called inside a transaction.

Knows hashes. Must not know people.
"""

import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app

from marketplace.settings import Settings


def password_hash(password: str) -> str:
    """The hash to keep."""
    return _hasher().hash(_normal(password))


def matches(password: str, kept: str | None) -> bool:
    """Whether `password` belongs to the `kept` hash. Takes as long where there is none: nobody learns who is known."""
    hasher = _hasher()
    try:
        return hasher.verify(kept if kept and kept.startswith("$argon2") else _nobodys(hasher), _normal(password))
    except (VerificationError, InvalidHashError):
        return False


def renewed_hash(password: str, kept: str) -> str | None:
    """A fresh hash where `kept` was made with other costs than today's; None where it is good as it is."""
    return password_hash(password) if _hasher().check_needs_rehash(kept) else None


def _hasher() -> PasswordHasher:
    settings: Settings = current_app.extensions["marketplace_settings"]
    return _hasher_with(settings.password_time_cost, settings.password_memory_kib)


@cache
def _hasher_with(time_cost: int, memory_kib: int) -> PasswordHasher:
    return PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=1)


@cache
def _nobodys(hasher: PasswordHasher) -> str:
    return hasher.hash("a password that nobody has, to compare with")


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)
