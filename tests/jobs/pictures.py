"""Small pictures, as bytes."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image


def picture(
    width: int = 40,
    height: int = 20,
    *,
    form: str = "JPEG",
    colour: str = "teal",
    orientation: int = 1,
) -> bytes:
    """A picture whose left half has ``colour``, as stored (before its orientation turns it)."""
    image = Image.new("RGB", (width, height), "white")
    image.paste(Image.new("RGB", (width // 2, height), colour))
    exif = Image.Exif()
    if orientation != 1:
        exif[0x0112] = orientation
    stream = io.BytesIO()
    image.save(stream, form, **({"exif": exif} if orientation != 1 else {}))
    return stream.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A tiny PNG that claims to be ``width`` by ``height``."""
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + _chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
