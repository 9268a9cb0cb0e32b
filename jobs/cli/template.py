"""HIT templates: what a worker sees."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click

from jobs.authoring import samples
from jobs.authoring.finding import Finding
from jobs.authoring.lint import lint, lint_filled
from jobs.authoring.rows import read_rows
from jobs.cli import _door, _saved_templates
from jobs.cli._browser import with_browser
from jobs.pages import hit_page
from jobs.pages.field_template import fill, read_template
from jobs.pages.page_size import question_bytes
from jobs.records import BOXES, ImageRef, QuestionKind, TaskSpec
from jobs.specs.label_schemas import parse_schema

_PAGES = (".html", ".htm")


@click.group("template")
def group() -> None:
    """HIT templates: list, render, check, try."""


@group.command("list")
@_door.json_option
def list_templates(as_json: bool) -> None:
    """The templates that come with the product."""
    names = hit_page.template_names()
    _door.show(names, as_json, "\n".join(names))


@group.command("render")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--kind", type=click.Choice(["boxes", "tags"]), help="What a schema's page asks.")
@click.option("--attribute", "attributes", multiple=True, help="Of tags; all when not given.")
@click.option("--image", "url", help="Address of a picture, for a schema's page.")
@click.option("--width", type=_door.Whole(1), default=800, show_default=True, help="In pixels.")
@click.option("--height", type=_door.Whole(1), default=600, show_default=True, help="In pixels.")
@click.option("--template", help="A template of the product; the kind's own when not given.")
@click.option("--data", type=click.Path(path_type=Path), help="CSV or JSON lines for ${fields}.")
@click.option("--row", type=_door.Whole(1), default=1, show_default=True, help="Of the data.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Else printed.")
def render(
    path: Path,
    kind: QuestionKind | None,
    attributes: tuple[str, ...],
    url: str | None,
    width: int,
    height: int,
    template: str | None,
    data: Path | None,
    row: int,
    out: Path | None,
) -> None:
    """Render a HIT page, and say how large it is.

    PATH is a page of your own with ${fields}, filled from a row of --data, or a label schema
    whose question is asked about one --image.
    """
    text = _door.read_text(path)
    if path.suffix.lower() in _PAGES:
        html = _filled(text, data, row)
    else:
        if kind is None or url is None:
            raise click.UsageError("a schema's page needs --kind and --image")
        schema = parse_schema(text, str(path))
        asked = () if kind == BOXES else attributes or tuple(one.name for one in schema.attributes)
        image = ImageRef(item_id=0, blob_key="", url=url, width=width, height=height)
        html = hit_page.render(kind, schema, asked, [TaskSpec(0, 0, image)], template)
    size = question_bytes(html)
    if out is None:
        click.echo(html)
    else:
        out.write_text(html, encoding="utf-8")
    click.echo(f"{size:,} of 65,535 bytes", err=True)


def _filled(source: str, data: Path | None, row: int) -> str:
    """The page of one row of the data; without data, of none."""
    template = read_template(source)
    if data is None:
        return fill(template, {}, "no --data")
    rows = read_rows(_door.read_text(data), str(data))
    if row > len(rows):
        raise click.UsageError(f"{data}: expected a row from 1 to {len(rows)}, got {row}")
    return fill(template, rows[row - 1], f"{data}: row {row}")


@group.command("lint")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="CSV or JSON: its columns are compared with ${placeholders}, and row 1 fills the page.",
)
@_door.json_option
def lint_template(path: Path, data: Path | None, as_json: bool) -> None:
    """Say what is wrong with a template, why, and how to mend it; exit code 1 on an error."""
    source = _door.read_text(path)
    found = lint(source) if data is None else _linted_with(source, data)
    text = "\n".join(_described(path, finding) for finding in found) or f"{path}: nothing to mend"
    _door.show(found, as_json, text)
    if any(finding.severity == "error" for finding in found):
        sys.exit(1)


def _linted_with(source: str, data: Path) -> tuple[Finding, ...]:
    """The findings against the data's columns, and those of the first page that it fills."""
    rows = read_rows(_door.read_text(data), str(data))
    found = lint(source, samples.columns_of(rows))
    if any(one.rule == "missing-variable" for one in found):
        return found
    html = fill(read_template(source), rows[0], f"{data}: row 1")
    return (*found, *lint_filled(source, html))


def _described(path: Path, finding: Finding) -> str:
    place = f"{path}:{finding.line}:{finding.column}"
    head = f"{place}: {finding.severity} ({finding.rule}): {finding.message}"
    return f"{head}\n    Why: {finding.why}\n    Mend: {finding.mend}"


@group.command("try")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--items",
    "data",
    type=click.Path(path_type=Path),
    required=True,
    help="CSV or JSON lines: a row for each page.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("trial"),
    show_default=True,
    help="Folder for pictures of the pages and the answers.",
)
@click.option("--seed", type=_door.Whole(0), default=0, show_default=True, help="Of chance.")
@_door.json_option
def try_template(path: Path, data: Path, out: Path, seed: int, as_json: bool) -> None:
    """Do every row's page in a real browser, as a worker would; exit code 1 on a problem.

    Each page is posted on a throwaway marketplace, looked at in preview, accepted, filled and
    submitted; the answer is read back.
    """
    template = read_template(_door.read_text(path))
    rows = read_rows(_door.read_text(data), str(data))
    pages = [
        (number, fill(template, row, f"{data}: row {number}"))
        for number, row in enumerate(rows, start=1)
    ]
    browsers, trials = (
        with_browser("jobs.rehearsals.browser"),
        with_browser("jobs.authoring.trial"),
    )
    with (
        tempfile.TemporaryDirectory(prefix="hitworks-trial-") as folder,
        _door.open_marketplace()(Path(folder), _door.now) as ground,
        browsers.open_browser() as browser,
        _door.progress_bar("Rows", not as_json) as progress,
    ):
        found = []
        for one in trials.try_pages(pages, ground, browser, out, _door.now, seed):
            found.append(one)
            progress(len(found), len(pages))
    columns = ("row", "seconds", "closed in preview", "answer", "picture", "XML", "problem")
    shown = [
        (
            one.row,
            f"{one.seconds:.1f}",
            "yes" if one.is_closed_in_preview else "no",
            f"{one.answer!s:.100}",
            str(out / one.screenshot) if one.screenshot else "",
            str(out / f"row-{one.row:04}.xml") if one.answer_xml else "",
            one.problem,
        )
        for one in found
    ]
    _door.show(found, as_json, _door.table(columns, shown))
    if any(one.problem for one in found):
        sys.exit(1)


for _command in (
    _saved_templates.save,
    _saved_templates.versions,
    _saved_templates.show,
    _saved_templates.finish_trial,
):
    group.add_command(_command)
