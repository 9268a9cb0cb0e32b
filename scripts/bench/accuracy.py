"""Prints how right the tag and box methods are, beside the peers that are installed.

    python -m scripts.bench.accuracy --data FOLDER [--seeds 3]

FOLDER holds ``tags`` (see accuracy_tags) and ``boxes`` (see accuracy_boxes). The peers come
with the extra ``bench``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from scripts.bench import accuracy_boxes, accuracy_tags, versions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3, help="draws of box workers")
    options = parser.parse_args()
    print(versions.line(), flush=True)
    print("\n# Tags")
    accuracy_tags.main(["--data", str(options.data / "tags")])
    print("\n# Boxes")
    boxes = ["--data", str(options.data / "boxes"), "--seeds", str(options.seeds)]
    accuracy_boxes.main(boxes)


if __name__ == "__main__":
    main()
