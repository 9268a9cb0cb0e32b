"""What is wrong with a form, beside the field that it is about. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from webapp.job_forms import attribute_name

Form = Mapping[str, str]


@dataclass(frozen=True)
class Faults:
    """A refusal as a whole, and the parts of it that belong to one field each."""

    message: str = ""
    by_field: Mapping[str, str] = field(default_factory=dict)


def plan_faults(message: str, form: Form, keys: list[str]) -> Faults:
    """The faults of the plan and money forms; ``keys`` are the routes' in their order."""

    def field_of(place: str) -> str:
        route = re.match(r"routes\.(\d+)(?:\.([a-z_.]+))?", place)
        if route and int(route[1]) < len(keys):
            key, part = keys[int(route[1])], route[2] or "use"
            known = {"tasks_per_hit": "tasks", "hit.template": "template"}
            return f"{known.get(part, part)}-{key}"
        return place.rpartition(".")[2]

    return _placed(message, field_of, {"job": "name", "inhouse": "wage"}, form)


def question_faults(message: str, form: Form) -> Faults:
    """The faults of the question form."""
    numbers = [
        name.rpartition("-")[2]
        for name in form
        if name.startswith("attribute-name-") and form[name].strip()
    ]

    def field_of(place: str) -> str:
        attribute = re.match(r"attributes\.(\d+)(?:\.(\w+))?", place)
        if attribute and int(attribute[1]) < len(numbers):
            part = attribute[2] or "name"
            shown = part if part in ("name", "kind", "title", "unsure") else "options"
            return f"attribute-{shown}-{numbers[int(attribute[1])]}"
        for number in numbers:
            if place == attribute_name(form, number):
                return f"attribute-options-{number}"
        return place.partition(".")[0]

    found = _placed(message, field_of, {"examples": "example-good", "": "classes"}, form)
    names = [attribute_name(form, number) for number in numbers]
    again = next((at for at, name in enumerate(names) if name in names[:at]), None)
    if "attributes" not in found.by_field or again is None:
        return found
    told = f"another one is called {names[again]} in exports, too: use other words"
    return Faults(message, {**found.by_field, f"attribute-name-{numbers[again]}": told})


def _placed(
    message: str, field_of: Callable[[str], str], otherwise: Mapping[str, str], form: Form
) -> Faults:
    found: dict[str, str] = {}
    for line in re.split(r"\n|; (?=[a-z_.0-9]+: )", message):
        text = re.sub(r"^(plan|question|job \d+): ", "", line)
        place, has_place, said = text.partition(": ")
        if not has_place or not re.fullmatch(r"[\w.]+( .*)?", place):
            place, said = "", text
        name = field_of(place)
        name = otherwise.get(place.partition(" ")[0], name) if name not in form else name
        if name:
            found.setdefault(name, said)
    return Faults(message, found)
