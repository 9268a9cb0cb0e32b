"""How a label came about, as strangers may read it: workers by pseudonym, no ids of ours."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.tables import Worker

# What may leave the house as it is; a key that nobody has thought of stays here.
_PLAIN = (
    "method",
    "n_answers",
    "answers_sha256",
    "attributes",
    "doubted",
    "reason",
    "n_people",
    "second_look",
    "reverted_to",
)


def public_provenance(
    provenance: Mapping[str, Any], pseudonyms: Mapping[int, str]
) -> dict[str, Any]:
    """How the label came about, without ids of our database or of the venue.

    Voters stand in the order of their pseudonyms; where an object lists the answers that
    drew it, the export lists their workers.
    """
    voters = provenance.get("voters", [])
    worker_of = {voter["answer"]: pseudonyms[voter["worker"]] for voter in voters}
    public = {key: provenance[key] for key in _PLAIN if key in provenance}
    if voters:
        named = [
            {"worker": worker_of[voter["answer"]]}
            | {key: voter[key] for key in ("provider", "weight") if key in voter}
            for voter in voters
        ]
        public["voters"] = sorted(named, key=lambda voter: (voter["worker"], str(voter)))
    if "boxes" in provenance:
        public["boxes"] = [_with_workers(found, worker_of) for found in provenance["boxes"]]
    return public


def of_classes(
    provenance: Mapping[str, Any], value: Mapping[str, Any], classes: Iterable[str]
) -> dict[str, Any]:
    """What of a box label's provenance is about boxes of these classes; ``value`` is whole."""
    wanted, boxes = set(classes), value["boxes"]
    kept = dict(provenance)
    if len(kept.get("boxes", ())) == len(boxes):
        pairs = zip(kept["boxes"], boxes, strict=True)
        kept["boxes"] = [found for found, box in pairs if box["label"] in wanted]
    if "doubted" in kept:
        kept["doubted"] = [one for one in kept["doubted"] if one["box"]["label"] in wanted]
    return kept


def pseudonyms(
    session: Session, key: str, provenances: Iterable[Mapping[str, Any]]
) -> dict[int, str]:
    """A name for each voter: with one key always the same, with another key another."""
    ids = {voter["worker"] for provenance in provenances for voter in provenance.get("voters", ())}
    rows = session.execute(
        select(Worker.id, Worker.provider, Worker.provider_worker_id).where(Worker.id.in_(ids))
    )
    return {
        worker_id: "w-"
        + hmac.new(key.encode(), f"{provider}/{name}".encode(), hashlib.sha256).hexdigest()[:16]
        for worker_id, provider, name in rows
    }


def _with_workers(found: Mapping[str, Any], worker_of: Mapping[int, str]) -> dict[str, Any]:
    public = {key: value for key, value in found.items() if key != "answers"}
    return {**public, "workers": sorted(worker_of[answer] for answer in found.get("answers", ()))}
