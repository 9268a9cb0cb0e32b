"""Model files that a job may name: those in one folder of the server, and no others."""

from __future__ import annotations

from pathlib import Path

from jobs.errors import InvalidInput


def find_model(models: Path | None, named: Path, tagger: str) -> Path:
    """Where the file that a job names lies: a path in ``models``, with every link followed.

    An absolute path may be given where it lies in the folder. Whether anything is there is for
    the caller to find out, and to refuse as ``no_model`` does.

    Raises:
        InvalidInput: for any other path, by its text alone or by where its links lead.

    """
    try:
        found = None if models is None else _inside(models, named)
    except (OSError, ValueError, RuntimeError):  # too long, a NUL, links in a circle
        found = None
    if found is None:
        raise no_model(named, tagger)
    return found


def no_model(named: Path, tagger: str) -> InvalidInput:
    """The same words whatever lies there: a job's author learns nothing of the server's files."""
    return InvalidInput(
        f"tagger {tagger}: {str(named)!r:.200}: no such model in the server's folder of models. "
        "Models belong into HITWORKS_MODELS_DIR, by default the folder models in the data folder; "
        "expected the path of one in it"
    )


def _inside(models: Path, named: Path) -> Path | None:
    """The file, unless it lies elsewhere; what lies elsewhere is not even looked at."""
    root = models.resolve()
    if ".." in named.parts:
        return None
    if named.is_absolute() and not any(named.is_relative_to(one) for one in _names_of(models)):
        return None
    found = (root / named).resolve()
    return found if found.is_relative_to(root) else None


def _names_of(models: Path) -> tuple[Path, Path]:
    """The folder as it was named, and as it is found."""
    return models.absolute(), models.resolve()
