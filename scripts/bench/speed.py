"""Prints CPU time and memory of the tag and box methods, beside the peers that are installed.

    python -m scripts.bench.speed [--answers 1e5 1e6] [--items 10000]

Ratios between rows of one run say more than the seconds, which depend on the machine.
"""

from __future__ import annotations

import argparse

from scripts.bench import speed_boxes, speed_tags, versions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--answers", nargs="*", default=["1e5", "1e6"])
    parser.add_argument("--items", nargs="*", default=["10000"])
    options = parser.parse_args()
    print(versions.line(), flush=True)
    print("\n# Tags", flush=True)
    speed_tags.main(["--answers", *options.answers])
    print("\n# Boxes", flush=True)
    speed_boxes.main(["--items", *options.items])


if __name__ == "__main__":
    main()
