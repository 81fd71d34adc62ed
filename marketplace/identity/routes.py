"""Everything of people and organisations that is served under `/v1`."""

from marketplace.identity.personal_routes import me
from marketplace.identity.routes_organisations import invitations, organisations_blueprint, verification_queue
from marketplace.identity.routes_people import account, registrations, sessions_blueprint
from marketplace.web.openapi import MarketBlueprint

BLUEPRINTS: list[MarketBlueprint] = [
    registrations,
    sessions_blueprint,
    account,
    me,
    organisations_blueprint,
    invitations,
    verification_queue,
]
