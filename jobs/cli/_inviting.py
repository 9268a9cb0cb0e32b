"""Links that let an outside crowd work on the local marketplace."""

from __future__ import annotations

from typing import Any

import click

from jobs.cli import _door
from jobs.marketplace_accounts import invite, local_hit_type, read_admin_token
from jobs.settings import Settings

_DAY = 86_400


@click.command("invite")
@click.option("--uses", type=_door.Whole(1, 1_000_000), help="People it lets in.  [default: 1]")
@click.option("--days", type=_door.Whole(1, 366), default=7, show_default=True, help="Its life.")
@click.option("--qualification", metavar="ID", help="Qualification type that newcomers are given.")
@_door.json_option
@_door.settings_of
def invite_worker(
    settings: Settings, uses: int | None, days: int, qualification: str | None, as_json: bool
) -> None:
    """Make a link at which somebody makes their own account."""
    given = {"kind": "account", "max_uses": uses, "qualification_type_id": qualification}
    _show(settings, given, days, as_json)


@click.command("study")
@click.argument("batch_id", type=_door.ROW_ID)
@click.option("--hits", type=_door.Whole(1, 10_000), default=1, show_default=True,
              help="HITs after which somebody is done.")  # fmt: skip
@click.option("--code", help="Completion code they get; else one is made.")
@click.option(
    "--redirect", metavar="URL", help="Where they go on to; {id} and {code} are filled in."
)
@click.option("--parameter", default="PROLIFIC_PID", show_default=True,
              help="Name of their id in the link's address.")  # fmt: skip
@click.option("--uses", type=_door.Whole(1, 1_000_000), help="People it lets in.  [default: 1000]")
@click.option("--days", type=_door.Whole(1, 366), default=7, show_default=True, help="Its life.")
@_door.json_option
@_door.settings_of
def study(
    settings: Settings,
    batch_id: int,
    hits: int,
    code: str | None,
    redirect: str | None,
    parameter: str,
    uses: int | None,
    days: int,
    as_json: bool,
) -> None:
    """Make a link to a batch's HITs for participants of another platform, who need no account."""
    with _door.reading(settings) as session:
        hit_type_id = local_hit_type(session, batch_id)
    given = {
        "kind": "study",
        "hit_type_id": hit_type_id,
        "n_hits": hits,
        "completion_code": code,
        "redirect_url": redirect,
        "visitor_parameter": parameter,
        "max_uses": uses,
    }
    _show(settings, given, days, as_json)


def _show(settings: Settings, given: dict[str, Any], days: int, as_json: bool) -> None:
    body = {name: value for name, value in given.items() if value is not None}
    token = read_admin_token(settings.data_dir)
    url = invite(settings.local_mturk(), token, {**body, "expires_seconds": days * _DAY})
    _door.show({"url": url}, as_json, url)
