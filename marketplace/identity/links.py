"""Secrets for one use, as they stand in letters. Only their SHA-256 is kept (they are random: no salt is needed)."""

import hashlib
import secrets


def new_secret() -> str:
    """43 URL-safe signs: 256 random bits."""
    return secrets.token_urlsafe(32)


def digest_of(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()
