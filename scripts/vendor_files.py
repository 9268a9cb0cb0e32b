"""Copy the browser libraries that pages load, with their licences, into git-ignored folders.

``scripts/vendor.json`` names each file, where it goes and the SHA-256 it must have. A file
that is in place already is left alone.

    python scripts/vendor_files.py           copies what is missing
    python scripts/vendor_files.py --print   the hashes of what lies in node_modules
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOTICES = "LICENCES.txt"


def entries() -> list[dict[str, object]]:
    listed: list[dict[str, object]] = json.loads((ROOT / "scripts/vendor.json").read_text())
    return listed


def copy_files(root: Path = ROOT) -> int:
    """How many files were copied; any file with another hash than stated is refused."""
    n_copied = 0
    for entry in entries():
        source = root / "node_modules" / str(entry["package"]) / str(entry["file"])
        for folder in entry["into"]:  # type: ignore[attr-defined]
            target = root / folder / source.name
            if target.is_file() and _sha256(target) == entry["sha256"]:
                continue
            if not source.is_file():
                raise SystemExit(f"{source} is missing: run scripts/install")
            if _sha256(source) != entry["sha256"]:
                raise SystemExit(f"{source}: SHA-256 {_sha256(source)}, not the one stated")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            n_copied += 1
    for folder in sorted({str(f) for entry in entries() for f in entry["into"]}):  # type: ignore[attr-defined]
        _write_notices(root, folder)
    return n_copied


def _write_notices(root: Path, folder: str) -> None:
    packages = {str(e["package"]) for e in entries() if folder in e["into"]}  # type: ignore[operator]
    text = "\n".join(_notice(root, name) for name in sorted(_with_dependencies(root, packages)))
    target = root / folder / NOTICES
    if not target.is_file() or target.read_text(encoding="utf-8") != text:
        target.write_text(text, encoding="utf-8")


def _with_dependencies(root: Path, packages: set[str]) -> set[str]:
    """Bundled files carry their dependencies, and so must their licences."""
    found: set[str] = set()
    waiting = set(packages)
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= set(_described(root, name).get("dependencies", {})) - found
    return found


def _notice(root: Path, package: str) -> str:
    described = _described(root, package)
    folder = root / "node_modules" / package
    texts = list(_licence_texts(folder)) or [_stated_elsewhere(package)]
    title = f"{package} {described['version']} ({described.get('license', 'no licence stated')})"
    return "\n".join([title, "=" * len(title), "", *texts, ""])


def _licence_texts(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("[Ll][Ii][Cc][Ee][Nn][CcSs][Ee]*")):
        yield path.read_text(encoding="utf-8").strip() + "\n"


def _stated_elsewhere(package: str) -> str:
    """The licence text of a package that names its licence but does not carry it."""
    for family, file in {"@annotorious/": "annotorious"}.items():
        if package.startswith(family):
            text = (ROOT / f"scripts/licences/{file}.txt").read_text(encoding="utf-8")
            return text.strip() + "\n"
    raise SystemExit(f"{package} carries no licence file: add it to scripts/licences")


def _described(root: Path, package: str) -> dict[str, dict[str, str]]:
    path = root / "node_modules" / package / "package.json"
    described: dict[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
    return described


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    if sys.argv[1:] == ["--print"]:
        for one in entries():
            path = ROOT / "node_modules" / str(one["package"]) / str(one["file"])
            print(_sha256(path), one["package"], one["file"])
    else:
        print(f"Browser libraries: {copy_files()} files copied, {len(entries())} in place")
