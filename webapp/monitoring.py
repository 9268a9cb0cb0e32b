"""``/metrics`` for Prometheus, and one log line a request."""

from __future__ import annotations

import logging
import time

from flask import Blueprint, Flask, Response, g, request

from jobs.reports.metrics import CONTENT_TYPE, metrics
from webapp.auth import allow
from webapp.installation import now, reading

blueprint = Blueprint("monitoring", __name__)
_log = logging.getLogger(__name__)


@blueprint.get("/metrics")
@allow("manager", scope="read")
def show() -> Response:
    """Gauges for Prometheus; for API tokens with the scope read."""
    with reading() as session:
        return Response(metrics(session, now()), content_type=CONTENT_TYPE)


def log_requests(app: Flask) -> None:
    """Write a line for each request: the route, never its address, query, headers or body."""

    @app.before_request
    def start() -> None:
        g.started = time.monotonic()

    @app.after_request
    def write(response: Response) -> Response:
        rule = request.url_rule.rule if request.url_rule else "(none)"
        person = g.get("person")
        fields = {
            "method": request.method,
            "route": rule,
            "status": response.status_code,
            "milliseconds": round(1000 * (time.monotonic() - g.get("started", time.monotonic()))),
            "request_id": g.get("request_id", ""),
            "person_id": person.id if person else None,
        }
        _log.info("request", extra={"fields": fields})
        return response
