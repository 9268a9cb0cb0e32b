"""The API: what the pages do, for programs. One file a subject."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from jobs.errors import InvalidInput
from webapp.api import (
    assignments,
    batches,
    datasets,
    exports,
    hooks,
    installation,
    items,
    jobs,
    labels,
    plans,
    repeating,
    templates,
    workers,
)
from webapp.api.spec import described
from webapp.auth import PUBLIC, allow
from webapp.requests import carries_file

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")
for subject in (
    jobs, plans, batches, assignments, workers, items, labels, exports, datasets, templates,
    hooks, installation,
):  # fmt: skip
    blueprint.register_blueprint(subject.blueprint)


@blueprint.before_request
def read_body() -> None:
    """Refuse a body that is neither one JSON object nor a file, before anything looks at it."""
    has_body = bool(request.content_length) or "Transfer-Encoding" in request.headers
    if request.method not in ("POST", "PUT", "PATCH") or not has_body or carries_file():
        return
    if not isinstance(request.get_json(), dict):
        raise InvalidInput("body: expected a JSON object")


blueprint.before_request(repeating.look_up)
blueprint.after_request(repeating.keep)
blueprint.teardown_request(repeating.give_up)


@blueprint.get("/openapi.json")
@allow(PUBLIC)
def document() -> Response:
    """The API in OpenAPI 3.1."""
    return jsonify(described())
