"""Rate limits: per person or address, stricter where passwords are tried. Counters are in memory or in Redis/Valkey."""

import logging

from flask import Flask, Response, current_app, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from marketplace.settings import Settings
from marketplace.values.clock import now

DEFAULT_LIMIT = "600 per minute"
SIGN_IN_LIMIT = "10 per minute"
REPORT_LIMIT = "10 per minute"

log = logging.getLogger(__name__)


def who_counts() -> str:
    """The person that a genuine token names (no look-up: requests are counted before the door), else the address."""
    named = current_app.extensions["marketplace_named_user"]()
    return str(named or get_remote_address())


limiter = Limiter(key_func=who_counts, default_limits=[DEFAULT_LIMIT], strategy="sliding-window-counter")


def register_limits(app: Flask, settings: Settings) -> None:
    """Count requests; write RateLimit and RateLimit-Policy (IETF draft, not an RFC) on the answers."""
    app.config["RATELIMIT_ENABLED"] = settings.rate_limits_enabled
    app.config["RATELIMIT_STORAGE_URI"] = settings.rate_limit_storage
    app.config["RATELIMIT_HEADERS_ENABLED"] = False
    app.config["RATELIMIT_IN_MEMORY_FALLBACK_ENABLED"] = settings.rate_limit_storage != "memory://"
    limiter.init_app(app)
    if settings.production and settings.rate_limit_storage == "memory://":
        log.warning("rate limits are counted per worker process; set MARKETPLACE_RATE_LIMIT_STORAGE to share them")

    @app.after_request
    def name_limits(response: Response) -> Response:
        current = limiter.current_limit if settings.rate_limits_enabled and request.endpoint else None
        if current is not None:
            window = current.limit.get_expiry()
            left = max(0, current.remaining)
            until = max(0, int(current.reset_at - now().timestamp()))
            response.headers["RateLimit-Policy"] = f'"default";q={current.limit.amount};w={window}'
            response.headers["RateLimit"] = f'"default";r={left};t={until}'
            if response.status_code == 429:
                response.headers["Retry-After"] = str(max(1, until))
        return response
