"""Venues where answers come from: one a file, found by name.

A provider never sees our database: a rendered page arrives in a ``HitSpec``, raw
fields leave in a ``Submission``. Every vendor error leaves as a ``ProviderError``.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from types import ModuleType
from typing import Any, Protocol, cast

from jobs.blobs import Blobs
from jobs.errors import InvalidInput
from jobs.records import Bonus, Environment, HitSpec, Identity, PostedHit, Quote, Submission
from jobs.settings import Settings
from quality.folders import load_module, module_names

STAFF, HOME = "inhouse", "local"


class People(Protocol):
    """Who works at a venue's account. Every call but ``notify`` may be repeated freely."""

    def own_qualification(self, name: str, description: str) -> str:
        """The id of the account's own qualification type ``name``, made when it is missing."""

    def qualify(self, qualification: str, provider_worker_id: str, value: int) -> None:
        """Give the worker the qualification with this score; nobody is written to."""

    def disqualify(self, qualification: str, provider_worker_id: str) -> None:
        """Take the qualification away; not held already is success."""

    def block(self, provider_worker_id: str, reason: str) -> None:
        """Keep the worker out of every HIT of the account; the venue tells them."""

    def unblock(self, provider_worker_id: str, reason: str) -> None:
        """Lift the block; not blocked already is success."""

    def notify(self, provider_worker_ids: Sequence[str], subject: str, text: str) -> dict[str, str]:
        """Write to at most 100 workers; what the venue says of each it could not write to.

        A repeat writes twice: this is for the caller to make once.
        """

    def subscribe(self, provider_hit_type_id: str, queue_url: str) -> bool:
        """Have news of the HIT type sent to the queue; False where the venue cannot reach it."""


class Trace(threading.local):
    """The venue's own ids of this thread's latest calls: one that changes things, one that reads.

    Support at the venue finds a call by its id; our books keep it beside each payment.
    """

    changed: str = ""
    read: str = ""

    def clear(self) -> None:
        """Forget earlier calls, before one whose id is wanted."""
        self.changed = self.read = ""

    @property
    def latest(self) -> str:
        """The id of the call that made the effect, or of the one that told of it."""
        return self.changed or self.read


class Provider(Protocol):
    """One venue. Every call may be repeated; each states what a repeat does."""

    name: str
    has_pages: bool
    """Whether people see a rendered page."""
    trace: Trace

    @property
    def people(self) -> People | None:
        """The account's workers; None where nobody works."""

    def identity(self) -> Identity:
        """Environment, endpoint, account and balance in use."""

    def balance(self) -> int | None:
        """What the account can still spend; None where nothing is paid from one."""

    def quote(self, spec: HitSpec) -> Quote:
        """Reward and fee of one HIT, never under what the venue can charge for it."""

    def publish(self, spec: HitSpec) -> PostedHit:
        """The posted HIT; the same ``spec.token`` never posts a second one."""

    def find(self, marker: str) -> PostedHit | None:
        """The HIT that carries ``marker``, looked up at the venue itself."""

    def get(self, provider_hit_id: str) -> PostedHit:
        """The HIT's state now."""

    def fetch(self, posted: PostedHit, spec: HitSpec) -> Iterator[Submission]:
        """Every submission of the HIT so far, to the last page; a repeat gives the same."""

    def extend(self, provider_hit_id: str, target_assignments: int, token: str) -> PostedHit:
        """The HIT with at least ``target_assignments`` slots; a repeat adds none."""

    def prolong(self, provider_hit_id: str, until: datetime) -> PostedHit:
        """The HIT, open to workers until ``until`` at least; a repeat changes nothing."""

    def expire(self, provider_hit_id: str) -> PostedHit:
        """The HIT, no longer open to new workers."""

    def delete(self, provider_hit_id: str) -> None:
        """The HIT disposed of; already gone is success."""

    def approve(self, provider_assignment_id: str, feedback: str) -> str:
        """The assignment's state after the call, as the venue holds it."""

    def reject(self, provider_assignment_id: str, reason: str) -> str:
        """The assignment's state after the call, as the venue holds it."""

    def reverse(self, provider_assignment_id: str, feedback: str) -> str:
        """The state after approving work that was rejected; Approved already stays Approved."""

    def bonus(
        self,
        provider_worker_id: str,
        provider_assignment_id: str,
        amount_micros: int,
        reason: str,
        token: str,
    ) -> None:
        """The bonus paid once; the same token never pays a second one."""

    def bonuses(self, provider_assignment_id: str) -> Iterator[Bonus]:
        """Bonuses the venue lists for one assignment."""

    def hits(self) -> Iterator[PostedHit]:
        """Every HIT of the account; those that carry a marker of ours are ours."""

    def cost_of_work(self, spec: HitSpec, submission: Submission) -> int:
        """Micro-dollars owed for one approved submission, without the venue's fee.

        MTurk: the reward. In-house: time worked at the wage. Model: compute per item.
        """

    def fee_of(self, spec: HitSpec, cost_micros: int) -> int:
        """The venue's fee on one approved submission."""


def names() -> tuple[str, ...]:
    """Names of the providers, sorted."""
    return module_names(sys.modules[__name__])


def environment_of(name: str, environment: str) -> str:
    """The environment of the account used: staff work on the local marketplace in every job."""
    return HOME if name == STAFF else environment


def check_options(name: str, options: dict[str, Any]) -> None:
    """Refuse, before a job is made, options that the provider ``name`` does not take.

    Each file offers ``check_options(options)``, which connects to nothing.

    Raises:
        InvalidInput: for an unknown name, or an option with what was expected of it.

    """
    _module(name).check_options(options)


def connect(
    name: str,
    environment: Environment,
    options: dict[str, Any],
    *,
    settings: Settings,
    blobs: Blobs,
    now: Callable[[], datetime],
) -> Provider:
    """The provider ``name``, ready to call. Each file offers ``connect`` with these arguments.

    Raises:
        InvalidInput: for an unknown name or options the provider does not take.

    """
    module = _module(name)
    return cast(
        Provider, module.connect(environment, options, settings=settings, blobs=blobs, now=now)
    )


def _module(name: str) -> ModuleType:
    try:
        return load_module(sys.modules[__name__], name)
    except KeyError as error:
        raise InvalidInput(f"provider: {error.args[0]}") from error
