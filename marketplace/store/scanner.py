"""Asking clamd whether a document is infected: INSTREAM over TCP (clamd(8)). Knows no document and no row."""

import socket
from collections.abc import Iterable
from dataclasses import dataclass

from marketplace.settings import Scanner

CONNECT_SECONDS, ANSWER_SECONDS = 5, 60
LONGEST_ANSWER = 4096
_CLEAN = "OK"
_FOUND = " FOUND"


class ScannerAway(ConnectionError):
    """The scanner cannot be reached, or gave no verdict. Ask again later."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What clamd said: the name of what it found, or None for a clean document."""

    finding: str | None


def scan(scanner: Scanner, pieces: Iterable[bytes]) -> Verdict:
    """Send the pieces to clamd, each behind its length as four bytes in network order, and read its verdict.

    ScannerAway where there is none: no connection, a refusal (a document larger than clamd takes), an unknown answer.
    """
    try:
        with socket.create_connection((scanner.host, scanner.port), CONNECT_SECONDS) as connection:
            connection.settimeout(ANSWER_SECONDS)
            connection.sendall(b"zINSTREAM\0")
            for piece in pieces:
                connection.sendall(len(piece).to_bytes(4, "big") + piece)
            connection.sendall((0).to_bytes(4, "big"))
            answer = _answer(connection)
    except OSError as error:
        raise ScannerAway(f"clamd at {scanner.host}:{scanner.port} does not answer") from error
    said = answer.removeprefix("stream: ")
    if said == _CLEAN:
        return Verdict(None)
    if said.endswith(_FOUND):
        return Verdict(said.removesuffix(_FOUND)[:200])
    raise ScannerAway(f"clamd gave no verdict: {answer[:200]}")


def _answer(connection: socket.socket) -> str:
    """What clamd says, up to its closing NUL."""
    said = b""
    while not said.endswith(b"\0") and len(said) < LONGEST_ANSWER:
        piece = connection.recv(LONGEST_ANSWER)
        if not piece:
            break
        said += piece
    return said.rstrip(b"\0\n").decode("utf-8", "replace").strip()
