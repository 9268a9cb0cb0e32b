"""What acts take and give, and what is looked at before them; money goes in as text."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field, RootModel

from jobs.accounts import Person
from jobs.hits.orders import OrderPreview
from jobs.planning.amending import Amendment
from jobs.rehearsals.saved import SavedRehearsal
from jobs.reports.assignments import Affected, AssignmentRow
from jobs.reports.batches import BatchRow
from jobs.reports.findings import FindingRow, LastLook, PauseSwitch
from jobs.reports.habits import Habits
from jobs.reports.health import Health
from jobs.reports.history import ChangeRow
from jobs.reports.money import RouteCost
from jobs.reports.pace import Finish, Throughput
from jobs.reports.spending import Spending
from jobs.reports.totals import DayTotal, WorkerTotal
from jobs.reviewing.reversals import ReversalPreview
from jobs.specs.job_specs import JobSpec
from jobs.spending.limits import Limits
from jobs.workers.rejecting import RejectionPreview
from jobs.workers.standing import ExclusionPreview, Standing
from webapp.api.shapes import LARGEST_ID, PageQuery, Strict

Words = Annotated[str, Field(min_length=1, max_length=1024)]
Usd = Annotated[str, Field(max_length=20)]


class Why(Strict):
    """A reason, kept with the act; of a decision, what the worker is told."""

    reason: Words


class Approval(Strict):
    """``reason`` is a word to the worker."""

    reason: Annotated[str, Field(max_length=1024)] = ""


class Rejection(Strict):
    """What the worker is told; ``without_evidence`` where nothing measured speaks against them."""

    reason: Words
    without_evidence: bool = False


class NewBonus(Strict):
    """Whole cents in US dollars; the same ``key`` pays once."""

    amount: Usd
    reason: Words
    key: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9_-]+$")]


class More(Strict):
    """How many further answers each HIT of the batch is asked for."""

    n_more: Annotated[int, Field(ge=1, le=1000)]


class MoreQuery(BaseModel):
    """The same, looked at first."""

    n_more: Annotated[int, Field(ge=1, le=1000)]


class Longer(Strict):
    """Until when HITs that end sooner are shown to workers."""

    until: Annotated[AwareDatetime, Field(strict=False)]


class NewTerms(Strict):
    """What may change of a job under way; what is left out stays."""

    name: Annotated[str, Field(max_length=200)] | None = None
    sure_at: Annotated[float, Field(ge=0, le=1)] | None = None
    max_extra_answers: Annotated[int, Field(ge=0, le=20)] | None = None
    review: Literal["approve", "screen"] | None = None
    second_look: Literal["asked", "sampled", "always"] | None = None
    share: Annotated[float, Field(ge=0, le=1)] | None = None
    disputes: Literal["anyone", "manager"] | None = None


class Changes(BaseModel):
    """What was changed; ``next`` is the ``after`` of the next page."""

    rows: tuple[ChangeRow, ...]
    next: int | None


class NewPlan(RootModel[JobSpec]):
    """A whole job file as JSON, in place of a draft's."""


class Score(Strict):
    """A qualification of your own and its score; null takes it away."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    value: Annotated[int, Field(ge=0, le=2**31 - 1)] | None
    reason: Words


class NewLetter(Strict):
    """What the worker reads."""

    subject: Annotated[str, Field(min_length=1, max_length=200)]
    text: Annotated[str, Field(min_length=1, max_length=4096)]


class Note(Strict):
    """What was found out about a finding."""

    note: Annotated[str, Field(min_length=1, max_length=1000)]


class NewLimits(Strict):
    """An environment's cap and limit of an hour in US dollars; null takes it away."""

    cap: Usd | None
    hourly: Usd | None


class NewPerson(Strict):
    """Somebody who may sign in; their password is in the reply, once."""

    email: Annotated[str, Field(min_length=3, max_length=320)]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    role: Annotated[str, Field(max_length=20)]


class PersonChange(Strict):
    """A person's role, and whether they may sign in."""

    role: Annotated[str, Field(max_length=20)]
    is_active: bool


class NewRehearsal(Strict):
    """How much is rehearsed; what is left out is as on the page."""

    items: Annotated[int, Field(ge=1, le=LARGEST_ID)] | None = None
    runs: Annotated[int, Field(ge=2, le=LARGEST_ID)] | None = None


class WorkQuery(PageQuery):
    """A job's submitted work, by state and worker."""

    state: Literal["", "Submitted", "Approved", "Rejected"] = ""
    worker_id: Annotated[int, Field(ge=1, le=LARGEST_ID)] | None = None


class FindingQuery(BaseModel):
    """Open findings, or those resolved."""

    state: Literal["open", "resolved"] = "open"


class Asked(BaseModel):
    """What the background will do: how many HITs or workers it is about."""

    asked: str
    n: int


class Batches(BaseModel):
    """The batches of a job, oldest first."""

    rows: tuple[BatchRow, ...]


class Order(RootModel[OrderPreview]):
    """What further answers would cost at most, and which HITs cannot grow."""


class Amended(RootModel[Amendment]):
    """What new terms change."""


class Plan(RootModel[dict[str, Any]]):
    """A job as its job file says it."""


class Work(BaseModel):
    """Submitted work by id."""

    rows: tuple[AssignmentRow, ...]
    next: int | None


class Assignment(RootModel[Affected]):
    """One assignment, and how its worker fares in the job."""


class RejectionSeen(RootModel[RejectionPreview]):
    """Whom a rejection touches, and what speaks against them."""


class ReversalSeen(RootModel[ReversalPreview]):
    """Whom taking a rejection back pays, and until when it can be done."""


class WorkerHabits(BaseModel):
    """How a worker answers, by kind of question."""

    rows: tuple[Habits, ...]


class Exclusion(RootModel[ExclusionPreview]):
    """What keeping a worker out would change."""


class Standings(BaseModel):
    """Every change of a worker's standing, the newest first."""

    rows: tuple[Standing, ...]


class Progress(BaseModel):
    """When the job will be done, how fast answers come, how spending grew."""

    finish: Finish
    throughput: Throughput
    spending: tuple[Spending, ...]


class Totals(BaseModel):
    """A job's money by route, by day of UTC, and by worker: the hundred paid most."""

    routes: tuple[RouteCost, ...]
    days: tuple[DayTotal, ...]
    workers: tuple[WorkerTotal, ...]


class Findings(BaseModel):
    """Differences with the venues, and when they were last looked for."""

    rows: tuple[FindingRow, ...]
    last_look: LastLook


class Installation(BaseModel):
    """The machinery, the switch that stops paid calls, and each environment's limits."""

    health: Health
    switch: PauseSwitch
    limits: tuple[Limits, ...]


class LimitsOut(RootModel[Limits]):
    """An environment's limits and what is used of them."""


class People(BaseModel):
    """Everybody who may sign in."""

    rows: tuple[Person, ...]


class PersonOut(RootModel[Person]):
    """One person."""


class NewPersonOut(BaseModel):
    """A person with a fresh password; it is null in a repeat of the call."""

    person: Person
    password: str | None


class Rehearsal(BaseModel):
    """A draft's last rehearsal; null before the first."""

    rehearsal: SavedRehearsal | None
