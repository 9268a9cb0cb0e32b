"""What the API takes and gives about exports."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, RootModel

from jobs.exporting.exports import LONGEST_NAME, Count
from jobs.reports.exports import ExportRow
from webapp.api.shapes import Strict


class ExportChoices(Strict):
    """Which labels, and what goes with them: all that the format holds but images, if not said.

    ``classes`` leaves pictures with such a box, and such boxes only; ``tags`` are
    attribute=value: any of one attribute, all of several. Archives may hold the images.
    """

    format: Annotated[str, Field(max_length=40)]
    kind: Literal["", "boxes", "tags"] = ""
    classes: Annotated[list[Annotated[str, Field(max_length=400)]], Field(max_length=200)] = Field(
        default_factory=list
    )
    tags: Annotated[list[Annotated[str, Field(max_length=400)]], Field(max_length=5000)] = Field(
        default_factory=list
    )
    min_confidence: Annotated[float, Field(ge=0, le=1)] = 0.0
    only_decided: bool = False
    with_confidence: bool | None = None
    with_provenance: bool | None = None
    with_licence: bool | None = None
    with_images: bool | None = None


class NewExport(ExportChoices):
    """An export to make; it gets a name when none is given."""

    name: Annotated[str, Field(max_length=LONGEST_NAME)] = ""


class Exports(BaseModel):
    """Exports of a job, newest first."""

    rows: tuple[ExportRow, ...]
    next: int | None


class ExportOut(RootModel[ExportRow]):
    """One export."""


class ExportCount(RootModel[Count]):
    """How many labels an export would hold, of all final labels of the job."""
