"""The requester's web app."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from flask import Flask
from werkzeug.routing import IntegerConverter

from jobs.accounts import secret_file
from jobs.clock import database_clock
from jobs.db import open_engine, open_sessions
from jobs.resources import open_resources
from jobs.settings import Settings
from webapp import (
    adjudication,
    auth,
    dashboards,
    errors,
    headers,
    media,
    monitoring,
    requests,
    studio,
    words,
)
from webapp.api import blueprint as api
from webapp.api.strict_json import StrictJson

N_THREADS = 16  # of the server; live streams may hold at most half of them


class RowId(IntegerConverter):
    """``<int:...>`` in an address: 1 up to the largest a database holds; else it is a 404."""

    def __init__(self, url_map: Any) -> None:
        super().__init__(url_map, min=1, max=2**63 - 1)


def create_app(settings: Settings, *, clock: Callable[[], datetime] | None = None) -> Flask:
    """The web app over the installation that ``settings`` describe; its tables exist already.

    ``clock`` is the database's unless another one is given.
    """
    app = Flask(__name__)
    app.config.update(_configuration(settings))
    engine = open_engine(settings.database())
    clock = clock or database_clock(engine)
    app.extensions["hitworks"] = open_resources(settings, open_sessions(engine), clock)
    app.url_map.converters["int"] = RowId
    app.json = StrictJson(app)
    # Order matters: who may ask comes before the body is read, and the body before the form token.
    headers.install(app, settings)
    errors.install(app)
    auth.install(app)
    requests.install(app)
    words.install(app)
    if settings.log_format == "json":
        monitoring.log_requests(app)
    for blueprint in (
        auth.blueprint,
        media.blueprint,
        *dashboards.blueprints(),
        adjudication.blueprint,
        *studio.blueprints(),
        monitoring.blueprint,
        api,
    ):
        app.register_blueprint(blueprint)
    return app


def _configuration(settings: Settings) -> dict[str, Any]:
    is_https = settings.web_url().startswith("https://")
    return {
        "SECRET_KEY": secret_file(settings.data_dir / "web-secret-key"),
        "SESSION_COOKIE_NAME": "__Host-hitworks" if is_https else "hitworks",
        "SESSION_COOKIE_SECURE": is_https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=12),
        "STREAM_SECONDS": 25.0,  # then the browser asks again: a thread is never held for long
        "MAX_CONTENT_LENGTH": 2 * 1024 * 1024,
        "SEND_FILE_MAX_AGE_DEFAULT": timedelta(days=365),  # addresses change with the files
        "WTF_CSRF_ENABLED": True,
        "WTF_CSRF_CHECK_DEFAULT": False,  # webapp.auth asks for it, after the rules
        "WTF_CSRF_TIME_LIMIT": None,  # the token lives as long as the session it is bound to
        "RATELIMIT_STORAGE_URI": "memory://",
        "RATELIMIT_HEADERS_ENABLED": True,
    }
