"""Image bytes: whole at signed addresses for workers' browsers, small for the app's own pages."""

from __future__ import annotations

from flask import Blueprint
from werkzeug.wrappers import Response

from jobs.blobs import THUMBNAIL_WIDTHS, media_type_of
from jobs.errors import NotFound
from webapp.auth import PUBLIC, allow
from webapp.installation import installation

blueprint = Blueprint("media", __name__)

_FOR_A_YEAR = "private, max-age=31536000, immutable"


@blueprint.get("/media/<signature>/<path:key>")
@allow(PUBLIC)
def image(signature: str, key: str) -> Response:
    """An image whose address we signed; whoever has the address may see it, from any site."""
    blobs = installation().blobs
    if not blobs.verify(signature, key):
        raise NotFound("There is no image at this address.")
    response = _picture(blobs.read(key), media_type_of(key))
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@blueprint.get("/images/<path:key>")
@allow("adjudicator")
def whole(key: str) -> Response:
    """A whole image for the app's own pages, wherever the store lies: no other host is asked."""
    return _picture(installation().blobs.read(key), media_type_of(key))


@blueprint.get("/thumbnails/<int:width>/<path:key>")
@allow("adjudicator")
def thumbnail(width: int, key: str) -> Response:
    """A small copy of an image, for people who may see items."""
    if width not in THUMBNAIL_WIDTHS:
        raise NotFound("There is no image at this address.")
    return _picture(installation().blobs.thumbnail(key, width), "image/jpeg")


def _picture(data: bytes, media_type: str) -> Response:
    """The bytes under the type we decided at import, which no browser may doubt or run."""
    response = Response(data, mimetype=media_type)
    response.headers["Content-Disposition"] = "inline"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cache-Control"] = _FOR_A_YEAR
    return response
