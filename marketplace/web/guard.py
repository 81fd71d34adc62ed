"""The door: routes are closed unless marked open. Knows that there are actors, not how they log in."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import current_app, g

from marketplace.values.actor import ANONYMOUS, Actor

View = TypeVar("View", bound=Callable[..., Any])


def open_to_all(view: View) -> View:
    """Let anyone in. A caller who shows a token is still known by it."""
    view.__dict__["open_to_all"] = True
    return view


def current_actor() -> Actor:
    """Who makes this request; anonymous on open routes without a token."""
    return cast(Actor, g.get("actor", ANONYMOUS))


def let_in(view: Callable[..., Any]) -> None:
    """Find out who calls; 401 for a bad token anywhere, and for no token where the route is closed."""
    authenticate = current_app.extensions["marketplace_authenticate"]
    g.actor = authenticate(required=not getattr(view, "open_to_all", False))
