"""Forms of the guided page, read into the documents that the services check. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobs.errors import InvalidInput
from jobs.money import format_usd
from jobs.specs.job_specs import JobSpec
from jobs.specs.label_schemas import name_of

Form = Mapping[str, str]
SECOND_LOOKS = (
    ("asked", "Where somebody asks for it"),
    ("sampled", "For a share of all questions"),
    ("always", "For every question that a person decides"),
)
PARTS = ("slicing", "quality", "review", "adjudication")  # of a job file: a mapping each
DISPUTES = (("anyone", "Any third person decides"), ("manager", "A manager decides"))


@dataclass(frozen=True)
class Offer:
    """One route a job may take: its form fields end in ``key``, and these are their defaults."""

    key: str
    provider: str
    kind: str
    title: str
    text: str
    redundancy: int
    reward: str
    tasks_per_hit: int
    is_on: bool = False


def offers(*, has_boxes: bool, has_tags: bool) -> tuple[Offer, ...]:
    """The routes that fit a question, the cheapest first."""
    found: list[Offer] = []
    if has_tags:
        found.append(
            Offer(
                "model-tags",
                "model",
                "tags",
                "Models tag",
                "A tagger file answers at once.",
                1,
                "0",
                10,
            )
        )
    if has_boxes:
        found.append(
            Offer(
                "model-boxes",
                "model",
                "boxes",
                "A model draws boxes",
                "An ONNX detector answers at once.",
                1,
                "0",
                1,
            )
        )
    if has_boxes:
        found += _people("boxes", "draw boxes", 3, "0.05", 1)
    if has_tags:
        found += _people("tags", "tag", 3, "0.03", 5)
    return tuple(found)


def _people(kind: str, verb: str, redundancy: int, reward: str, tasks: int) -> list[Offer]:
    staff = "Signed-in staff on our marketplace; cost is time worked at a wage."
    crowd = "Workers of the venue; cost is the reward and the venue's fee."
    return [
        Offer(f"inhouse-{kind}", "inhouse", kind, f"In-house people {verb}", staff, 1, "0", tasks),
        Offer(
            f"mturk-{kind}",
            "mturk",
            kind,
            f"A crowd {verb}s".replace("draw boxess", "draws boxes"),
            crowd,
            redundancy,
            reward,
            tasks,
            True,
        ),
    ]


def schema_text(form: Form, examples: Sequence[Mapping[str, str]] = ()) -> str:
    """The label schema of the question form, as the text that the service parses.

    ``examples`` are pictures already stored: image, text and verdict of each.
    """
    if form.get("yaml", "").strip():
        return form["yaml"]
    document: dict[str, Any] = {
        "name": form.get("name", "").strip(),
        "title": form.get("title", "").strip(),
        "instructions": _lines(form.get("instructions", "")),
        "short_instructions": _lines(form.get("short_instructions", "")),
        "classes": _list(form.get("classes", ""), "\n"),
        "attributes": [
            _attribute(form, name.rpartition("-")[2])
            for name in form
            if name.startswith("attribute-name-") and form[name].strip()
        ],
        "examples": [dict(example) for example in examples],
    }
    return json.dumps(document)


def attribute_name(form: Form, number: str) -> str:
    """The name that the schema gives an attribute, from what it is called in the form."""
    unnamed = name_of(f"attribute {number}", "attribute")
    return name_of(form[f"attribute-name-{number}"].strip(), unnamed)


def _attribute(form: Form, number: str) -> dict[str, Any]:
    kind = form.get(f"attribute-kind-{number}", "")
    words = form[f"attribute-name-{number}"].strip()
    name = attribute_name(form, number)
    title = form.get(f"attribute-title-{number}", "").strip()
    found: dict[str, Any] = {
        "name": name,
        "kind": kind,
        "title": title or ("" if words == name else words),
        "unsure": form.get(f"attribute-unsure-{number}", "").strip(),
    }
    options = form.get(f"attribute-options-{number}", "")
    if kind in ("one", "many"):
        found["options"] = _list(options, ";" if ";" in options else ",")
    if kind == "scale":
        ends = re.fullmatch(r"\s*(-?\d{1,4})\s*(?:-|to|,|\.\.)\s*(-?\d{1,4})\s*", options, re.ASCII)
        if not ends:
            raise InvalidInput(
                f"{found['name']}: expected a scale such as 1 to 5, got {options!r:.40}"
            )
        found |= {"low": int(ends[1]), "high": int(ends[2])}
    return found


def plan_document(form: Form, dataset: str, schema: str) -> dict[str, Any]:
    """The job of the plan form, as the document that the service checks."""
    return {
        "name": form.get("name", "").strip(),
        "dataset": dataset,
        "schema": schema,
        "environment": form.get("environment", "local"),
        "budget": form.get("budget", "0").strip(),
        "seed": form.get("seed", "").strip() or 0,
        "routes": [
            _route(form, offer)
            for offer in offers(has_boxes=True, has_tags=True)
            if f"use-{offer.key}" in form
        ],
        "slicing": {
            "gold_rate": _share(form, "gold_rate", 10),
            "repeat_rate": _share(form, "repeat_rate", 0),
            "tile": form.get("tile", "").strip() or 0,
        },
        "quality": {
            "sure_at": _share(form, "sure_at", 80),
            "max_extra_answers": form.get("max_extra_answers", "").strip() or 0,
        },
        "review": {"mode": form.get("review", "approve")},
        "adjudication": {
            "second_look": form.get("second_look", "asked"),
            "share": _share(form, "share", 10),
            "disputes": form.get("disputes", "anyone"),
        },
    }


def keys_of(form: Form) -> list[str]:
    """The routes that the plan form uses, in the order in which they are asked."""
    return [o.key for o in offers(has_boxes=True, has_tags=True) if f"use-{o.key}" in form]


def carried_over(form: Form, document: dict[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """The changed plan with all that its form does not show, as it was: money, times, titles.

    The form shows one route of each kind a provider; a second one stays as it is.
    """
    before = {f"{one['provider']}-{one['kind']}": one for one in reversed(old["routes"])}
    routes = []
    for key, route in zip(keys_of(form), document["routes"], strict=True):
        known = before.get(key)
        if known is not None:
            kept = {"attributes": known["attributes"]}
            if f"reward-{key}" not in form:
                kept["reward"] = known["reward"]
            said = {name: v for name, v in route["options"].items() if f"{name}-{key}" in form}
            hit = {**known["hit"], "template": route["hit"]["template"]}
            route = {**route, **kept, "hit": hit, "options": {**known["options"], **said}}
        routes.append(route)
    routes += [one for one in old["routes"] if all(one is not first for first in before.values())]
    parts = {name: {**old.get(name, {}), **document[name]} for name in PARTS}
    money = {name: old[name] for name in ("budget", "bonuses") if name not in form}
    return {**document, **parts, **money, "routes": routes}


def money_document(form: Form, old: Mapping[str, Any]) -> dict[str, Any]:
    """The plan with the amounts of the money form; a field it lacks stays as it was."""

    def field(name: str, default: object) -> str:
        return form.get(name, "").strip() or str(default)

    routes = []
    for number, route in enumerate(old["routes"]):
        options = dict(route["options"])
        if "wage" in options:
            options["wage"] = field(f"wage-{number}", options["wage"])
        reward = field(f"reward-{number}", route["reward"])
        routes.append({**route, "reward": reward, "options": options})
    money = {name: field(name, old[name]) for name in ("budget", "bonuses")}
    return {**old, **money, "routes": routes}


def form_of_question(body: Mapping[str, Any]) -> dict[str, str]:
    """The question form as it was filled in for a saved version."""
    form = {
        "name": body["name"],
        "title": body.get("title", ""),
        "instructions": body.get("instructions", ""),
        "short_instructions": body.get("short_instructions", ""),
        "classes": "\n".join(body.get("classes", ())),
    }
    for number, one in enumerate(body.get("attributes", ())):
        is_scale = one["kind"] == "scale"
        title, options = one.get("title", ""), one.get("options", ())
        is_said_so = name_of(title, "") == one["name"]  # the words it was written with
        form |= {
            f"attribute-name-{number}": title if is_said_so else one["name"],
            f"attribute-kind-{number}": one["kind"],
            f"attribute-title-{number}": "" if is_said_so else title,
            f"attribute-unsure-{number}": one.get("unsure", ""),
            f"attribute-options-{number}": f"{one['low']} to {one['high']}"
            if is_scale
            else ("; " if any("," in option for option in options) else ", ").join(options),
        }
    for number, one in enumerate(body.get("examples", ())):
        form |= {
            f"example-image-{number}": one["image"],
            f"example-verdict-{number}": one["verdict"],
            f"example-note-{number}": one["text"],
        }
    return form


def kept_examples(form: Form) -> list[dict[str, str]]:
    """The example pictures that the form carries already, without those to be left out."""
    numbers = [
        name.rpartition("-")[2]
        for name in form
        if name.startswith("example-image-")
        and f"example-drop-{name.rpartition('-')[2]}" not in form
    ]
    return [
        {
            "image": form[f"example-image-{number}"],
            "text": form.get(f"example-note-{number}", "").strip(),
            "verdict": form.get(f"example-verdict-{number}", "good"),
        }
        for number in numbers
    ]


def form_of(spec: JobSpec) -> dict[str, str]:
    """The plan form as it was filled in for ``spec``."""
    form = {
        "name": spec.name,
        "environment": spec.environment,
        "budget": plain_usd(spec.budget),
        "seed": str(spec.seed),
        "gold_rate": _percentage(spec.slicing.gold_rate),
        "repeat_rate": _percentage(spec.slicing.repeat_rate),
        "tile": str(spec.slicing.tile),
        "sure_at": _percentage(spec.quality.sure_at),
        "max_extra_answers": str(spec.quality.max_extra_answers),
        "review": spec.review.mode,
        "second_look": spec.adjudication.second_look,
        "share": _percentage(spec.adjudication.share),
        "disputes": spec.adjudication.disputes,
    }
    for route in spec.routes:
        key = f"{route.provider}-{route.kind}"
        if f"use-{key}" in form:
            continue  # the form shows the first of its kind
        form |= {
            f"use-{key}": "yes",
            f"redundancy-{key}": str(route.redundancy),
            f"tasks-{key}": str(route.tasks_per_hit),
            f"reward-{key}": plain_usd(route.reward),
            f"wage-{key}": str(route.options.get("wage", "")),
            f"tagger-{key}": str(route.options.get("tagger", "")),
            f"template-{key}": route.hit.template,
            **({f"unsure-{key}": "yes"} if route.when == "unsure" else {}),
        }
    return form


def plain_usd(micros: int) -> str:
    """``0.05``: dollars as a form takes them, with cents at least."""
    return format_usd(micros).removeprefix("$").replace(",", "")


def _percentage(share: float) -> str:
    return str(round(share * 100))


def _route(form: Form, offer: Offer) -> dict[str, Any]:
    def field(name: str, default: object) -> str:
        return form.get(f"{name}-{offer.key}", "").strip() or str(default)

    options: dict[str, Any] = {}
    if offer.provider == "inhouse":
        options["wage"] = field("wage", "18.00")
    if offer.provider == "model":
        options["tagger"] = field("tagger", "photometry")
    return {
        "provider": offer.provider,
        "kind": offer.kind,
        "redundancy": field("redundancy", offer.redundancy),
        "reward": field("reward", offer.reward) if offer.provider == "mturk" else "0",
        "tasks_per_hit": field("tasks", offer.tasks_per_hit),
        "when": "unsure" if f"unsure-{offer.key}" in form else "always",
        "hit": {"template": field("template", "")},
        "options": options,
    }


def _share(form: Form, name: str, default: int) -> float:
    """A whole percentage of the form as a share."""
    text = form.get(name, "").strip() or str(default)
    if not (text.isascii() and text.isdigit() and int(text[:6]) <= 100):
        raise InvalidInput(f"{name}: expected a whole percentage from 0 to 100, got {text!r:.40}")
    return int(text) / 100


def _list(text: str, separator: str) -> list[str]:
    return [part.strip() for part in text.split(separator) if part.strip()]


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").strip()
