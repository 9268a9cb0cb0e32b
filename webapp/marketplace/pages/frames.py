"""Which frame the page being answered may hold, and the other headers of worker pages."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response, g

from webapp.marketplace.market import Market

_NOBODY = "'none'"
_OWN_PICTURES = "'self' data:"


def allow_frame(market: Market, address: str) -> None:
    """Let this response hold a frame with the page at ``address``, and the answer to its form."""
    parts = urlsplit(address)
    g.frame_sources = f"'self' {market.content_origin} {parts.scheme}://{parts.netloc}"


def allow_own_frame() -> None:
    """Let this response stand in the frame of a page of ours."""
    g.frame_ancestors = "'self'"


def allow_pictures() -> None:
    """Let this response show pictures from anywhere."""
    g.picture_sources = "'self' data: https: http:"


def guard(response: Response) -> Response:
    """The response with the headers of a page that runs no script but ours."""
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    if response.mimetype != "text/html":
        return response
    response.headers.setdefault(
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        f"img-src {g.get('picture_sources', _OWN_PICTURES)}; "
        f"frame-src {g.get('frame_sources', _NOBODY)}; "
        f"frame-ancestors {g.get('frame_ancestors', _NOBODY)}; "
        "form-action 'self'; base-uri 'none'",
    )
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    if not response.headers.get("Cache-Control"):
        response.headers["Cache-Control"] = "no-store"
    response.vary.add("Cookie")
    return response
