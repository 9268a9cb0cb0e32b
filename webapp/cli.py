"""The ``hitworks`` command: the nouns of ``jobs.cli`` and the programs that serve."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click
import waitress
from sqlalchemy.exc import DataError

from jobs.accounts import first_run_token
from jobs.cli import _door, groups
from jobs.errors import HitworksError, InvalidInput, ProviderError
from jobs.installation import logs
from jobs.installation.lifeline import end_with_launcher
from jobs.rehearsals.robots import Ground
from jobs.settings import Settings, read_settings
from webapp import N_THREADS, create_app, stack
from webapp.marketplace.options import read_options
from webapp.marketplace.serving import serve

BAD_INPUT, FAILED, INTERRUPTED = 2, 1, 130
FORM_RATES = "1200/minute"  # of one worker: no person's pace, and no flood either
# A file or folder that somebody named and that is not what the command needs.
_WRONG_PATHS = (
    FileExistsError,
    FileNotFoundError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the database, images and exports; else HITWORKS_DATA_DIR.",
)
@click.version_option(package_name="hitworks")
@click.pass_context
def hitworks(context: click.Context, data_dir: Path | None) -> None:
    """Crowdsourced image labeling: slice datasets into HITs, collect, agree, keep the books."""
    settings = context.obj or read_settings()
    if data_dir is not None:
        settings = settings.model_copy(update={"data_dir": data_dir.resolve()})
    context.obj = settings
    context.meta[_door.MARKETPLACE] = throwaway_marketplace


for _name, _group in groups().items():
    hitworks.add_command(_group, _name)


@hitworks.command()
@click.option("--workers", type=_door.Whole(0, 64), help="Background worker processes.")
@click.pass_obj
def up(settings: Settings, workers: int | None) -> None:
    """Start everything on this machine: queue, web app, marketplace, background workers."""
    if workers is not None:
        settings = settings.model_copy(update={"n_background_workers": workers})
    _door.prepare(settings)
    with stack.stop_on_signals() as should_stop, stack.Stack(settings, click.echo) as running:
        click.echo(f"Dashboard: {web_address(settings)}")
        click.echo(f"Worker pages: {settings.local_mturk()}/worker")
        click.echo(f"Logs: {settings.data_dir / 'logs'}   Ctrl-C ends everything.")
        running.supervise(should_stop)
    click.echo("Ended.")


@hitworks.command()
@click.pass_obj
def web(settings: Settings) -> None:
    """Serve the requester's web app."""
    end_with_launcher()
    _door.prepare(settings)
    logs.set_up(settings)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # waitress then ends its threads
    waitress.serve(
        create_app(settings),
        host=settings.web_host,
        port=settings.web_port,
        threads=N_THREADS,
        ident=None,
    )


@hitworks.command()
@click.option("--port", type=_door.Whole(1, 65535), help="Port of the API and worker pages.")
@click.option("--content-port", type=_door.Whole(1, 65535), help="Port of HIT pages.")
@click.option(
    "--strict",
    is_flag=True,
    help="Verify every signature, refuse unknown access keys; else HITWORKS_MARKETPLACE_STRICT.",
)
@click.option(
    "--option",
    "pairs",
    multiple=True,
    metavar="NAME=VALUE",
    help="How it behaves, such as settling_seconds=15; goes before HITWORKS_MARKETPLACE_OPTIONS.",
)
@click.pass_obj
def marketplace(
    settings: Settings,
    port: int | None,
    content_port: int | None,
    strict: bool,
    pairs: tuple[str, ...],
) -> None:
    """Serve the local marketplace: MTurk's API for boto3, pages for workers."""
    try:
        options = read_options(
            (*settings.marketplace_options.split(), *pairs),
            strict=strict or settings.marketplace_strict,
            form_rates=FORM_RATES,
        )
    except ValueError as error:
        raise InvalidInput(f"marketplace option {error}") from error
    end_with_launcher()
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (
        stack.stop_on_signals() as should_stop,
        serve(
            database_url=settings.marketplace_database(),
            secret_file=settings.data_dir / "marketplace-secrets.json",
            host=settings.marketplace_host,
            port=port or settings.marketplace_port,
            content_port=content_port or settings.content_port,
            worker_origin=settings.marketplace_public_url.rstrip("/"),
            content_origin=settings.content_public_url.rstrip("/"),
            options=options,
        ) as running,
    ):
        click.echo(f"API and worker pages: {running.url}   HIT pages: {running.content_url}")
        while not should_stop():
            time.sleep(0.2)


@contextmanager
def throwaway_marketplace(folder: Path, clock: Callable[[], datetime]) -> Iterator[Ground]:
    """A marketplace of its own on free ports, its rows in ``folder``, until the block ends."""
    with serve(
        database_url=f"sqlite:///{folder / 'marketplace.sqlite'}",
        secret_file=folder / "marketplace-secrets.json",
        clock=clock,
    ) as running:
        yield Ground(running.url, running.content_url, running.market.secrets.admin_token)


def web_address(settings: Settings) -> str:
    """The dashboard's address; on a fresh installation the one that makes the first account."""
    with _door.reading(settings) as session:
        token = first_run_token(session, settings.data_dir)
    if token is None:
        return settings.web_url()
    return f"{settings.web_url()}/first-run  (first-run token: {token})"


def main(arguments: list[str] | None = None) -> None:
    """The door: an expected error is one line and exit code 2 (a venue's is 1)."""
    as_json = "--json" in (sys.argv[1:] if arguments is None else arguments)
    try:
        hitworks.main(arguments, prog_name="hitworks", standalone_mode=False)
    except click.ClickException as error:
        if as_json:
            _complain(error.format_message(), as_json)
        else:
            error.show()
        sys.exit(BAD_INPUT)
    except HitworksError as error:
        _complain(str(error), as_json)
        sys.exit(FAILED if isinstance(error, ProviderError) else BAD_INPUT)
    except (DataError, OverflowError, UnicodeError):
        _complain("the command holds a number or text that cannot be stored", as_json)
        sys.exit(BAD_INPUT)
    except _WRONG_PATHS as error:
        _complain(f"{error.filename}: {error.strerror}", as_json)
        sys.exit(BAD_INPUT)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone
        sys.exit(FAILED)


def _complain(message: str, as_json: bool) -> None:
    click.echo(json.dumps({"error": message}) if as_json else f"Error: {message}", err=True)


if __name__ == "__main__":
    main()
