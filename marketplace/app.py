"""The application: the only file that knows every feature."""

import logging
from typing import Any

import orjson
import structlog
from flask import Flask
from flask.json.provider import JSONProvider

from marketplace.checks.routes import checks
from marketplace.cli import register_commands
from marketplace.demo.commands import register_demo
from marketplace.eligibility.routes import criteria_language
from marketplace.evidence.access_routes import evidence_access
from marketplace.evidence.routes import evidence
from marketplace.feeds.audit_routes import audit_trail
from marketplace.feeds.routes import feeds
from marketplace.governance.routes import governance
from marketplace.guidance.routes import guidance
from marketplace.hosting.routes import hosting
from marketplace.identity.authentication import register_authentication
from marketplace.identity.routes import BLUEPRINTS as IDENTITY
from marketplace.insight.mover_routes import movers
from marketplace.insight.routes import insight
from marketplace.insight.scenario_routes import scenarios
from marketplace.learning.engagement_routes import engagement
from marketplace.learning.routes import learning
from marketplace.matching.near_routes import near_misses
from marketplace.matching.preview_routes import previews
from marketplace.matching.routes import matching
from marketplace.monitoring.routes import monitoring
from marketplace.pipeline.routes import pipeline
from marketplace.pipeline.template_routes import pipeline_templates
from marketplace.pledges.cohort_routes import cohort
from marketplace.pledges.conflict_routes import pledge_conflicts
from marketplace.pledges.deal_routes import deals
from marketplace.pledges.ledger_routes import ledger
from marketplace.pledges.recovery_routes import recovery
from marketplace.pledges.routes import pledges
from marketplace.pledges.schedule_routes import schedules
from marketplace.pledges.tranche_routes import tranches
from marketplace.procurement.routes import procurement
from marketplace.programmes.cohort_routes import cohort_terms
from marketplace.programmes.listing_routes import BLUEPRINTS as LISTINGS
from marketplace.programmes.routes import programmes
from marketplace.proposals.consent_routes import employer_consents
from marketplace.proposals.routes import proposals
from marketplace.questions.routes import questions
from marketplace.repayments.calculator_routes import calculators
from marketplace.repayments.routes import repayments
from marketplace.rights.routes import rights
from marketplace.safeguards.routes import safeguards
from marketplace.safeguards.statement_routes import assurance
from marketplace.search.routes import search
from marketplace.settings import Settings, settings_from_environment
from marketplace.social_value.calculator_routes import social_calculators
from marketplace.social_value.routes import social_value
from marketplace.store.base import db
from marketplace.store.embedded import embedded_database_url
from marketplace.vehicles.match_routes import employer_matches
from marketplace.vehicles.routes import vehicles
from marketplace.vehicles.simulation_routes import vehicle_simulations
from marketplace.watches.routes import watches
from marketplace.watches.shortlist_routes import shortlists
from marketplace.web.conditional import register_conditional
from marketplace.web.docs_ui import register_docs
from marketplace.web.headers import register_headers
from marketplace.web.health import register_health
from marketplace.web.languages import register_languages
from marketplace.web.limits import register_limits
from marketplace.web.openapi import MarketApi, MarketBlueprint, spec_options
from marketplace.web.problems import register_problems
from marketplace.web.reference_routes import reference
from marketplace.wiring import connect_features

BLUEPRINTS: list[MarketBlueprint] = [
    reference,
    *IDENTITY,
    governance,
    questions,
    feeds,
    audit_trail,
    evidence,
    evidence_access,
    pipeline,
    pipeline_templates,
    programmes,
    cohort_terms,
    *LISTINGS,
    proposals,
    employer_consents,
    criteria_language,
    matching,
    hosting,
    pledges,
    pledge_conflicts,
    cohort,
    tranches,
    ledger,
    deals,
    schedules,
    recovery,
    monitoring,
    repayments,
    calculators,
    vehicle_simulations,
    vehicles,
    employer_matches,
    social_value,
    social_calculators,
    checks,
    search,
    near_misses,
    previews,
    watches,
    shortlists,
    rights,
    safeguards,
    assurance,
    procurement,
    learning,
    engagement,
    guidance,
    insight,
    movers,
    scenarios,
]


class OrjsonProvider(JSONProvider):
    """JSON by orjson: strict output (no NaN), fast."""

    def dumps(self, obj: Any, **_: Any) -> str:
        return orjson.dumps(obj, option=orjson.OPT_NON_STR_KEYS).decode()

    def loads(self, s: str | bytes, **_: Any) -> Any:
        return orjson.loads(s)


def create_app(settings: Settings | None = None) -> Flask:
    """The WSGI application. Starts the embedded PostgreSQL where no DATABASE_URL is given; migrates nothing."""
    settings = settings or settings_from_environment()
    app = Flask("marketplace", static_folder=None)
    app.json = OrjsonProvider(app)
    configure_logging(settings)
    url = settings.database_url or embedded_database_url(settings.database_folder, cleanup_mode=None)
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings, url),
        BODY_LIMIT=settings.body_limit,
        UPLOAD_LIMIT=settings.upload_limit,
        MAX_CONTENT_LENGTH=settings.upload_limit + 1024,
        PROPAGATE_EXCEPTIONS=False,
        STRICT_MATCHING=settings.strict_matching,
        **spec_options(settings.public_url),
    )
    app.extensions["marketplace_settings"] = settings
    db.init_app(app)
    connect_features()
    register_headers(app, settings.cors_origins)
    register_languages(app)
    register_conditional(app)
    register_limits(app, settings)
    register_authentication(app, settings)
    api = MarketApi(app)
    app.extensions["market_api"] = api
    api.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"})
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint, url_prefix=f"/v1{blueprint.url_prefix or ''}")
    register_problems(app)
    register_health(app)
    register_docs(app)
    register_commands(app)
    register_demo(app.cli)
    return app


def engine_options(settings: Settings, url: str) -> dict[str, Any]:
    """The connection pool, and what every connection is told: UTC, and no statement or lock waits for ever."""
    timeouts = "-c timezone=UTC -c statement_timeout=10s -c lock_timeout=5s -c idle_in_transaction_session_timeout=30s"
    return {
        "pool_size": settings.pool_size,
        "max_overflow": 5,
        "pool_pre_ping": True,
        "connect_args": {"options": timeouts, "connect_timeout": 5, "application_name": "marketplace"},
    }


def configure_logging(settings: Settings) -> None:
    """JSON lines on standard error; no bodies, tokens or e-mail addresses are ever logged."""
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ]
    )
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    root = logging.getLogger("marketplace")
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    root.propagate = settings.environment == "test"
