"""Services: HIT templates that requesters keep, in versions that never change."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.db import insert_new
from jobs.errors import Conflict, InvalidInput, NotFound
from jobs.pages import hit_page, page_fields
from jobs.pages.field_template import has_fields, read_template
from jobs.pages.page_size import LARGEST_QUESTION_BYTES
from jobs.records import LabelSchema, PageLanguage, PageSource
from jobs.specs.job_specs import RouteSpec
from jobs.tables import Route, TemplateVersion

LANGUAGES: tuple[PageLanguage, ...] = ("fields", "jinja")
LONGEST_SOURCE = 2 * LARGEST_QUESTION_BYTES  # Jinja's own words are not part of the page
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}", re.ASCII)
_JINJA = re.compile(r"\{\{|\{%")
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True)
class SavedTemplate:
    """One version. ``n_versions`` counts all of its name."""

    name: str
    version: int
    n_versions: int
    language: PageLanguage
    source: str
    note: str
    created_by: str
    created_at: datetime

    @property
    def address(self) -> str:
        """What a job's route names to be shown this version for good."""
        return f"{self.name}@{self.version}"

    @property
    def page_source(self) -> PageSource:
        """The page as the renderer takes it."""
        return PageSource(self.source, self.language, self.address)


def save(
    session: Session,
    name: str,
    source: PageSource,
    *,
    actor: str,
    now: datetime,
    note: str = "",
    after: int | None = None,
) -> SavedTemplate:
    """The new version of ``name``; the newest one when its text is the same already.

    ``after`` is the version that the text was written from (0 for none): another one saved
    meanwhile is not passed over in silence.

    Raises:
        InvalidInput: for a name, language or length that no template has, or that is one of
            the product's own.
        Conflict: when ``after`` is not the newest version.

    """
    _check(name, source, note)
    newest = session.scalars(
        select(TemplateVersion)
        .where(TemplateVersion.name == name)
        .order_by(TemplateVersion.version.desc())
        .limit(1)
    ).first()
    version = newest.version if newest else 0
    if newest and (newest.source, newest.language) == (source.text, source.language):
        return _saved(newest, version)
    if after is not None and after != version:
        found = f"{newest.created_by} saved version {version}" if newest else "it has no version"
        raise Conflict(f"template {name!r}: expected version {after} to be the newest, but {found}")
    values = {
        "name": name, "version": version + 1, "language": source.language,
        "source": source.text, "note": note.strip(), "created_by": actor, "created_at": now,
    }  # fmt: skip
    number = insert_new(session, TemplateVersion, values)
    if number is None:
        raise Conflict(f"template {name!r}: version {version + 1} was saved by another just now")
    return _saved(session.get_one(TemplateVersion, number), version + 1)


def newest_of_each(session: Session) -> tuple[SavedTemplate, ...]:
    """The newest version of every saved template, by name."""
    newest = (
        select(TemplateVersion.name, func.max(TemplateVersion.version).label("version"))
        .group_by(TemplateVersion.name)
        .subquery()
    )
    rows = session.scalars(
        select(TemplateVersion)
        .join(
            newest,
            (newest.c.name == TemplateVersion.name) & (newest.c.version == TemplateVersion.version),
        )
        .order_by(TemplateVersion.name)
    )
    return tuple(_saved(row, row.version) for row in rows)


def versions(session: Session, name: str) -> tuple[SavedTemplate, ...]:
    """Every version of ``name``, newest first. NotFound when there is none."""
    rows = session.scalars(
        select(TemplateVersion)
        .where(TemplateVersion.name == name)
        .order_by(TemplateVersion.version.desc())
    ).all()
    if not rows:
        raise NotFound(f"template {name!r:.60}: no such saved template")
    return tuple(_saved(row, rows[0].version) for row in rows)


def find(session: Session, address: str) -> SavedTemplate:
    """The version that ``name@version`` says; without one, the newest. NotFound for neither."""
    name, _, wanted = address.partition("@")
    if wanted and not (wanted.isascii() and wanted.isdigit() and len(wanted) < 10):
        raise NotFound(f"template {address!r:.60}: expected a whole number after the @")
    for one in versions(session, name):
        if not wanted or one.version == int(wanted):
            return one
    raise NotFound(f"template {address!r:.60}: no such version")


def page_source(session: Session, address: str) -> PageSource | str | None:
    """What the renderer takes for a route's ``template``: our own by name, others by text."""
    if not address or address in hit_page.template_names():
        return address or None
    return find(session, address).page_source


def check_routes(session: Session, routes: Sequence[RouteSpec], schema: LabelSchema) -> None:
    """Refuse routes whose template does not exist, or cannot show what they ask.

    Raises:
        InvalidInput: naming the route.

    """
    for position, route in enumerate(routes):
        try:
            _check_route(session, route, schema)
        except (InvalidInput, NotFound) as error:
            raise InvalidInput(f"routes.{position}.hit.template: {error}") from error


def freeze(session: Session, routes: Sequence[Route]) -> None:
    """Routes that name a saved template name its newest version from now on, and only that."""
    for route in routes:
        address = route.options["hit"]["template"]
        if isinstance(page_source(session, address), PageSource) and "@" not in address:
            hit = {**route.options["hit"], "template": find(session, address).address}
            route.options = {**route.options, "hit": hit}


def guessed_language(text: str) -> PageLanguage:
    """Jinja where its brackets stand and no ``${field}`` does."""
    return "jinja" if _JINJA.search(text) and not has_fields(text) else "fields"


def _check(name: str, source: PageSource, note: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            "template name: expected a small letter, then up to 39 small letters, digits, "
            f"- and _; got {name!r:.60}"
        )
    if name in hit_page.template_names():
        raise InvalidInput(f"template {name!r}: this name belongs to one of the product's own")
    if source.language not in LANGUAGES:
        raise InvalidInput(
            f"language: expected one of {', '.join(LANGUAGES)}, got {source.language!r:.40}"
        )
    if not source.text.strip() or len(source.text) > LONGEST_SOURCE:
        raise InvalidInput(
            f"template {name!r}: expected 1 to {LONGEST_SOURCE:,} characters, "
            f"got {len(source.text):,}"
        )
    if _UNWRITABLE.search(source.text):
        raise InvalidInput(f"template {name!r}: expected text without NUL and half characters")
    if len(note) > 200:
        raise InvalidInput(f"note: expected at most 200 characters, got {len(note)}")


def _check_route(session: Session, route: RouteSpec, schema: LabelSchema) -> None:
    address = route.hit.template
    if not address or address in hit_page.template_names():
        return
    try:
        saved = find(session, address)
    except NotFound as error:
        known = [*hit_page.template_names(), *(one.name for one in newest_of_each(session))]
        raise InvalidInput(f"{error}; there are {', '.join(known)}") from error
    if saved.language != "fields":
        return
    if route.tasks_per_hit != 1:
        raise InvalidInput(
            f"{address}: a template with ${{fields}} shows one image a HIT: expected "
            f"tasks_per_hit 1, got {route.tasks_per_hit}"
        )
    asked = route.attributes or tuple(one.name for one in schema.attributes)
    page_fields.check_columns(read_template(saved.source), asked)


def _saved(row: TemplateVersion, n_versions: int) -> SavedTemplate:
    return SavedTemplate(
        name=row.name,
        version=row.version,
        n_versions=n_versions,
        language=cast(PageLanguage, row.language),
        source=row.source,
        note=row.note,
        created_by=row.created_by,
        created_at=row.created_at,
    )
