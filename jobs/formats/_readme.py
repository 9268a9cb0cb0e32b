"""What an archive says of itself in plain words, from its facts alone: no clock, no guess."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Counts = Mapping[str, int]

NOT_STATED = ""  # a licence or source that the dataset does not name
_WIDTH = 24

_MEMBERS = {
    "Annotations/": "one Pascal VOC file an image: corners in pixels of the upright image",
    "JPEGImages/": "the images",
    "labels/": "one YOLO file an image: class number, centre and size in shares of the image",
    "images/": "the images",
    "data.yaml": "the class names, in the order of their numbers",
    "items.csv": "which item each file stands for; its hash, size and what is known of it",
    "provenance.jsonl": "who voted with what weight, by which method; workers by pseudonym",
    "LICENCES.txt": "what the dataset states of licences and sources",
    "export.json": "the facts of this page, for programs",
    "README.txt": "this page",
}


def readme_text(facts: Mapping[str, Any], members: Iterable[str]) -> str:
    """The page that opens an archive: what is in it, how it was chosen and made."""
    schema = facts["schema"]
    heads = {
        "Job": facts["job"],
        "Dataset": facts["dataset"],
        "Label schema": f"{schema['name']} version {schema['version']}",
        "Format": facts["format"],
        "Labels": f"{facts['n_labels']:,} of {facts['n_pictures']:,} pictures",
        "Chosen": "; ".join(facts["chosen"]) or "every final label",
        "With": ", ".join(facts["included"]) or "the labels alone",
    }
    lines = [f"{title + ':':<14}{_one_line(said)}" for title, said in heads.items()]
    for title, key in (
        ("Boxes by class", "boxes_by_class"),
        ("Labels by origin", "labels_by_origin"),
        ("Labels by method and version", "labels_by_method"),
    ):
        lines += _counted(title, facts[key])
    folders = {f"{name.partition('/')[0]}/" if "/" in name else name for name in members}
    lines += ["", "Files:"]
    lines += [
        f"  {name:<{_WIDTH}}{said}"
        for name, said in _MEMBERS.items()
        if name in {*folders, "README.txt"}
    ]
    return "Labels made with HITworks.\n\n" + "\n".join(lines) + "\n"


def licences_text(facts: Mapping[str, Any]) -> str:
    """Licences and sources as the dataset states them, with how many pictures each covers."""
    said = facts["licences"]
    lines = [
        "What the dataset states of the pictures in this archive. Nothing here is a guess:",
        "where the dataset is silent, ask whoever gave you the pictures before you share them.",
        "",
    ]
    for licence in sorted(said, key=lambda name: (name == NOT_STATED, name)):
        n_pictures = sum(said[licence].values())
        lines.append(f"{_one_line(licence) or 'No licence stated'}: {n_pictures:,} pictures")
        lines += [
            f"  source: {_one_line(source) or 'not stated'} ({n:,})"
            for source, n in sorted(said[licence].items())
        ]
    if facts["n_sources_left_out"]:
        lines.append(f"{facts['n_sources_left_out']:,} more pictures have sources of their own.")
    lines += ["", "items.csv names the licence and source of each file."]
    return "\n".join(lines) + "\n"


def _counted(title: str, counts: Counts) -> list[str]:
    if not counts:
        return []
    return ["", f"{title}:"] + [
        f"  {_one_line(name) or 'not stated':<{_WIDTH}}{n:,}" for name, n in sorted(counts.items())
    ]


def _one_line(text: str) -> str:
    """``text`` without line breaks or characters that would hide what follows."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
