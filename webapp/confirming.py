"""The page that stands before an act: what it will do, what it still asks, one button."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from flask import render_template, request
from sqlalchemy.orm import Session

from jobs.errors import BudgetExceeded, InvalidInput
from webapp.installation import installation, writing


@dataclass(frozen=True)
class Field:
    """One thing the person is asked; ``most`` is its largest number of characters.

    ``options`` are (value, words) to choose from.
    """

    name: str
    label: str
    hint: str = ""
    value: str = ""
    most: int = 1000
    is_long: bool = False
    is_needed: bool = True
    mode: str = "text"
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Step:
    """A page of an act. ``told`` says what happens, line by line; ``kept`` travels on unseen."""

    title: str
    back: str
    back_name: str
    button: str
    told: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    kept: Mapping[str, str] = field(default_factory=dict)
    letter: str = ""
    is_danger: bool = False
    is_possible: bool = True
    problem: str = ""


def show(step: Step) -> str:
    """The page; what was typed before is still there."""
    asked = tuple(replace(one, value=request.form.get(one.name, one.value)) for one in step.fields)
    return render_template("confirm.html", step=replace(step, fields=asked))


def show_again(step: Step, error: InvalidInput | BudgetExceeded) -> tuple[str, int]:
    """The page with what was wrong; nothing was changed."""
    return show(replace(step, problem=str(error))), 422


def second(step: Step, button: str, told: tuple[str, ...], **kept: str) -> Step:
    """The page after the form: what was typed is kept unseen, and one press does it."""
    return replace(
        step, button=button, told=told, fields=(), kept={**kept, "confirmed": "yes"}, problem=""
    )


def is_confirmed() -> bool:
    """Whether the form comes from the page that showed what would be done."""
    return request.form.get("confirmed") == "yes"


@contextmanager
def attempt() -> Iterator[Session]:
    """One transaction, kept when the act was confirmed; else only its refusals are of use."""
    if is_confirmed():
        with writing() as session:
            yield session
        return
    with installation().sessions() as session:
        yield session
        session.rollback()


def typed(name: str) -> str:
    """A field of the form with one kind of line ending and no blanks around it."""
    return request.form.get(name, "").replace("\r\n", "\n").strip()
