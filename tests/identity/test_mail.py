"""How letters travel: sealed in the queue, by TLS where a password is sent."""

from email.message import EmailMessage
from typing import Any

import pytest
from cryptography.fernet import InvalidToken
from flask import Flask

from marketplace.settings import BadSettings
from marketplace.store import mail


class Server:
    """An SMTP server's client that only remembers what it was told."""

    def __init__(self, host: str, port: int, **_: Any) -> None:
        self.told: list[Any] = [(type(self).__name__, host, port)]
        SERVERS.append(self)

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.told.append("quit")

    def starttls(self, **given: Any) -> None:
        assert given["context"].verify_mode
        self.told.append("starttls")

    def login(self, *given: str) -> None:
        self.told.append(given)

    def send_message(self, message: EmailMessage) -> None:
        self.told.append(message["To"])


class Secure(Server):
    """The same with TLS from the start."""


SERVERS: list[Server] = []


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    SERVERS.clear()
    monkeypatch.setattr(mail.smtplib, "SMTP", Server)
    monkeypatch.setattr(mail.smtplib, "SMTP_SSL", Secure)


def a_message() -> EmailMessage:
    letter = {"id": "1", "to": "ada@example.org", "subject": "A message about your account", "body": "Hello."}
    return mail.message_of(letter, "no-reply@market.example")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        pytest.param("smtp://post.example", [("Server", "post.example", 25)], id="plain"),
        pytest.param("smtp+starttls://post.example", [("Server", "post.example", 587), "starttls"], id="starttls"),
        pytest.param(
            "smtps://ada:p%40ss@post.example:4650",
            [("Secure", "post.example", 4650), ("ada", "p@ss")],
            id="TLS with a password",
        ),
    ],
)
def test_a_letter_goes_to_the_server_that_is_set(url: str, told: list[Any]) -> None:
    mail.deliver_by_smtp(a_message(), url)

    assert SERVERS[0].told == [*told, "ada@example.org", "quit"]


@pytest.mark.parametrize("url", ["smtp://ada:secret@post.example", "https://post.example", "smtps://"])
def test_an_address_that_is_unsafe_or_no_server_is_refused(url: str) -> None:
    with pytest.raises(BadSettings):
        mail.deliver_by_smtp(a_message(), url)

    assert SERVERS == []


def test_a_letter_cannot_carry_a_second_header() -> None:
    with pytest.raises(ValueError, match="linefeed"):
        mail.message_of({"id": "1", "to": "a@b.example\nBcc: all@b.example", "subject": "x", "body": ""}, "c@d.example")


def test_a_sealed_letter_opens_with_its_own_secret_only(app: Flask) -> None:
    with app.app_context():
        settings = mail.present_settings()
    sealed = mail.seal(settings, {"to": "ada@example.org"})

    assert mail.unseal(settings, sealed) == {"to": "ada@example.org"}
    with pytest.raises(InvalidToken):
        mail.unseal(settings, sealed[:-4] + "AAAA")
