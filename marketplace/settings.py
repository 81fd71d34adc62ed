"""Settings: read once from the environment, checked at start, frozen. Knows no Flask and opens nothing.

`MARKETPLACE_ENV` is `development` (default), `test` or `production`. Production refuses to start without its secrets;
elsewhere a secret is made once and kept in the instance folder.
"""

import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from environs import Env, EnvError

MINIMUM_SECRET_BYTES = 32


class BadSettings(RuntimeError):
    """A setting is missing, weak or unreadable. The message says which, and what to do."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where documents are kept in an S3-compatible store. `endpoint` and `region`: None for AWS's own and its default.

    Who may write there is said by boto3's usual credentials: AWS_ACCESS_KEY_ID and so on, or the machine's role.
    """

    name: str
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Scanner:
    """Where clamd listens."""

    host: str
    port: int


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
    audit_keys: tuple[str, ...] = ()
    """What the audit chains are sealed with: the first seals, the others are earlier ones; none: the secret key."""
    document_store: Bucket | None = None
    document_scanner: Scanner | None = None
    document_scan_strict: bool = True

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
    def audit_heads_folder(self) -> Path:
        return self.instance_path / "audit-heads"

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
            audit_keys=_audit_keys(env.list("AUDIT_KEY", [])),
            document_store=checked_document_store(env.str("DOCUMENT_STORE", "disk"), environment),
            document_scanner=checked_scanner(env.str("DOCUMENT_SCANNER", None)),
            document_scan_strict=env.bool("DOCUMENT_SCAN_STRICT", True),
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


def checked_document_store(address: str, environment: str) -> Bucket | None:
    """The bucket of `s3://bucket/prefix?endpoint=...&region=...`; None for `disk`.

    In production an endpoint on another machine is https: what is kept is confidential.
    """
    if address in {"", "disk"}:
        return None
    wrong = BadSettings(
        "MARKETPLACE_DOCUMENT_STORE must be disk, or an address such as s3://bucket/prefix?endpoint=https://host:port"
        "&region=eu-west-2 (in production an endpoint on another machine has https)"
    )
    try:
        parts = urlsplit(address)
        options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        endpoint = options.pop("endpoint", None)
        at = None if endpoint is None else urlsplit(endpoint)
        port_is_a_number = at is None or at.port is None or at.port > 0
    except ValueError as error:
        raise wrong from error
    region = options.pop("region", None)
    plain = at is not None and at.scheme == "http"
    here = at is not None and at.hostname in {"127.0.0.1", "localhost", "::1"}
    if (
        parts.scheme != "s3"
        or not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", parts.netloc)
        or not re.fullmatch(r"[A-Za-z0-9._/-]*", parts.path)
        or options
        or (at is not None and (at.scheme not in {"http", "https"} or not at.hostname or bool(at.query)))
        or (environment == "production" and plain and not here)
        or not port_is_a_number
    ):
        raise wrong
    return Bucket(parts.netloc, parts.path.strip("/"), endpoint, region)


def checked_scanner(address: str | None) -> Scanner | None:
    """Where the clamd of `tcp://host:port` listens; None where nothing scans."""
    if not address:
        return None
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or parts.scheme != "tcp" or parts.path.strip("/") or parts.query:
        raise BadSettings("MARKETPLACE_DOCUMENT_SCANNER must be the address of a clamd, such as tcp://127.0.0.1:3310")
    return Scanner(host, port)


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


def _audit_keys(given: list[str]) -> tuple[str, ...]:
    if any(len(each.encode()) < MINIMUM_SECRET_BYTES for each in given):
        raise BadSettings(f"MARKETPLACE_AUDIT_KEY: each key must have at least {MINIMUM_SECRET_BYTES} bytes")
    return tuple(given)


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
