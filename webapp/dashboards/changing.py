"""What may change of a job that is under way, each shown before it is done."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Blueprint, flash, redirect, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs.errors import BudgetExceeded, Conflict, InvalidInput
from jobs.hits import prolonging
from jobs.money import format_usd, parse_usd
from jobs.planning import amending
from jobs.planning.amending import Amendment, Terms
from jobs.reports.batches import batch_list
from jobs.reports.heads import JobHead, job_head
from jobs.specs.hit_specs import batch_context
from jobs.spending import ledger
from jobs.spending.ledger import Reason
from webapp import confirming
from webapp.auth import actor, allow
from webapp.confirming import Field, Step, typed
from webapp.installation import now, reading, writing
from webapp.job_forms import DISPUTES, SECOND_LOOKS
from webapp.requests import whole_number
from webapp.term_words import REVIEWS, term_name, term_value

blueprint = Blueprint("changing", __name__)


@blueprint.get("/jobs/<int:job_id>/cap")
@allow("manager")
def budget_form(job_id: int) -> str:
    """What the cap is, and what is left of it."""
    with reading() as session:
        return confirming.show(_budget(job_head(session, job_id)))


@blueprint.post("/jobs/<int:job_id>/cap")
@allow("manager")
def budget(job_id: int) -> Response | str | tuple[str, int]:
    """Show what a new cap means, then set it; one page's change is made once."""
    with reading() as session:
        head = job_head(session, job_id)
    asked = _budget(head)
    try:
        amount = parse_usd(typed("budget"), name="budget")
        before = typed("before") or str(head.budget_micros)
        if confirming.is_confirmed():
            key = f"budget:job:{job_id}:{before}:{amount}:{typed('at')}"
            with writing() as session:
                ledger.set_budget(
                    session, job_id, amount, key=key, reason=Reason(actor()), now=now()
                )
            flash(f"The budget is {format_usd(amount)}.")
            return redirect(url_for("jobs.job", job_id=job_id))
        _refuse_under_what_is_used(head, amount)
    except (InvalidInput, BudgetExceeded) as error:
        return confirming.show_again(asked, error)
    return confirming.show(
        confirming.second(
            asked, "Set the budget", _means(head, amount),
            budget=typed("budget"), before=before, at=now().isoformat(),
        )
    )  # fmt: skip


@blueprint.get("/jobs/<int:job_id>/terms")
@allow("manager")
def terms_form(job_id: int) -> str:
    """Name, threshold, further answers, how work is decided, and who looks a second time."""
    with reading() as session:
        return confirming.show(_terms(job_id, amending.terms_of(session, job_id)))


@blueprint.post("/jobs/<int:job_id>/terms")
@allow("manager")
def terms(job_id: int) -> Response | str | tuple[str, int]:
    """Show what the new terms change, then set them; a second press changes nothing."""
    with reading() as session:
        asked = _terms(job_id, amending.terms_of(session, job_id))
    try:
        wanted = Terms(
            name=typed("name"),
            sure_at=whole_number("sure_at", low=0, high=100) / 100,
            max_extra_answers=whole_number("max_extra_answers", low=0, high=20),
            review=typed("review"),
            second_look=typed("second_look"),
            share=whole_number("share", low=0, high=100) / 100,
            disputes=typed("disputes"),
        )
        if confirming.is_confirmed():
            with writing() as session:
                amending.amend(session, job_id, wanted, actor(), now())
            flash("Changed. The background applies it to the answers there are.")
            return redirect(url_for("jobs.job", job_id=job_id))
        with reading() as session:
            seen = amending.preview(session, job_id, wanted)
    except InvalidInput as error:
        return confirming.show_again(asked, error)
    kept = {
        "name": wanted.name,
        "sure_at": str(round(100 * wanted.sure_at)),
        "max_extra_answers": str(wanted.max_extra_answers),
        "review": wanted.review,
        "second_look": wanted.second_look,
        "share": str(round(100 * wanted.share)),
        "disputes": wanted.disputes,
    }
    if not seen.changes:
        return confirming.show_again(asked, InvalidInput("Nothing is different from now."))
    return confirming.show(confirming.second(asked, "Change it", _amended(seen), **kept))


@blueprint.get("/batches/<int:batch_id>/prolong")
@allow("manager")
def prolong_form(batch_id: int) -> str:
    """For how long the batch's HITs are shown."""
    with reading() as session:
        return confirming.show(_longer(session, batch_id))


@blueprint.post("/batches/<int:batch_id>/prolong")
@allow("manager")
def prolong(batch_id: int) -> Response | str | tuple[str, int]:
    """Show how many HITs end later, then have it done; one page's end is set once."""
    with reading() as session:
        asked = _longer(session, batch_id)
    try:
        if confirming.is_confirmed():
            with writing() as session:
                prolonging.ask(session, batch_id, _moment(typed("until")), actor(), now())
            flash("Asked for: the background sets the new end at the venue.")
            return redirect(asked.back)
        n_days = whole_number("days", low=1, high=prolonging.LONGEST.days)
        until = now().replace(microsecond=0) + timedelta(days=n_days)
        with reading() as session:
            n_sooner = prolonging.preview(session, batch_id, until, now())
    except InvalidInput as error:
        return confirming.show_again(asked, error)
    if not n_sooner:
        refusal = InvalidInput("No HIT that is out ends sooner than that; nothing would change.")
        return confirming.show_again(asked, refusal)
    told = (
        f"{n_sooner:,} HITs end sooner than in {n_days:,} days. Workers could take them until "
        f"{until:%Y-%m-%d %H:%M} UTC.",
        "No money moves: what they may cost is held until they close. They are asked for no more "
        "answers than before.",
    )
    return confirming.show(
        confirming.second(asked, "Keep them open", told, until=until.isoformat())
    )


def _budget(head: JobHead) -> Step:
    used = head.spent_micros + head.held_micros
    told = (
        f"The budget is {format_usd(head.budget_micros)}: {format_usd(head.spent_micros)} is "
        f"spent, {format_usd(head.held_micros)} held for work that is out, "
        f"{format_usd(head.budget_micros - used)} left.",
        "It is a hard cap: no call is made that could pass it.",
    )
    field = Field(
        "budget", "New budget, $", "The whole budget, not what is added.",
        format_usd(head.budget_micros).lstrip("$").replace(",", ""), 16, mode="decimal",
    )  # fmt: skip
    return Step(
        f"Budget of {head.name}",
        url_for("jobs.job", job_id=head.id), head.name, "Look at it first", told, (field,),
    )  # fmt: skip


def _refuse_under_what_is_used(head: JobHead, amount: int) -> None:
    used = head.spent_micros + head.held_micros
    if amount < used:
        raise BudgetExceeded(
            f"{format_usd(used)} is spent or held already, so the budget cannot be "
            f"{format_usd(amount)}. Nothing was changed. To spend less, call batches in first.",
            used - amount,
        )


def _means(head: JobHead, amount: int) -> tuple[str, ...]:
    used = head.spent_micros + head.held_micros
    change = amount - head.budget_micros
    way = "raised" if change >= 0 else "lowered"
    told = [
        f"The budget is {way} by {format_usd(abs(change))} to {format_usd(amount)}.",
        f"{format_usd(amount - used)} could then still be spent.",
    ]
    if change > 0 and head.state == "running":
        told.append("Work that waits for money goes on by itself at its next try.")
    return tuple(told)


def _terms(job_id: int, before: Terms) -> Step:
    fields = (
        Field("name", "Name", "Exports and reports carry it from now on.", before.name, 200),
        Field("sure_at", "Sure enough at, %", "An answer this sure is a label; under it more "
              "answers are bought, or a person decides.", str(round(100 * before.sure_at)), 3,
              mode="numeric"),
        Field("max_extra_answers", "Further answers a question, at most", "Bought one by one "
              "where the answers are not sure enough. 0 buys none.",
              str(before.max_extra_answers), 2, mode="numeric"),
        Field("review", "How work is decided", "Surely bad: by two kinds of evidence, the "
              "whole interval under the bound.", before.review, options=REVIEWS),
        Field("second_look", "A second pair of eyes", "What people decide then counts once "
              "another person, who does not see it, has decided the same.", before.second_look,
              options=SECOND_LOOKS),
        Field("share", "Of all questions, %", "Only for a share of the questions.",
              str(round(100 * before.share)), 3, mode="numeric"),
        Field("disputes", "Where two people disagree", "Who decides then; both decisions are "
              "shown to them.", before.disputes, options=DISPUTES),
    )  # fmt: skip
    told = ("Dataset, question, routes, rewards and gold stay: answers were given under them.",)
    return Step(
        "Change what may change",
        url_for("jobs.job", job_id=job_id), "Job", "Look at it first", told, fields,
    )  # fmt: skip


def _amended(seen: Amendment) -> tuple[str, ...]:
    told = [
        f"{term_name(name)}: {term_value(name, before)}, then {term_value(name, after)}."
        for name, before, after in seen.changes
    ]
    if seen.n_sure is not None:
        told.append(
            f"Of the questions combined so far about {seen.n_sure:,} would be sure enough, "
            f"{seen.n_unsure:,} not. Labels already given stay in their history; a question that "
            "is no longer sure enough wants answers, or a person, again."
        )
    if any(name in ("second_look", "share") for name, _, _ in seen.changes):
        told.append("What people have decided so far stays decided; the rest goes by the new rule.")
    return tuple(told)


def _longer(session: Session, batch_id: int) -> Step:
    job_id = batch_context(session, batch_id).job.id
    row = next(row for row in batch_list(session, job_id) if row.id == batch_id)
    told = (f"{row.name}: {row.n_posted:,} of its {row.n_hits:,} HITs are out.",)
    fields = (
        Field("days", "Days from now", "HITs that would end sooner stay open until then.", "7", 3,
              mode="numeric"),
    )  # fmt: skip
    return Step(
        f"Keep {row.name} open for longer", url_for("controls.batches", job_id=job_id), "Batches",
        "Look at it first", told, fields, is_possible=row.n_posted > 0,
    )  # fmt: skip


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Conflict("this page's time is not readable: start again from the batches")
    return found
