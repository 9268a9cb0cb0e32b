"""Amazon Mechanical Turk, its sandbox, and any server that speaks its API.

Every repeat is safe: paid calls carry a token, a token the venue knows already means
"done before", and the deciding calls look at the venue's state when they are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from jobs.blobs import Blobs
from jobs.errors import InvalidInput, ProviderError
from jobs.marketplace_accounts import read_requester_key
from jobs.money import decimal_usd
from jobs.providers import Trace
from jobs.providers import _turk_errors as turk
from jobs.providers import _turk_expiry as expiry
from jobs.providers import _turk_identity as aws
from jobs.providers import _turk_qualifications as qualifications
from jobs.providers import _turk_replies as replies
from jobs.providers._turk_people import TurkPeople
from jobs.providers._turk_question import checked_question
from jobs.providers._turk_session import make_client
from jobs.providers._turk_terms import CrowdTerms, Terms
from jobs.records import Bonus, Environment, HitSpec, Identity, PostedHit, Quote, Submission
from jobs.settings import Settings

ENDPOINTS = {
    "production": "https://mturk-requester.us-east-1.amazonaws.com",
    "sandbox": "https://mturk-requester-sandbox.us-east-1.amazonaws.com",
}
_STATUSES = ["Submitted", "Approved", "Rejected"]
_MOST_PAGES = 100_000


def connect(
    environment: Environment,
    options: dict[str, Any],
    *,
    settings: Settings,
    blobs: Blobs,
    now: Callable[[], datetime],
) -> Mturk:
    """The account of ``environment``; ``local`` is our marketplace's account ``local``.

    Raises:
        InvalidInput: for options this provider does not take.

    """
    check_options(options)
    return Mturk("mturk", environment, settings, CrowdTerms(now))


def check_options(options: dict[str, Any]) -> None:
    """There is nothing to set; InvalidInput names what was."""
    if options:
        names = ", ".join(sorted(options))
        raise InvalidInput(f"mturk: expected no options, got {names:.80}")


def open_client(environment: Environment, settings: Settings, local_account: str) -> Any:
    """The only maker of MTurk clients: one attempt a call, stated time-outs, a fixed endpoint.

    botocore would send a paid call again by itself on a lost reply; retries are ours alone.
    In ``local`` the access key is the account's name; elsewhere boto3 finds the credentials.
    """
    config = Config(
        retries={"mode": "standard", "total_max_attempts": 1},
        connect_timeout=5,
        read_timeout=30,
        region_name="us-east-1",
        user_agent_extra="hitworks",
    )
    key = secret = None
    if environment == "local":
        key, secret = local_account, read_requester_key(settings.data_dir, local_account)
    client = make_client(
        "mturk",
        config=config,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        endpoint_url=ENDPOINTS.get(environment) or settings.local_mturk(),
    )
    client.meta.events.register("after-call.mturk.*", turk.keep_turk_code)
    client.meta.events.register("after-call.mturk.*", turk.refuse_unreadable)
    return client


class Mturk:
    """One requester account at one endpoint."""

    has_pages = True

    def __init__(
        self,
        name: str,
        environment: Environment,
        settings: Settings,
        terms: Terms,
        local_account: str = "local",
    ) -> None:
        self.name = name
        self._terms = terms
        self._account = local_account if environment == "local" else ""
        self.environment = environment
        self._client = open_client(environment, settings, local_account)
        self.trace = Trace()
        self._hit_types: dict[tuple[Any, ...], str] = {}
        self._qualification_types: dict[str, str] = {}
        self.people = TurkPeople(self._call, self._pages, is_local=environment == "local")

    def balance(self) -> int:
        return replies.micros(self._call("get_account_balance")["AvailableBalance"])

    def identity(self) -> Identity:
        """Balance and account; AWS says whose credentials these are, our marketplace its own."""
        balance = self.balance()
        account, arn = self._account, ""
        if self.environment != "local":
            account, arn = aws.caller(aws.open_identity_client())
        return Identity(
            environment=self.environment,
            endpoint=self._client.meta.endpoint_url,
            account=account,
            balance_micros=balance,
            arn=arn,
        )

    def quote(self, spec: HitSpec) -> Quote:
        return self._terms.quote(spec)

    def publish(self, spec: HitSpec) -> PostedHit:
        spec = self._without_excluded(self._terms.as_published(spec, self))
        try:
            reply = self._call(
                "create_hit_with_hit_type",
                HITTypeId=self._hit_type(spec),
                MaxAssignments=spec.max_assignments,
                LifetimeInSeconds=spec.lifetime_seconds,
                Question=checked_question(spec.html),
                RequesterAnnotation=spec.marker,
                UniqueRequestToken=spec.token,
            )
        except ProviderError as error:
            if error.code not in turk.ALREADY_EXISTS and turk.TOKEN_USED not in str(error):
                raise
            return self._posted_before(spec, error)
        return replies.posted_hit(replies.member(reply, "HIT", "create_hit_with_hit_type"))

    def find(self, marker: str) -> PostedHit | None:
        return next((hit for hit in self.hits() if hit.marker == marker), None)

    def get(self, provider_hit_id: str) -> PostedHit:
        reply = self._call("get_hit", HITId=provider_hit_id)
        return replies.posted_hit(replies.member(reply, "HIT", "get_hit"), with_question=True)

    def fetch(self, posted: PostedHit, spec: HitSpec) -> Iterator[Submission]:
        seen = set()
        for row in self._pages(
            "list_assignments_for_hit",
            "Assignments",
            HITId=posted.provider_hit_id,
            AssignmentStatuses=_STATUSES,
        ):
            key = (row["AssignmentId"], row["WorkerId"])
            if key not in seen:
                seen.add(key)
                yield replies.submission(row)

    def extend(self, provider_hit_id: str, target_assignments: int, token: str) -> PostedHit:
        posted = self.get(provider_hit_id)
        more = target_assignments - posted.max_assignments
        if more <= 0:
            return posted
        try:
            self._call(
                "create_additional_assignments_for_hit",
                HITId=provider_hit_id,
                NumberOfAdditionalAssignments=more,
                UniqueRequestToken=token,
            )
        except ProviderError as error:
            if turk.TOKEN_USED not in str(error):
                raise
        posted = self.get(provider_hit_id)
        if posted.max_assignments < target_assignments:
            raise ProviderError(
                f"{self.name}: {provider_hit_id} was to have {target_assignments} assignments "
                f"and shows {posted.max_assignments}",
                permanent=False,
                outcome_unknown=True,
            )
        return posted

    def prolong(self, provider_hit_id: str, until: datetime) -> PostedHit:
        return expiry.prolong(self._call, self.get, provider_hit_id, until)

    def expire(self, provider_hit_id: str) -> PostedHit:
        return expiry.expire(self._call, self.get, provider_hit_id)

    def delete(self, provider_hit_id: str) -> None:
        try:
            self._call("delete_hit", HITId=provider_hit_id)
        except ProviderError as error:
            if error.code != turk.NO_SUCH_HIT and "state 'Disposed'" not in str(error):
                raise

    def approve(self, provider_assignment_id: str, feedback: str) -> str:
        arguments = {"RequesterFeedback": feedback} if feedback else {}
        return self._decide(
            "approve_assignment", "Approved", AssignmentId=provider_assignment_id, **arguments
        )

    def reject(self, provider_assignment_id: str, reason: str) -> str:
        return self._decide(
            "reject_assignment",
            "Rejected",
            AssignmentId=provider_assignment_id,
            RequesterFeedback=reason[:1024],
        )

    def reverse(self, provider_assignment_id: str, feedback: str) -> str:
        try:
            return self._decide(
                "approve_assignment",
                "Approved",
                AssignmentId=provider_assignment_id,
                RequesterFeedback=feedback,
                OverrideRejection=True,
            )
        except ProviderError as error:
            if not error.permanent:
                raise
            # Refused, for its age perhaps, after an earlier call that had the effect.
            return self._assignment_state(provider_assignment_id)

    def bonus(
        self,
        provider_worker_id: str,
        provider_assignment_id: str,
        amount_micros: int,
        reason: str,
        token: str,
    ) -> None:
        try:
            self._call(
                "send_bonus",
                WorkerId=provider_worker_id,
                AssignmentId=provider_assignment_id,
                BonusAmount=decimal_usd(amount_micros),
                Reason=reason,
                UniqueRequestToken=token,
            )
        except ProviderError as error:
            if turk.TOKEN_USED not in str(error):
                raise

    def bonuses(self, provider_assignment_id: str) -> Iterator[Bonus]:
        for row in self._pages(
            "list_bonus_payments", "BonusPayments", AssignmentId=provider_assignment_id
        ):
            yield replies.bonus(row)

    def hits(self) -> Iterator[PostedHit]:
        seen = set()
        for row in self._pages("list_hits", "HITs"):
            if row["HITId"] not in seen:
                seen.add(row["HITId"])
                yield replies.posted_hit(row)

    def cost_of_work(self, spec: HitSpec, submission: Submission) -> int:
        return self._terms.cost_of_work(spec, submission)

    def fee_of(self, spec: HitSpec, cost_micros: int) -> int:
        return self._terms.fee_of(spec, cost_micros)

    def qualification_type(self, name: str) -> str:
        """The id of this account's own qualification type ``name``."""
        if name not in self._qualification_types:
            found = qualifications.find(self._pages, name)
            if found is None:
                raise ProviderError(f"{self.name}: no qualification {name!r} here", permanent=False)
            self._qualification_types[name] = found
        return self._qualification_types[name]

    def _without_excluded(self, spec: HitSpec) -> HitSpec:
        """``spec`` for everybody but its excluded workers; nothing is posted by this."""
        if not spec.excluded_worker_ids:
            return spec
        try:
            requirement = qualifications.shut_out(
                self._call, self._pages, f"{spec.marker}:not", spec.excluded_worker_ids
            )
        except ProviderError as error:
            error.outcome_unknown = False
            raise
        requirements = (*spec.qualification_requirements, requirement)
        return replace(spec, qualification_requirements=requirements)

    def _hit_type(self, spec: HitSpec) -> str:
        """The HIT type of ``spec``; MTurk gives the same one for equal attributes."""
        arguments: dict[str, Any] = {
            "Title": spec.title,
            "Description": spec.description,
            "Keywords": spec.keywords,
            "Reward": decimal_usd(spec.reward_micros),
            "AssignmentDurationInSeconds": spec.assignment_duration_seconds,
            "AutoApprovalDelayInSeconds": spec.auto_approval_delay_seconds,
            "QualificationRequirements": qualifications.required(spec),
        }
        key = tuple(repr(value) for value in arguments.values())
        if key not in self._hit_types:
            try:
                reply = self._call("create_hit_type", **arguments)
                self._hit_types[key] = replies.member(reply, "HITTypeId", "create_hit_type")
            except ProviderError as error:
                # Nothing was posted and a repeat is harmless, whatever became of the type.
                error.outcome_unknown = False
                raise
        return self._hit_types[key]

    def _posted_before(self, spec: HitSpec, error: ProviderError) -> PostedHit:
        """The HIT that the token posted: named in the refusal, or found by its marker."""
        for provider_hit_id in turk.ENTITY.findall(str(error)):
            try:
                posted = self.get(provider_hit_id)
            except ProviderError as missing:
                if missing.code == turk.NO_SUCH_HIT:
                    continue
                raise
            if posted.marker == spec.marker:
                return posted
        found = self.find(spec.marker)
        if found is None:
            raise ProviderError(
                f"{spec.marker}: the venue knows the token and lists no such HIT: {error}",
                permanent=False,
                outcome_unknown=True,
                code=error.code,
            ) from error
        return found

    def _decide(self, operation: str, wanted: str, **arguments: Any) -> str:
        try:
            self._call(operation, **arguments)
        except ProviderError as error:
            if error.code != turk.WRONG_ASSIGNMENT_STATE:
                raise
            return self._assignment_state(arguments["AssignmentId"])
        return wanted

    def _assignment_state(self, provider_assignment_id: str) -> str:
        reply = self._call("get_assignment", AssignmentId=provider_assignment_id)
        return str(replies.member(reply, "Assignment", "get_assignment")["AssignmentStatus"])

    def _pages(self, operation: str, member: str, **arguments: Any) -> Iterator[dict[str, Any]]:
        """Rows of every page; MTurk ends a list with an empty page, not with a missing token."""
        tokens: set[str] = set()
        for _ in range(_MOST_PAGES):
            reply = self._call(operation, MaxResults=100, **arguments)
            yield from replies.member(reply, member, operation)
            token = reply.get("NextToken")
            if not token:
                return
            if token in tokens:
                raise ProviderError(f"{operation}: the pages go in a circle", permanent=False)
            tokens.add(token)
            arguments["NextToken"] = token
        raise ProviderError(f"{operation}: over {_MOST_PAGES:,} pages", permanent=False)

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        try:
            reply = cast(dict[str, Any], getattr(self._client, operation)(**arguments))
        except (BotoCoreError, ClientError) as error:
            self._note(operation, getattr(error, "response", None) or {})
            raise turk.translate(error, operation) from error
        self._note(operation, reply)
        return reply

    def _note(self, operation: str, reply: dict[str, Any]) -> None:
        request_id = str(reply.get("ResponseMetadata", {}).get("RequestId", ""))
        if operation.startswith(("get_", "list_")):
            self.trace.read = request_id
        else:
            self.trace.changed = request_id
