"""Where features that stand above programmes are heard: set once by the application, called by name here."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from marketplace.programmes.models import Programme

ON_PUBLIC_CHANGE: list[Callable[[Session, Programme, str], None]] = []
"""Called in the transaction of each change of a programme that everyone may see, with the type of its event."""
