"""Settings: read once from the environment, checked at start, frozen. Knows no Flask and opens nothing.

`MARKETPLACE_ENV` is `development` (default), `test` or `production`. Production refuses to start without its secrets;
elsewhere a secret is made once and kept in the instance folder.
"""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from environs import Env, EnvError

MINIMUM_SECRET_BYTES = 32


class BadSettings(RuntimeError):
    """A setting is missing, weak or unreadable. The message says which, and what to do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the program is told from outside. Sizes in bytes, durations in seconds."""

    environment: str
    database_url: str | None
    instance_path: Path
    secret_key: str
    public_url: str
    frontend_url: str | None
    cors_origins: tuple[str, ...]
    smtp_url: str | None
    mail_from: str
    rate_limit_storage: str
    rate_limits_enabled: bool
    password_time_cost: int
    password_memory_kib: int
    access_token_seconds: int
    refresh_token_seconds: int
    body_limit: int
    upload_limit: int
    log_level: str
    strict_matching: bool
    pool_size: int

    @property
    def production(self) -> bool:
        return self.environment == "production"

    @property
    def mail_folder(self) -> Path:
        return self.instance_path / "mail"

    @property
    def documents_folder(self) -> Path:
        return self.instance_path / "documents"

    @property
    def database_folder(self) -> Path:
        return self.instance_path / "postgresql"


def settings_from_environment() -> Settings:
    """The settings of this process. `BadSettings` names the variable at fault."""
    env = Env(prefix="MARKETPLACE_")
    try:
        environment = env.str("ENV", "development")
        if environment not in {"development", "test", "production"}:
            raise BadSettings("MARKETPLACE_ENV must be development, test or production")
        instance = Path(env.str("INSTANCE", "instance")).resolve()
        testing = environment == "test"
        return Settings(
            environment=environment,
            database_url=checked_database_url(os.environ.get("DATABASE_URL") or None),
            instance_path=instance,
            secret_key=_secret(env.str("SECRET_KEY", None), environment, instance),
            public_url=env.str("PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/"),
            frontend_url=(env.str("FRONTEND_URL", None) or "").rstrip("/") or None,
            cors_origins=tuple(env.list("CORS_ORIGINS", [])),
            smtp_url=env.str("SMTP_URL", None),
            mail_from=env.str("MAIL_FROM", "no-reply@marketplace.invalid"),
            rate_limit_storage=env.str("RATE_LIMIT_STORAGE", "memory://"),
            rate_limits_enabled=env.bool("RATE_LIMITS", not testing),
            password_time_cost=env.int("PASSWORD_TIME_COST", 1 if testing else 3),
            password_memory_kib=env.int("PASSWORD_MEMORY_KIB", 64 if testing else 65536),
            access_token_seconds=env.int("ACCESS_TOKEN_SECONDS", 15 * 60),
            refresh_token_seconds=env.int("REFRESH_TOKEN_SECONDS", 30 * 24 * 3600),
            body_limit=env.int("BODY_LIMIT", 256 * 1024),
            upload_limit=env.int("UPLOAD_LIMIT", 25 * 1024 * 1024),
            log_level=env.str("LOG_LEVEL", "INFO").upper(),
            strict_matching=env.bool("STRICT_MATCHING", testing),
            pool_size=env.int("POOL_SIZE", 10),
        )
    except EnvError as error:
        raise BadSettings(str(error)) from error


def checked_database_url(url: str | None) -> str | None:
    """`url` for SQLAlchemy with psycopg 3, or None. Anything but PostgreSQL is refused."""
    if url is None:
        return None
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in {"postgresql", "postgres", "postgresql+psycopg"} or not rest:
        raise BadSettings(
            "DATABASE_URL must be a PostgreSQL address such as postgresql://user:password@host:5432/name; "
            "unset it to use the PostgreSQL that comes with the program"
        )
    return f"postgresql+psycopg://{rest}"


def _secret(given: str | None, environment: str, instance: Path) -> str:
    if given is None and environment == "production":
        raise BadSettings(
            "MARKETPLACE_SECRET_KEY is not set. Make one with: "
            "python -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )
    if given is None:
        return kept_secret(instance / "secret_key")
    if len(given.encode()) < MINIMUM_SECRET_BYTES:
        raise BadSettings(f"MARKETPLACE_SECRET_KEY must have at least {MINIMUM_SECRET_BYTES} bytes")
    return given


def kept_secret(path: Path) -> str:
    """The secret in that file, made on first use and readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text()
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(48))
    return path.read_text()
