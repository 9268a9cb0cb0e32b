"""How much room a HIT's page takes as the question of a venue."""

from __future__ import annotations

LARGEST_QUESTION_BYTES = 65_535
# HTMLQuestion's tags, namespace and frame height around the page, with room to spare.
ENVELOPE_BYTES = 400


def question_bytes(html: str) -> int:
    """Most bytes that ``html`` takes as an HTMLQuestion; each ``]]>`` splits a CDATA section."""
    return len(html.encode()) + 12 * html.count("]]>") + ENVELOPE_BYTES
