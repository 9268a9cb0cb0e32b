"""Templates that are kept in the database: saved, listed, shown, tried for the studio."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import click

from jobs import db
from jobs.authoring import saved_trials
from jobs.cli import _door
from jobs.cli._browser import with_browser
from jobs.errors import HitworksError
from jobs.records import PageSource
from jobs.rehearsals.robots import Ground
from jobs.rehearsals.way_out import open_way
from jobs.settings import Settings
from jobs.specs import saved_templates


@click.command("save")
@click.argument("name")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--language",
    type=click.Choice(saved_templates.LANGUAGES),
    help="Of its placeholders; read from the page when not given.",
)
@click.option("--note", default="", help="What changed.")
@_door.json_option
@_door.settings_of
def save(
    settings: Settings, name: str, path: Path, language: Any, note: str, as_json: bool
) -> None:
    """Keep the page at PATH as a new version of the template NAME.

    A job's route names it as NAME, for the newest version at its launch, or as NAME@VERSION.
    The same text twice is one version.
    """
    text = _door.read_text(path)
    source = PageSource(text, language or saved_templates.guessed_language(text))
    with _door.writing(settings) as session:
        kept = saved_templates.save(
            session, name, source, actor=_door.actor(), now=_door.now(), note=note
        )
    _door.show(kept, as_json, f"{kept.address} ({kept.language})")


@click.command("versions")
@click.argument("name")
@_door.json_option
@_door.settings_of
def versions(settings: Settings, name: str, as_json: bool) -> None:
    """Who saved which version of a template, and when; the newest first."""
    with _door.reading(settings) as session:
        rows = saved_templates.versions(session, name)
    columns = ("version", "saved", "by", "characters", "note")
    shown = [
        (one.version, f"{one.created_at:%Y-%m-%d %H:%M}", one.created_by, len(one.source), one.note)
        for one in rows
    ]
    _door.show(rows, as_json, _door.table(columns, shown))


@click.command("show")
@click.argument("address", metavar="NAME[@VERSION]")
@_door.settings_of
def show(settings: Settings, address: str) -> None:
    """Print a saved template; the newest version when none is named."""
    with _door.reading(settings) as session:
        click.echo(saved_templates.find(session, address).source, nl=False)


@click.command("finish-trial")
@click.argument("trial_id", type=_door.ROW_ID)
@_door.settings_of
def finish_trial(settings: Settings, trial_id: int) -> None:
    """Do the pages of a trial that the template studio has begun, and keep what came of them.

    The studio starts this itself. A trial that has ended is left alone.
    """
    with _door.resources(settings) as place:
        with db.reading(place.sessions) as session:
            pages = saved_trials.pages_of(session, trial_id)
        problem = ""
        try:
            browsers, trials = (
                with_browser("jobs.rehearsals.browser"),
                with_browser("jobs.authoring.trial"),
            )
            with (
                tempfile.TemporaryDirectory(prefix="hitworks-trial-") as name,
                _door.open_marketplace()(Path(name), _door.now) as ground,
                open_way() as way_out,
                browsers.open_browser(way_out, _own(settings, ground)) as browser,
            ):
                folder = Path(name)
                for one in trials.try_pages(pages, ground, browser, folder, _door.now):
                    with db.transaction(place.sessions) as session:
                        saved_trials.add_results(session, trial_id, [one], folder, place.blobs)
        except HitworksError as error:
            problem = str(error)
        with db.transaction(place.sessions) as session:
            saved_trials.end_trial(session, trial_id, _door.now(), problem)
    click.echo(f"trial {trial_id}: {problem or 'done'}")


def _own(settings: Settings, ground: Ground) -> tuple[str, ...]:
    """What a page on trial may ask for though it lies within: the HIT and the pictures."""
    images = (settings.web_url(), settings.s3_endpoint_url)
    return tuple(filter(None, (ground.url, ground.content_url, *images)))
