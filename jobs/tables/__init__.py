"""Tables without verbs. Rules live in the services; constraints and triggers guard them."""

from jobs.tables.adjudication import Decision as Decision
from jobs.tables.adjudication import Reservation as Reservation
from jobs.tables.adjudication import SecondLook as SecondLook
from jobs.tables.answers import (
    Answer as Answer,
)
from jobs.tables.answers import (
    Assignment as Assignment,
)
from jobs.tables.answers import (
    RawSubmission as RawSubmission,
)
from jobs.tables.answers import (
    Worker as Worker,
)
from jobs.tables.answers import (
    WorkerScore as WorkerScore,
)
from jobs.tables.background import Sweep as Sweep
from jobs.tables.background import Work as Work
from jobs.tables.base import Base as Base
from jobs.tables.campaigns import (
    Batch as Batch,
)
from jobs.tables.campaigns import (
    Hit as Hit,
)
from jobs.tables.campaigns import (
    HitTask as HitTask,
)
from jobs.tables.campaigns import (
    Job as Job,
)
from jobs.tables.campaigns import (
    Route as Route,
)
from jobs.tables.campaigns import (
    Task as Task,
)
from jobs.tables.changes import JobChange as JobChange
from jobs.tables.counts import Facet as Facet
from jobs.tables.counts import GoldResult as GoldResult
from jobs.tables.counts import Refit as Refit
from jobs.tables.counts import StaleQuestion as StaleQuestion
from jobs.tables.counts import Tally as Tally
from jobs.tables.datasets import (
    Dataset as Dataset,
)
from jobs.tables.datasets import (
    GoldAnswer as GoldAnswer,
)
from jobs.tables.datasets import (
    Intake as Intake,
)
from jobs.tables.datasets import (
    IntakeFile as IntakeFile,
)
from jobs.tables.datasets import (
    Item as Item,
)
from jobs.tables.datasets import (
    SchemaVersion as SchemaVersion,
)
from jobs.tables.hooks import Hook as Hook
from jobs.tables.hooks import HookDelivery as HookDelivery
from jobs.tables.hooks import KeptReply as KeptReply
from jobs.tables.labels import Consensus as Consensus
from jobs.tables.labels import Export as Export
from jobs.tables.labels import ExportPage as ExportPage
from jobs.tables.labels import Label as Label
from jobs.tables.labels import PseudonymKey as PseudonymKey
from jobs.tables.money import (
    Account as Account,
)
from jobs.tables.money import (
    Balance as Balance,
)
from jobs.tables.money import (
    Extension as Extension,
)
from jobs.tables.money import (
    Finding as Finding,
)
from jobs.tables.money import (
    Installation as Installation,
)
from jobs.tables.money import (
    Intent as Intent,
)
from jobs.tables.money import (
    LedgerEntry as LedgerEntry,
)
from jobs.tables.money import (
    LedgerTransaction as LedgerTransaction,
)
from jobs.tables.money import (
    Switch as Switch,
)
from jobs.tables.people import ApiToken as ApiToken
from jobs.tables.people import User as User
from jobs.tables.rehearsals import Rehearsal as Rehearsal
from jobs.tables.sketches import JobSketch as JobSketch
from jobs.tables.standing import Exclusion as Exclusion
from jobs.tables.standing import Letter as Letter
from jobs.tables.standing import LetterCopy as LetterCopy
from jobs.tables.standing import OwnQualification as OwnQualification
from jobs.tables.standing import Reversal as Reversal
from jobs.tables.standing import StandingChange as StandingChange
from jobs.tables.templates import TemplateTrial as TemplateTrial
from jobs.tables.templates import TemplateVersion as TemplateVersion
