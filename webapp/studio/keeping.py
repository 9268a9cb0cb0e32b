"""The templates there are, and their versions: who wrote what when, compared and restored."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from jobs.authoring.difference import difference
from jobs.authoring.starters import STARTERS
from jobs.pages import hit_page
from jobs.specs import saved_templates
from webapp.auth import actor, allow
from webapp.installation import now, reading, writing
from webapp.studio.forms import whole

blueprint = Blueprint("studio", __name__, url_prefix="/templates")


@blueprint.get("")
@allow("manager")
def index() -> str:
    """Every template: the product's own, and those that people here have written."""
    with reading() as session:
        saved = saved_templates.newest_of_each(session)
    own = hit_page.template_names()
    return render_template("studio/index.html", saved=saved, own=own, starters=STARTERS)


@blueprint.get("/<name>/versions")
@allow("manager")
def versions(name: str) -> str:
    """Every version of a template, the newest first."""
    with reading() as session:
        rows = saved_templates.versions(session, name)
    return render_template("studio/versions.html", name=name, rows=rows)


@blueprint.get("/<name>/compare")
@allow("manager")
def compare(name: str) -> str:
    """Two versions side by side."""
    with reading() as session:
        newest = saved_templates.find(session, name).version
        old = whole(request.args, "old", max(1, newest - 1))
        new = whole(request.args, "new", newest)
        left = saved_templates.find(session, f"{name}@{old}")
        right = saved_templates.find(session, f"{name}@{new}")
        rows = saved_templates.versions(session, name)
    lines = difference(left.source, right.source)
    return render_template(
        "studio/compare.html", name=name, left=left, right=right, rows=rows, lines=lines
    )


@blueprint.post("/<name>/restore")
@allow("manager")
def restore(name: str) -> Response:
    """An old version's text as the newest version; nothing is lost by it."""
    with writing() as session:
        old = saved_templates.find(session, f"{name}@{whole(request.form, 'version', 0)}")
        kept = saved_templates.save(
            session,
            name,
            old.page_source,
            actor=actor(),
            now=now(),
            note=f"Restored from version {old.version}",
        )
    flash(f"Version {kept.version} has the text of version {old.version}.")
    return redirect(url_for("studio.versions", name=name))
