"""Letters by e-mail: queued in the change's own transaction, delivered by a job, by SMTP or into files.

Knows how a letter travels. Must not know why it is written: whoever writes it keeps its subject discreet. What waits in
the queue is sealed with the program's secret, so that neither an address nor a one-use link can be read there.
"""

import base64
import json
import os
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app, has_app_context
from procrastinate import RetryStrategy
from sqlalchemy.orm import Session

from marketplace.settings import BadSettings, Settings, settings_from_environment
from marketplace.store.base import new_id
from marketplace.store.jobs import defer, jobs
from marketplace.values.clock import now

QUEUE = "mail"
PATIENCE_SECONDS = 20
PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


DISCREET_SUBJECT = "A message about your account"


def send(session: Session, to: str | None, subject: str, body: str) -> None:
    """Queue a letter inside the session's transaction: a rolled-back change writes to nobody.

    Without `to` the job is queued and then does nothing: an answer that must not tell whether an address is known
    does the same work for both.
    """
    letter = {"id": str(new_id()), "to": to, "subject": subject, "body": body}
    defer(session, deliver, sealed=seal(present_settings(), letter))


def discreet(path: str, words: str) -> tuple[str, str]:
    """Subject and body of a letter about what is at that path of the API, for those who log in; names nothing itself.

    A mailbox is often the employer's: `words` must not tell that its owner thinks of leaving.
    """
    settings = present_settings()
    page = f"{settings.frontend_url}{path.removeprefix('/v1')}" if settings.frontend_url else None
    where = f"To see it, log in: {page}" if page else f"To see it: GET {settings.public_url}{path}"
    return DISCREET_SUBJECT, f"{words}\n\n{where}\n"


@jobs.task(name="mail.deliver", queue=QUEUE, retry=RetryStrategy(max_attempts=10, exponential_wait=3))
def deliver(sealed: str) -> None:
    """Deliver one letter. Repeated after a crash it may arrive twice, with one Message-ID."""
    settings = present_settings()
    letter = unseal(settings, sealed)
    if letter["to"] is None:
        return
    message = message_of(letter, settings.mail_from)
    if settings.smtp_url:
        deliver_by_smtp(message, settings.smtp_url)
    else:
        keep_in_folder(message, settings.mail_folder / f"{letter['id']}.eml")


def message_of(letter: dict[str, str], sender: str) -> EmailMessage:
    """The letter as plain text."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = letter["to"]
    message["Subject"] = letter["subject"]
    message["Date"] = format_datetime(now())
    message["Message-ID"] = f"<{letter['id']}@{sender.rpartition('@')[2].rstrip('>')}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter["body"])
    return message


def deliver_by_smtp(message: EmailMessage, url: str) -> None:
    """Hand the message to the server at `url`: `smtps://` (TLS), `smtp+starttls://` or `smtp://` (plain).

    A name and password in `url` are sent over TLS only: BadSettings for them in an `smtp://` address.
    """
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise BadSettings("MARKETPLACE_SMTP_URL starts with smtps://, smtp+starttls:// or smtp://, and names a host")
    if parts.username and parts.scheme == "smtp":
        raise BadSettings("MARKETPLACE_SMTP_URL: a password needs smtps:// or smtp+starttls://")
    port = parts.port or PORTS[parts.scheme]
    secure = ssl.create_default_context()
    with (
        smtplib.SMTP_SSL(parts.hostname, port, timeout=PATIENCE_SECONDS, context=secure)
        if parts.scheme == "smtps"
        else smtplib.SMTP(parts.hostname, port, timeout=PATIENCE_SECONDS)
    ) as server:
        if parts.scheme == "smtp+starttls":
            server.starttls(context=secure)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(message)


def keep_in_folder(message: EmailMessage, path: Path) -> None:
    """Write the message as a file that its owner alone may read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(bytes(message))


def seal(settings: Settings, letter: dict[str, str | None]) -> str:
    """The letter as only this program can read it."""
    return _box(settings).encrypt(json.dumps(letter).encode()).decode()


def unseal(settings: Settings, sealed: str) -> dict[str, str]:
    """The letter again. Raises cryptography's InvalidToken for anything that was not sealed with this secret."""
    letter: dict[str, str] = json.loads(_box(settings).decrypt(sealed.encode()))
    return letter


def present_settings() -> Settings:
    """The application's settings, or in a bare worker those of the environment."""
    if has_app_context():
        settings: Settings = current_app.extensions["marketplace_settings"]
        return settings
    return settings_from_environment()


def _box(settings: Settings) -> Fernet:
    key = HKDF(hashes.SHA256(), 32, None, b"marketplace letters").derive(settings.secret_key.encode())
    return Fernet(base64.urlsafe_b64encode(key))
