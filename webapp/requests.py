"""What every request must look like before a view reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from flask import Flask, current_app, request

from jobs.errors import InvalidInput

View = TypeVar("View", bound=Callable[..., Any])

UPLOAD_BYTES = 1024 * 1024 * 1024
UPLOAD_PARTS = 20_000


def takes_upload(view: View) -> View:
    """Let a view receive a dataset: more bytes and parts than other forms."""
    view.takes_upload = True  # type: ignore[attr-defined]
    return view


def install(app: Flask) -> None:
    """Refuse text no database holds, whichever field it comes in."""
    app.before_request_funcs.setdefault(None, []).insert(0, _widen_uploads)
    app.before_request(_check_text)


def carries_file() -> bool:
    """Whether the view that is asked takes files."""
    view = current_app.view_functions.get(request.endpoint or "")
    return bool(getattr(view, "takes_upload", False))


def _widen_uploads() -> None:
    if carries_file():
        request.max_content_length = UPLOAD_BYTES
        request.max_form_parts = UPLOAD_PARTS


def _check_text() -> None:
    if request.endpoint == "static":
        return
    _refuse_unstorable("address", (request.path,))
    _refuse_unstorable("query", _texts(request.args))
    if not request.path.startswith("/api/"):
        _refuse_unstorable("form", _texts(request.form))


def _texts(fields: Any) -> Iterable[str]:
    for name, value in fields.items(multi=True):
        yield name
        yield value


def _refuse_unstorable(where: str, texts: Iterable[str]) -> None:
    for text in texts:
        if not is_storable(text):
            raise InvalidInput(f"{where}: expected text without NUL and half characters")


def is_storable(text: str) -> bool:
    """Whether every database keeps this text: no NUL, no lone surrogate."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def is_own_path(address: str) -> bool:
    """Whether a browser sent to this address stays here: a plain path, not another host's name."""
    is_path = address.startswith("/") and not address.startswith(("//", "/\\"))
    return is_path and address.isprintable() and len(address) < 500


def cursor(name: str = "after") -> int:
    """The row id after which a keyset page starts; 0 for the first page."""
    text = request.args.get(name, "0") or "0"
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise InvalidInput(
            f"{name}: expected a whole number from the previous page, got {text!r:.40}"
        )
    return int(text)


def whole_number(name: str, *, low: int, high: int, default: int | None = None) -> int:
    """A whole number of the form, within bounds."""
    text = request.form.get(name, "").strip()
    if not text and default is not None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 15 and low <= int(text) <= high):
        raise InvalidInput(
            f"{name}: expected a whole number from {low:,} to {high:,}, got {text!r:.40}"
        )
    return int(text)
