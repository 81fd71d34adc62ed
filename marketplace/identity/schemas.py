"""The shapes of accounts, sessions, organisations, members, invitations and verification on the wire."""

from typing import Any

from marshmallow import fields, validate

from marketplace.identity.rules import (
    LONGEST_PASSWORD,
    MOST_IDENTIFIERS,
    SHORTEST_PASSWORD,
)
from marketplace.reference import codelists
from marketplace.values.words import LANGUAGES
from marketplace.web.fields import Day, Draft, Id, Slug, Text, View, WordsField, slugs, web_address
from marketplace.web.paging import PageQuery

ONE_LINE = validate.Regexp(r"^[^\r\n\t]*$", error="Give one line.")


class Address(Text):
    """An e-mail address of at most 254 signs."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(254, shortest=3, validate=[validate.Email()], metadata={"format": "email"}, **kwargs)


def new_password(**kwargs: Any) -> fields.String:
    """A password to be set."""
    words = "12 to 200 signs of any kind; not the e-mail address."
    length = validate.Length(min=SHORTEST_PASSWORD, max=LONGEST_PASSWORD)
    return fields.String(
        required=True, load_only=True, validate=length, metadata={"format": "password", "description": words}, **kwargs
    )


def shown_password(**kwargs: Any) -> fields.String:
    """A password that is tried."""
    length = validate.Length(min=1, max=LONGEST_PASSWORD)
    return fields.String(required=True, load_only=True, validate=length, metadata={"format": "password"}, **kwargs)


def token(**kwargs: Any) -> fields.String:
    """The secret out of a letter."""
    length = validate.Length(min=1, max=200)
    return fields.String(required=True, load_only=True, validate=length, **kwargs)


class RegistrationDraft(Draft):
    """Who wants an account."""

    email = Address(required=True)
    name = Text(120, required=True, validate=[ONE_LINE])
    password = new_password()
    language = fields.String(load_default="en", validate=validate.OneOf(LANGUAGES))


class AcceptedView(View):
    """The same words for every address."""

    detail = fields.String(required=True)


class ConfirmationDraft(Draft):
    """The secret out of the letter."""

    token = token()


class LogInDraft(Draft):
    """Address and password."""

    email = Address(required=True)
    password = shown_password()


class TokensView(View):
    """A pair of tokens: the access token for each request, the refresh token for the next pair (once)."""

    access_token = fields.String(required=True)
    refresh_token = fields.String(required=True)
    token_type = fields.String(required=True, validate=validate.Equal("Bearer"))
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds that the access token is good for."})


class SessionView(View):
    """The session behind the token."""

    id = fields.UUID(required=True)
    started_at = fields.DateTime(attribute="created_at", required=True)
    renewed_at = fields.DateTime(attribute="last_used_at", required=True)


class ResetDraft(Draft):
    """Whose password is forgotten."""

    email = Address(required=True)


class RedemptionDraft(Draft):
    """The secret out of the letter, and the password to set."""

    token = token()
    password = new_password()


class PasswordChange(Draft):
    """The present password, and the one to set."""

    current = shown_password()
    new = new_password()


class AccountChange(Draft):
    """What a person may change of themselves."""

    name = Text(120, validate=[ONE_LINE])
    language = fields.String(validate=validate.OneOf(LANGUAGES))


class OwnMembershipView(View):
    """One of the caller's memberships."""

    id = fields.UUID(required=True)
    organisation_id = fields.UUID(required=True)
    organisation_name = WordsField(200, attribute="organisation.name", required=True)
    kind = fields.String(attribute="organisation.kind", required=True)
    verification = fields.String(attribute="organisation.verification", required=True)
    role = fields.String(required=True)
    proposal_id = fields.UUID(allow_none=True)
    until = fields.Date(allow_none=True)
    version = fields.Integer(required=True)


class AccountView(View):
    """The caller's account and what they belong to."""

    id = fields.UUID(required=True)
    email = fields.String(required=True)
    name = fields.String(required=True)
    language = fields.String(required=True)
    operator = fields.Boolean(required=True)
    memberships = fields.List(fields.Nested(OwnMembershipView), required=True)
    version = fields.Integer(required=True)


class IdentifierDraft(Draft):
    """A number in a public register."""

    scheme = fields.String(
        required=True,
        validate=validate.Length(min=1, max=40),
        metadata={"description": "A code of /v1/identifier-schemes, such as GB-COH."},
    )
    number = Text(60, required=True)


class IdentifierView(View):
    """A number in a public register."""

    scheme = fields.String(required=True)
    number = fields.String(required=True)


def identifiers() -> fields.List[Any]:
    """At most ten numbers."""
    return fields.List(fields.Nested(IdentifierDraft), validate=validate.Length(max=MOST_IDENTIFIERS))


def area_code() -> fields.String:
    """The GSS code of a live area."""
    return fields.String(allow_none=True, validate=[validate.Length(max=9), validate.Regexp(r"^[A-Z][0-9]{8}$")])


class OrganisationDraft(Draft):
    """An organisation to register. A staff group needs neither identifier nor legal form."""

    name = WordsField(200, required=True)
    kind = Slug("organisation_kinds", required=True)
    funder_kinds = slugs("funder_kinds")
    identifiers = identifiers()
    area_code = area_code()
    legal_form = Slug("legal_forms", allow_none=True)
    website = web_address(300, allow_none=True)


class OrganisationChange(Draft):
    """What an owner may change. The kind stays; a new name or identifier has to be verified anew."""

    name = WordsField(200)
    funder_kinds = slugs("funder_kinds")
    identifiers = identifiers()
    area_code = area_code()
    legal_form = Slug("legal_forms", allow_none=True)
    website = web_address(300, allow_none=True)


class OrganisationView(View):
    """An organisation. The last members are there for its members and the operator only."""

    id = fields.UUID(required=True)
    name = WordsField(200, required=True)
    kind = fields.String(required=True)
    funder_kinds = fields.List(fields.String(), required=True)
    identifiers = fields.List(fields.Nested(IdentifierView), required=True)
    area_code = fields.String(allow_none=True, required=True)
    legal_form = fields.String(allow_none=True, required=True)
    website = fields.String(allow_none=True, required=True)
    verification = fields.String(required=True)
    historical_example = fields.Boolean(required=True)
    verification_note = fields.String(allow_none=True)
    created_at = fields.DateTime()
    version = fields.Integer()


class OrganisationQuery(PageQuery):
    """Without `q` the caller's own organisations; with it a search of verified ones."""

    q = Text(80, metadata={"description": "A part of the name, or an identifier: its number, or GB-COH-01234567."})
    kind = fields.String(validate=[validate.Length(max=60), validate.OneOf(codelists.slugs("organisation_kinds"))])


class PersonView(View):
    """A member. The address is there for owners only."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    email = fields.String()


class MembershipView(View):
    """A membership."""

    id = fields.UUID(required=True)
    organisation_id = fields.UUID(required=True)
    person = fields.Nested(PersonView, required=True)
    role = fields.String(required=True)
    proposal_id = fields.UUID(allow_none=True)
    until = fields.Date(allow_none=True)
    version = fields.Integer(required=True)


class MembershipChange(Draft):
    """Another role."""

    role = Slug("membership_roles", required=True)


class InvitationDraft(Draft):
    """Whom to invite, as what. A guest (and nobody else) needs a proposal of the organisation and a last day."""

    email = Address(required=True)
    role = Slug("membership_roles", required=True)
    proposal_id = Id(allow_none=True)
    until = Day(allow_none=True)


class InvitationView(View):
    """An invitation. Its secret stands in the letter alone."""

    id = fields.UUID(required=True)
    organisation_id = fields.UUID(required=True)
    email = fields.String(required=True)
    role = fields.String(required=True)
    proposal_id = fields.UUID(allow_none=True)
    until = fields.Date(allow_none=True)
    expires_at = fields.DateTime(required=True)
    accepted_at = fields.DateTime(attribute="used_at", allow_none=True)
    revoked_at = fields.DateTime(allow_none=True)
    version = fields.Integer(required=True)


class AcceptanceDraft(Draft):
    """The secret out of the letter."""

    token = token()


class OrganisationVerificationDraft(Draft):
    """The state to enter, and why. Members read the reason."""

    state = Slug("verification_states", required=True)
    reason = Text(500, required=True)


class VouchDraft(Draft):
    """Why the caller's organisation vouches; which, where they own several."""

    reason = Text(500, required=True)
    by_organisation_id = Id()


class VerificationActView(View):
    """One change of verification. `by_organisation_id` is the organisation that vouched; null: the operator."""

    id = fields.UUID(required=True)
    organisation_id = fields.UUID(required=True)
    was = fields.String(required=True)
    became = fields.String(required=True)
    reason = fields.String(required=True)
    by_organisation_id = fields.UUID(allow_none=True)
    at = fields.DateTime(attribute="created_at", required=True)
