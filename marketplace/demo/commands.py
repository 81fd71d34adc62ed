"""`flask demo`: migrate, load the cases, serve, play the main job over HTTP, then go on serving."""

import sys
import time
from dataclasses import replace

import click
from alembic import command
from flask import current_app

from marketplace.cli import alembic_config, speaking_plainly
from marketplace.demo.client import StepFailed
from marketplace.demo.load import CAST, CURATOR, PASSWORD, load_demonstration
from marketplace.demo.story import tell
from marketplace.serving import check_database, check_port, running, server_settings_from_environment, stop_signals
from marketplace.store.base import session

EXIT_STORY_FAILED = 1


@click.command("demo")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to serve on (MARKETPLACE_PORT).")
@click.option("--once", is_flag=True, help="End after the story.")
def demo(port: int | None, once: bool) -> None:
    """Play the main job over HTTP and print it as a story; then go on serving."""
    server = server_settings_from_environment()
    server = replace(server, port=port) if port else server
    check_port(server)
    url = current_app.config["SQLALCHEMY_DATABASE_URI"]
    check_database(url)
    command.upgrade(alembic_config(url), "head")
    _load()
    session().close()
    with stop_signals() as stopped, running(url, server) as made:
        click.echo("")
        try:
            tell(made.url, click.echo)
        except StepFailed as failure:
            click.echo(f"\nThe story stopped: {failure}", err=True)
            raise SystemExit(EXIT_STORY_FAILED) from failure
        click.echo("\nThe story is complete.")
        if once:
            return
        _say_where(made.url)
        ended = made.wait(stopped)
    if ended is not None:
        click.echo(f"marketplace: the {ended} ended by itself; everything was stopped.", err=True)
        raise SystemExit(EXIT_STORY_FAILED)


def _load() -> None:
    """Load what is missing, showing progress on one line where there is a terminal."""
    started = time.monotonic()
    loaded = 0

    def progress(words: str) -> None:
        nonlocal loaded
        loaded += 1
        if sys.stderr.isatty():
            click.echo(f"\r\033[KLoading cases: {words[:70]}", err=True, nl=False)

    load_demonstration(session(), progress)
    if sys.stderr.isatty():
        click.echo("\r\033[K", err=True, nl=False)
    took = time.monotonic() - started
    click.echo(f"Cases: {loaded} loaded in {took:.1f} s." if loaded else "Cases: all there already.")


def _say_where(url: str) -> None:
    click.echo(f"\nReference: {url}/docs    Problem types: {url}/problems/not-payable")
    click.echo(f"Log in with POST {url}/v1/sessions; every password is {PASSWORD!r}:")
    for part in CAST:
        click.echo(f"  {part.email:<22} {part.name} ({part.role})")
    click.echo(f"  {'olive@demo.example':<22} Olive, operator")
    click.echo(f"  {CURATOR:<22} Curator of the historical examples")
    click.echo("Ctrl-C stops the server.")


def register_demo(app_cli: click.Group) -> None:
    """Add the command."""
    app_cli.add_command(speaking_plainly(demo))
