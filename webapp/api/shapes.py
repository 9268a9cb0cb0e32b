"""What the API takes and gives. Money is whole micro-dollars; times are ISO 8601 in UTC."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from jobs.adjudication.reasons import LABEL_REASONS, NO_LABEL_REASONS
from jobs.adjudication.reserving import Look
from jobs.adjudication.values import WAYS
from jobs.hooks import DeliveryRow, HookRow
from jobs.planning.estimating import Estimate
from jobs.records import PageLanguage
from jobs.reports import ItemView, JobReport, JobSummary, LedgerLine, WorkerRow
from jobs.reports.conflicts import ConflictRow
from jobs.reports.datasets import DatasetSummary, SchemaRow
from jobs.reports.decisions import Decided, DecisionRow, SetAsideRow
from jobs.reports.intakes import IntakeReport, RefusedRow
from jobs.reports.items import ItemRow
from jobs.reports.labels import LabelRow
from jobs.specs.job_specs import JobSpec
from jobs.specs.label_schemas import SchemaModel
from jobs.specs.saved_templates import LONGEST_SOURCE, SavedTemplate

LARGEST_ID = 2**63 - 1
LabelReason = Literal[*LABEL_REASONS]  # type: ignore[valid-type]
NoLabelReason = Literal[*NO_LABEL_REASONS]  # type: ignore[valid-type]
Note = Annotated[str, Field(max_length=500)]
Version = Annotated[int, Field(ge=0, le=10**9)]
Place = Annotated[str, Field(max_length=60)]


class Strict(BaseModel):
    """A body or query that refuses what it does not know."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class PageQuery(BaseModel):
    """``after`` is the ``next`` of the page before; 0 starts."""

    model_config = ConfigDict(extra="forbid")
    after: Annotated[int, Field(ge=0, le=LARGEST_ID)] = 0
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class ItemQuery(PageQuery):
    """A page of items, filtered; ``state`` is that of the question, ``tag`` is attribute=option."""

    kind: Literal["", "boxes", "tags"] = ""
    state: Literal[
        "", "open", "sure", "conflict", "adjudicated", "set_aside", "second_look", "disputed"
    ] = ""
    most_confidence: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    most_agreement: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    worker_id: Annotated[int, Field(ge=1, le=LARGEST_ID)] | None = None
    route_id: Annotated[int, Field(ge=1, le=LARGEST_ID)] | None = None
    class_name: Annotated[str, Field(max_length=400)] = ""
    tag: Annotated[str, Field(max_length=400)] = ""


class NewJob(RootModel[JobSpec]):
    """A job file as JSON; money is text such as "0.05"."""


class NewSchema(RootModel[SchemaModel]):
    """A label schema as JSON."""


class NewImport(Strict):
    """What is imported into which dataset; ``place`` is an s3:// address or an allowed folder."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    place: Annotated[str, Field(max_length=1000)] = ""
    licence: Annotated[str, Field(max_length=2000)] = ""
    source: Annotated[str, Field(max_length=2000)] = ""


class PieceQuery(BaseModel):
    """Which file of the import the body belongs to, and where in it."""

    model_config = ConfigDict(extra="forbid")
    path: Annotated[str, Field(min_length=1, max_length=1000)]
    offset: Annotated[int, Field(ge=0, le=LARGEST_ID)] = 0


class NewTemplate(Strict):
    """A page as its author wrote it; ``after`` is the version it was written from, 0 for none."""

    source: Annotated[str, Field(min_length=1, max_length=LONGEST_SOURCE)]
    language: PageLanguage
    note: Annotated[str, Field(max_length=200)] = ""
    after: Annotated[int, Field(ge=0, le=10**9)] | None = None


class BoxSource(Strict):
    """What a box of a decision was made from: answers by id, none where it was drawn."""

    how: Literal[*WAYS]  # type: ignore[valid-type]
    answers: Annotated[list[Annotated[int, Field(ge=1, le=LARGEST_ID)]], Field(max_length=100)]


class NewLabel(Strict):
    """A person's decision. ``expected_version`` is the newest they saw; 0 when there was none.

    ``sources`` may say what each box was made from: drawn, taken, corrected or merged, and
    from which answers.
    """

    value: dict[str, Any]
    reason: LabelReason
    note: Note = ""
    sources: Annotated[list[BoxSource], Field(max_length=2000)] | None = None
    expected_version: Version


class NewSetAside(Strict):
    """No label for this question, and why; it stays out of exports."""

    reason: NoLabelReason
    note: Note = ""
    expected_version: Version


class NewSecondLook(Strict):
    """Another person must decide; ``note`` tells them why, ``value`` is a draft of the asker's."""

    note: Annotated[str, Field(min_length=1, max_length=500)]
    value: dict[str, Any] | None = None
    expected_version: Version


class TakenBack(Strict):
    """The version whose act is taken back: the newest."""

    expected_version: Version


class BroughtBack(Strict):
    """The version whose value returns; ``expected_version`` is the newest that was seen."""

    version: Annotated[int, Field(ge=1, le=10**9)]
    expected_version: Version


class NewReservation(Strict):
    """``take_over`` takes the question from somebody who is still looking; ``leave`` frees it."""

    act: Literal["look", "take_over", "leave"] = "look"


class NextQuestion(Strict):
    """Which queue to take from; ``after`` is the ``place`` of a question that was skipped."""

    job_id: Annotated[int, Field(ge=1, le=LARGEST_ID)] | None = None
    kind: Literal["", "boxes", "tags"] = ""
    state: Literal["", "conflict", "second_look", "disputed"] = ""
    about: Annotated[str, Field(max_length=400)] = ""
    after: Place = ""


class ConflictQuery(BaseModel):
    """A page of questions that want a person; ``after`` is the ``next`` of the page before."""

    model_config = ConfigDict(extra="forbid")
    job_id: Annotated[int, Field(ge=1, le=LARGEST_ID)] | None = None
    kind: Literal["", "boxes", "tags"] = ""
    state: Literal["", "conflict", "second_look", "disputed"] = ""
    about: Annotated[str, Field(max_length=400)] = ""
    after: Place = ""
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class SetAsideQuery(PageQuery):
    """A page of questions that were set aside, for one reason or for any."""

    reason: Literal["", *NO_LABEL_REASONS] = ""  # type: ignore[valid-type]


class Launch(Strict):
    """``confirm`` is the job's name, typed by a person: asked for where money is real."""

    confirm: Annotated[str, Field(max_length=200)] = ""


class NewBudget(Strict):
    """A new cap; the same ``key`` changes it once."""

    budget: Annotated[str, Field(max_length=20)]
    key: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._:-]+$")]


class NewHook(Strict):
    """Where to tell of events, and of which; of all when none is named."""

    url: Annotated[str, Field(min_length=1, max_length=2000)]
    events: Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=50)] = []


class ErrorBody(BaseModel):
    """What happened; ``missing_micros`` is what a budget lacks."""

    code: str
    message: str
    request_id: str
    missing_micros: int | None = None


class Problem(BaseModel):
    """The one envelope of every error."""

    error: ErrorBody


class JobPage(BaseModel):
    """Jobs, newest first; ``next`` is the ``after`` of the following page, null at the end."""

    rows: tuple[JobSummary, ...]
    next: int | None


class ItemPage(BaseModel):
    """Items by id."""

    rows: tuple[ItemRow, ...]
    next: int | None


class LabelPage(BaseModel):
    """Newest labels by id."""

    rows: tuple[LabelRow, ...]
    next: int | None


class LedgerPage(BaseModel):
    """Transactions, newest first."""

    rows: tuple[LedgerLine, ...]
    next: int | None


class Workers(BaseModel):
    """Who answered, a row a kind of question; ``next`` is the ``after`` of the next page."""

    rows: tuple[WorkerRow, ...]
    next: int | None


class Datasets(BaseModel):
    """Every dataset, newest first."""

    rows: tuple[DatasetSummary, ...]


class Imports(BaseModel):
    """Imports into a dataset, newest first."""

    rows: tuple[IntakeReport, ...]


class Import(RootModel[IntakeReport]):
    """One import: its progress, its counts, its facts."""


class PieceKept(BaseModel):
    """The size of the file so far."""

    size: int


class RefusedPage(BaseModel):
    """Refused rows by number."""

    rows: tuple[RefusedRow, ...]
    next: int | None


class Schemas(BaseModel):
    """The newest version of each label schema."""

    rows: tuple[SchemaRow, ...]


class Templates(BaseModel):
    """Saved templates, each with its text."""

    rows: tuple[SavedTemplate, ...]


class SavedTemplateOut(RootModel[SavedTemplate]):
    """One version of a saved template."""


class Hooks(BaseModel):
    """The hooks in force."""

    rows: tuple[HookRow, ...]


class Hook(RootModel[HookRow]):
    """One hook."""


class NewHookOut(BaseModel):
    """A hook just made; ``secret`` is null in a repeat of the call."""

    hook: HookRow
    secret: str | None


class Deliveries(BaseModel):
    """What was sent to a hook, newest first."""

    rows: tuple[DeliveryRow, ...]
    next: int | None


class Delivery(RootModel[DeliveryRow]):
    """One event on its way to a hook."""


class Job(RootModel[JobReport]):
    """One job with its numbers."""


class Cost(RootModel[Estimate]):
    """Likely and worst cost of a draft."""


class Item(RootModel[ItemView]):
    """One item with every answer."""


class Label(RootModel[Decided]):
    """A label version just written; it counts once the ``state`` is adjudicated or sure."""


class Reservation(BaseModel):
    """Who looks at a question, and until when; null once you have left it."""

    look: Look | None


class Conflicts(BaseModel):
    """Questions that want a person, worst first; ``next`` is the ``after`` of the next page."""

    rows: tuple[ConflictRow, ...]
    next: str | None


class Next(BaseModel):
    """The question that is yours now; null when none is left."""

    question: ConflictRow | None


class Decisions(BaseModel):
    """What people did about an item's questions, newest first."""

    rows: tuple[DecisionRow, ...]


class SetAsides(BaseModel):
    """Questions set aside; ``by_reason`` counts all of the job's."""

    by_reason: dict[str, int]
    rows: tuple[SetAsideRow, ...]
    next: int | None


class SchemaOut(RootModel[SchemaRow]):
    """One version of a label schema."""
