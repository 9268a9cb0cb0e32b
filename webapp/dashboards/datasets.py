"""Datasets: what there is to label, and the way in for more."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from jobs.datasets import import_dataset
from jobs.errors import HitworksError
from jobs.reports.datasets import dataset_items, dataset_list, dataset_summary, intakes
from webapp.auth import allow, limiter
from webapp.installation import installation, now, reading, writing
from webapp.requests import cursor, takes_upload
from webapp.uploads import received

blueprint = Blueprint("datasets", __name__, url_prefix="/datasets")

N_TILES = 60


@blueprint.get("")
@allow("manager")
def index() -> str:
    """Every dataset, and the upload form."""
    return _page()


@blueprint.post("")
@allow("manager")
@limiter.limit("30 per minute")
@takes_upload
def upload() -> Response | tuple[str, int]:
    """Take in an archive, images or a manifest; every row is accepted or refused with a reason."""
    place = installation()
    try:
        with (
            received(request.files.getlist("files"), place.settings.data_dir / "uploads") as sent,
            writing() as session,
        ):
            report = import_dataset(
                session,
                place.blobs,
                name=request.form.get("name", "").strip(),
                source=sent.source,
                format=sent.format,
                now=now(),
                licence=request.form.get("licence", "").strip(),
                item_source=request.form.get("source", "").strip(),
            )
    except HitworksError as error:
        return _page(error=str(error)), 422
    flash(f"{report.n_rows:,} files: {report.n_accepted:,} taken in, {report.n_refused:,} refused.")
    if request.form.get("then") == "new-job":
        return redirect(url_for("new_job.start", dataset=report.dataset_id))
    return redirect(url_for("datasets.dataset", dataset_id=report.dataset_id))


@blueprint.get("/<int:dataset_id>")
@allow("manager")
def dataset(dataset_id: int) -> str:
    """One dataset: its imports with every refusal, and its images."""
    with reading() as session:
        summary = dataset_summary(session, dataset_id)
        imports = intakes(session, dataset_id)
        rows = dataset_items(session, dataset_id, after=cursor(), limit=N_TILES + 1)
    return render_template(
        "datasets/dataset.html",
        dataset=summary,
        intakes=imports,
        rows=rows[:N_TILES],
        next_after=rows[N_TILES - 1].id if len(rows) > N_TILES else None,
    )


def _page(error: str = "") -> str:
    with reading() as session:
        rows = dataset_list(session)
    return render_template("datasets/index.html", rows=rows, error=error, form=request.form)
