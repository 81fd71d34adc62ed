"""What the letters say. Subjects are the same for all, and bodies name no organisation, proposal or purpose.

A mailbox is often the employer's: nothing in it may tell that its owner thinks of leaving.
"""

from marketplace.store.mail import present_settings

SUBJECT = "A message about your account"


def confirmation(token: str) -> str:
    """Confirm your address."""
    return _letter(
        "Someone, we hope you, gave this address for an account. To confirm it, use this within 24 hours:",
        _action("confirm", "POST /v1/confirmations", token),
        "If it was not you, do nothing: without a confirmation there is no account.",
    )


def already_registered() -> str:
    """The address has an account already."""
    return _letter(
        "Someone, perhaps you, asked for an account with this address. There is one already; nothing was changed.",
        "If you forgot the password, ask for a new one: POST /v1/password-resets",
    )


def reset(token: str) -> str:
    """Choose a new password."""
    return _letter(
        "Someone, we hope you, asked for a new password. To choose one, use this within an hour:",
        _action("reset", "POST /v1/password-resets/redeem", token),
        "If it was not you, do nothing: the password stays as it is.",
    )


def password_changed() -> str:
    """The password was changed."""
    return _letter(
        "Your password was changed, and every session was ended.",
        "If it was not you, ask for a new password now: POST /v1/password-resets",
    )


def invitation(token: str) -> str:
    """Someone invites you. Who, and to what, is seen after logging in."""
    return _letter(
        "You have been invited. Log in (or make an account) with this address, and use this within 14 days:",
        _action("invitation", "POST /v1/invitations/accept", token),
        "If you do not know what this is about, do nothing.",
    )


def _letter(*paragraphs: str) -> str:
    return "\n\n".join(paragraphs) + "\n"


def _action(page: str, request: str, token: str) -> str:
    settings = present_settings()
    if settings.frontend_url:
        return f"{settings.frontend_url}/{page}#token={token}"
    method, path = request.split(" ")
    return f'{method} {settings.public_url}{path}\n{{"token": "{token}"}}'
