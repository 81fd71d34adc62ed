"""Is the process alive, is it ready to serve: outside /v1, not counted by the limiter, no secrets."""

from pathlib import Path

from flask import Blueprint, Flask, Response, jsonify
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from marketplace.store.base import session
from marketplace.store.documents import present_place
from marketplace.web.limits import limiter

health = Blueprint("health", __name__)
MIGRATION_HEAD = Path(__file__).resolve().parents[2] / "migrations" / ".current-head"

STATE = text(
    "SELECT (SELECT version_num FROM alembic_version), current_setting('fsync'), current_setting('synchronous_commit')"
)


@health.get("/livez")
def get_livez() -> Response:
    """The process answers. No I/O."""
    return jsonify(status="alive")


@health.get("/readyz")
def get_readyz() -> tuple[Response, int]:
    """The database answers, is migrated to this program's head, and keeps what it acknowledges.

    Says as well whether the document store can be reached; all but documents is served while it cannot.
    """
    checks = {"database": False, "migrations": False, "durability": False}
    try:
        row = session().execute(STATE).one()
        checks = {
            "database": True,
            "migrations": row[0] == MIGRATION_HEAD.read_text().strip(),
            "durability": row[1] == "on" and row[2] != "off",
        }
    except SQLAlchemyError:
        session().rollback()
    ready = all(checks.values())
    documents = "reachable" if present_place().reachable() else "away"
    status = "ready" if ready else "not ready"
    return jsonify(status=status, checks=checks, documents=documents), 200 if ready else 503


def register_health(app: Flask) -> None:
    """Serve both, outside the limits."""
    limiter.exempt(health)
    app.register_blueprint(health)
