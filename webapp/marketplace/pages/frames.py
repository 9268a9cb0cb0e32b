"""Which frame the page being answered may hold, and the other headers of worker pages."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response, g, request

from webapp.marketplace.market import Market

_NOBODY, _OWN = "'none'", "'self'"
_OWN_MEDIA = "'self' data:"


def allow_frame(market: Market, address: str) -> None:
    """Let this response hold a frame with the page at ``address``, and the answer to its form."""
    parts = urlsplit(address)
    g.frame_sources = f"'self' {market.content_origin} {parts.scheme}://{parts.netloc}"


def allow_media() -> None:
    """Let this response show pictures and play sound and film from anywhere."""
    g.media_sources = "'self' data: https: http:"


def is_in_frame() -> bool:
    """Whether the page being answered stands in the frame of a page of ours."""
    return request.blueprint == "submissions"


def guard(response: Response) -> Response:
    """The response with the headers of a page that runs no script but ours."""
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    if response.mimetype != "text/html":
        return response
    media = g.get("media_sources", _OWN_MEDIA)
    response.headers.setdefault(
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        f"img-src {media}; media-src {media}; "
        f"frame-src {g.get('frame_sources', _NOBODY)}; "
        f"frame-ancestors {_OWN if is_in_frame() else _NOBODY}; "
        "form-action 'self'; base-uri 'none'",
    )
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    if not response.headers.get("Cache-Control"):
        response.headers["Cache-Control"] = "no-store"
    response.vary.add("Cookie")
    return response
