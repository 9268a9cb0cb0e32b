"""Build the demo's dataset: real photos that come inside installed packages, cut into views.

    python scripts/demo_photos.py FOLDER

``scripts/demo_data/photos.json`` names each photo's package, file, SHA-256, licence and
credit, and the views cut from it. The photos themselves are not part of the project.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import node
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "scripts/demo_data"
CACHE = ROOT / "var/photos"
ORIENTATION = 0x0112  # the EXIF tag
UNDO = {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}


def build(folder: Path) -> Path:
    """The folder filled with views and ``manifest.jsonl``; the manifest's path."""
    described = json.loads((DATA / "photos.json").read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    photos = {name: read_photo(source) for name, source in described["sources"].items()}
    lines = []
    for view in described["views"]:
        source = described["sources"][view["source"]]
        (folder / view["name"]).write_bytes(cut(photos[view["source"]], view))
        lines.append(
            {
                "path": view["name"],
                "licence": source["licence"],
                "source": f"{source['credit']}; from {source.get('python') or source['npm']}",
                "photo": view["source"],
            }
        )
    manifest = folder / "manifest.jsonl"
    manifest.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return manifest


def read_photo(source: dict[str, Any]) -> Image.Image:
    """The photo as its package holds it, checked against its SHA-256."""
    data = _from_python(source) if "python" in source else _from_npm(source)
    found = hashlib.sha256(data).hexdigest()
    if found != source["sha256"]:
        raise SystemExit(f"{source['file']}: expected SHA-256 {source['sha256']}, got {found}")
    return Image.open(io.BytesIO(data)).convert("RGB")


def cut(photo: Image.Image, view: dict[str, Any]) -> bytes:
    """A view as JPEG; some are stored turned, as cameras do, with an EXIF note to turn back."""
    piece = photo.crop(tuple(view["crop"]))
    size = (piece.width * view["scale"], piece.height * view["scale"])
    piece = piece.resize(size, Image.Resampling.LANCZOS)
    exif = Image.Exif()
    if "orientation" in view:
        exif[ORIENTATION] = view["orientation"]
        piece = piece.transpose(UNDO[view["orientation"]])
    stream = io.BytesIO()
    piece.save(stream, "JPEG", quality=90, exif=exif)
    return stream.getvalue()


def _from_python(source: dict[str, Any]) -> bytes:
    spec = importlib.util.find_spec(source["python"])
    if spec is None or spec.origin is None:
        raise SystemExit(f"the package {source['python']} is missing: run scripts/install")
    return (Path(spec.origin).parent / source["file"]).read_bytes()


def _from_npm(source: dict[str, Any]) -> bytes:
    """One file of an npm package that is fetched alone, without its dependencies."""
    kept = CACHE / f"{source['sha256']}{Path(source['file']).suffix}"
    if kept.is_file():
        return kept.read_bytes()
    with tempfile.TemporaryDirectory() as scratch:
        node.run_npm("pack", "--silent", source["npm"], folder=Path(scratch))
        (archive,) = Path(scratch).glob("*.tgz")
        with tarfile.open(archive) as opened:
            member = opened.extractfile(f"package/{source['file']}")
            data = member.read() if member else b""
    if hashlib.sha256(data).hexdigest() == source["sha256"]:
        CACHE.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(data)
    return data


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(build(Path(sys.argv[1])))
