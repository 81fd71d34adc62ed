"""The commands that operators and developers type: `flask --app wsgi ...`."""

from pathlib import Path

import click
import yaml
from alembic import command
from alembic.config import Config
from flask import Flask, current_app

from marketplace.web.openapi import MarketApi, document

ROOT = Path(__file__).resolve().parents[1]


def register_commands(app: Flask) -> None:
    """Add the commands to `flask`."""
    for each in (migrate, write_openapi):
        app.cli.add_command(each)


def alembic_config(database_url: str) -> Config:
    """Alembic's settings out of pyproject.toml, for that database."""
    config = Config(toml_file=ROOT / "pyproject.toml")
    config.attributes["database_url"] = database_url
    return config


@click.command("migrate")
def migrate() -> None:
    """Bring the database up to this program's schema."""
    command.upgrade(alembic_config(current_app.config["SQLALCHEMY_DATABASE_URI"]), "head")
    click.echo("The database is up to date.")


@click.command("openapi")
@click.argument("path", type=click.Path(path_type=Path), default=ROOT / "openapi.yaml")
def write_openapi(path: Path) -> None:
    """Write the OpenAPI document."""
    path.write_text(openapi_text(current_app.extensions["market_api"]))
    click.echo(f"Wrote {path.name}.")


def openapi_text(api: MarketApi) -> str:
    """The document as it is committed."""
    return yaml.safe_dump(document(api), sort_keys=False, allow_unicode=True, width=110)
