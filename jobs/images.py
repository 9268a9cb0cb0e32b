"""Facts about image bytes, decided by decoding them: never by a file's name or header alone."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

from jobs.errors import InvalidInput

LARGEST_PIXELS = 100_000_000
LARGEST_BYTES = 64 * 1024 * 1024

# Pillow warns above this and raises above twice this; the warning must not come earlier.
Image.MAX_IMAGE_PIXELS = LARGEST_PIXELS

MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
}
SUFFIXES = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/gif": "gif"}

_DECODERS = ("JPEG", "PNG", "WEBP", "GIF")
_ORIENTATION = 0x0112
_SIDEWAYS = (5, 6, 7, 8)
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# What Pillow's decoders were seen to raise on hostile bytes.
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    ArithmeticError,
    LookupError,
    AttributeError,
    EOFError,
    MemoryError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
    UserWarning,  # of odd metadata, where warnings are errors
)


@dataclass(frozen=True)
class ImageFacts:
    """Width and height are those of the EXIF-upright picture, as browsers show it."""

    sha256: str
    width: int
    height: int
    media_type: str
    is_turned: bool = False
    """Whether EXIF says that the picture lies otherwise than its pixels."""


def inspect_image(data: bytes) -> ImageFacts:
    """Facts of a JPEG, PNG, WebP or GIF whose pixels all decode (an animation's first frame).

    Raises:
        InvalidInput: for another format, an unreadable or truncated file, or one too large.

    """
    image = _open(data)
    width, height = image.size
    media_type = MEDIA_TYPES[image.format or ""]
    # A JPEG decoded at an eighth still reads all its data, with a 64th of the memory.
    image.draft("RGB", (1, 1))
    _decode(image)
    orientation = _orientation(image)
    if orientation in _SIDEWAYS:
        width, height = height, width
    digest = hashlib.sha256(data).hexdigest()
    return ImageFacts(digest, width, height, media_type, orientation != 1)


def open_upright(data: bytes) -> Image.Image:
    """The decoded RGB picture, turned as its EXIF orientation says; raises InvalidInput."""
    image = _open(data)
    _decode(image)
    return _upright(image).convert("RGB")


def browser_file(data: bytes) -> bytes:
    """The bytes to store, so that every browser shows the size that ``inspect_image`` says.

    Browsers agree on a JPEG's orientation, but not on a PNG's or WebP's (Chromium leaves a
    WebP as it lies): such a picture is turned here, without loss. All others stay as they are.
    """
    image = _open(data)
    form = image.format
    if form not in ("PNG", "WEBP"):
        return data
    _decode(image)
    if _orientation(image) == 1:
        return data
    stream = io.BytesIO()
    _upright(image).save(stream, form, **({"lossless": True} if form == "WEBP" else {}))
    return stream.getvalue()


def bare_copy(data: bytes, side: int) -> tuple[bytes, str]:
    """The upright pixels alone, at most ``side`` in width and height, and their media type.

    Nothing else of the file is left: no place, no camera, nothing behind its end.
    """
    lossy = _open(data).format in ("JPEG", "MPO")
    image = open_upright(data)
    image.thumbnail((side, side))
    bare = Image.new("RGB", image.size)
    bare.paste(image)
    stream = io.BytesIO()
    if lossy:
        bare.save(stream, "JPEG", quality=90)
        return stream.getvalue(), "image/jpeg"
    bare.save(stream, "PNG")
    return stream.getvalue(), "image/png"


def cut_tile(data: bytes, tile: tuple[int, int, int, int]) -> tuple[bytes, str]:
    """The upright pixels of ``tile`` (left, top, right, bottom) and their media type.

    The same image and tile give the same bytes. A JPEG's tile is a JPEG of high quality,
    any other image's tile a lossless PNG.
    """
    lossy = _open(data).format in ("JPEG", "MPO")
    piece = open_upright(data).crop(tile)
    stream = io.BytesIO()
    if lossy:
        piece.save(stream, "JPEG", quality=95, subsampling=0)
        return stream.getvalue(), "image/jpeg"
    piece.save(stream, "PNG")
    return stream.getvalue(), "image/png"


def thumbnail(data: bytes, width: int) -> bytes:
    """A JPEG of the upright picture at most ``width`` pixels wide (and four times as high)."""
    image = _open(data)
    turned = _orientation(image) in _SIDEWAYS
    bounds = (width * 4, width) if turned else (width, width * 4)
    image.draft("RGB", bounds)
    _decode(image)
    upright = _upright(image).convert("RGB")
    upright.thumbnail((width, width * 4))
    stream = io.BytesIO()
    upright.save(stream, "JPEG", quality=85)
    return stream.getvalue()


def _open(data: bytes) -> Image.Image:
    if len(data) > LARGEST_BYTES:
        raise InvalidInput(f"image: expected at most {LARGEST_BYTES:,} bytes, got {len(data):,}")
    try:
        image = Image.open(io.BytesIO(data), formats=_DECODERS)
    except UnidentifiedImageError as error:
        raise InvalidInput(
            "image: expected a JPEG, PNG, WebP or GIF, got something else"
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InvalidInput(_too_large()) from error
    except _DECODER_ERRORS as error:
        raise InvalidInput(f"image: damaged or truncated ({error!s:.120})") from error
    if image.width * image.height > LARGEST_PIXELS:
        raise InvalidInput(_too_large())
    return image


def _decode(image: Image.Image) -> None:
    """Load every pixel: only that finds a truncated file."""
    try:
        image.load()
    except _DECODER_ERRORS as error:
        raise InvalidInput(f"image: damaged or truncated ({error!s:.120})") from error


def _orientation(image: Image.Image) -> int:
    """1 to 8, from EXIF alone, as browsers do; metadata that cannot be read turns nothing."""
    exif = Image.Exif()
    try:
        # Not getexif(): that would obey XMP too.
        exif.load(image.info.get("exif") or b"")
        value = exif.get(_ORIENTATION, 1)
    except _DECODER_ERRORS:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _upright(image: Image.Image) -> Image.Image:
    turn = _TURNS.get(_orientation(image))
    return image if turn is None else image.transpose(turn)


def _too_large() -> str:
    return f"image: expected at most {LARGEST_PIXELS:,} pixels, got more"
