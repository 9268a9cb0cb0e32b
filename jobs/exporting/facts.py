"""What a file of labels says of itself: counted while it is written, without a clock. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from jobs.exporting.choices import in_words
from jobs.exporting.records import Snapshot
from jobs.formats import LICENCE, LabelRecord
from jobs.records import BOXES

FACTS_VERSION = 1
MOST_SOURCES = 1000  # named one by one; a source for each picture stands in the table of items


class Summary:
    """Counts of the records that went through ``counted``."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self.n_labels = 0
        self._n_pictures = 0
        self._by_kind: Counter[str] = Counter()
        self._by_origin: Counter[str] = Counter()
        self._by_method: Counter[str] = Counter()
        self._by_class: Counter[str] = Counter()
        self._licences: dict[str, Counter[str]] = defaultdict(Counter)
        self._n_sources = self._n_sources_left_out = 0

    def counted(self, records: Iterable[LabelRecord]) -> Iterator[LabelRecord]:
        """The records on their way; those of one picture come one after the other."""
        last = ""
        for record in records:
            self.n_labels += 1
            self._by_kind[record.kind] += 1
            self._by_origin[record.origin] += 1
            if method := record.provenance.get("method"):
                self._by_method[str(method)] += 1
            if record.kind == BOXES:
                self._by_class.update(box["label"] for box in record.value["boxes"])
            if record.sha256 != last:
                last = record.sha256
                self._n_pictures += 1
                self._note_rights(record)
            yield record

    def facts(self) -> dict[str, Any]:
        """The facts of the whole file, once every record has gone through."""
        snapshot = self._snapshot
        rights = {
            "licences": {name: _sorted(n) for name, n in sorted(self._licences.items())},
            "n_sources_left_out": self._n_sources_left_out,
        }
        return {
            "made_with": "HITworks",
            "facts_version": FACTS_VERSION,
            "job": snapshot.job_name,
            "dataset": snapshot.dataset,
            "schema": {
                "name": snapshot.schema.name,
                "version": snapshot.schema_version,
                "sha256": snapshot.schema_sha256,
            },
            "format": snapshot.choices.format,
            "filters": asdict(snapshot.choices.filters),
            "chosen": in_words(snapshot.choices.filters),
            "included": list(snapshot.choices.included),
            "n_labels": self.n_labels,
            "n_pictures": self._n_pictures,
            "labels_by_kind": _sorted(self._by_kind),
            "labels_by_origin": _sorted(self._by_origin),
            "labels_by_method": _sorted(self._by_method),
            "boxes_by_class": _sorted(self._by_class),
        } | (rights if LICENCE in snapshot.choices.included else {})

    def _note_rights(self, record: LabelRecord) -> None:
        sources = self._licences[record.licence]
        if record.source in sources or self._n_sources < MOST_SOURCES:
            self._n_sources += record.source not in sources
            sources[record.source] += 1
        else:
            self._n_sources_left_out += 1


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items()))
