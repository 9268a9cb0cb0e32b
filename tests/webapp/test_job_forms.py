"""Forms of a new job as documents and back, and each fault beside its field."""

from __future__ import annotations

import pytest

from jobs.errors import InvalidInput
from jobs.specs.job_specs import AdjudicationPolicy, read_job_spec
from jobs.specs.label_schemas import parse_schema, to_body
from webapp.job_faults import plan_faults, question_faults
from webapp.job_forms import (
    carried_over,
    form_of,
    form_of_question,
    kept_examples,
    keys_of,
    money_document,
    plan_document,
    schema_text,
)

CROWD = {
    "provider": "mturk",
    "kind": "boxes",
    "attributes": [],
    "redundancy": 3,
    "reward": "0.07",
    "tasks_per_hit": 2,
    "when": "always",
    "hit": {"title": "Mugs", "template": "", "lifetime_seconds": 900},
    "options": {},
}
AGAIN = {**CROWD, "when": "unsure", "redundancy": 5}
STAFF = {**CROWD, "provider": "inhouse", "reward": "0", "options": {"wage": "21.50"}}
OLD = {
    "name": "Mugs",
    "dataset": "d",
    "schema": "s@1",
    "environment": "local",
    "budget": "40",
    "bonuses": "2",
    "seed": 3,
    "routes": [STAFF, CROWD, AGAIN],
    "slicing": {"gold_rate": 0.1, "repeat_rate": 0.0, "tile": 0, "overlap": 32},
    "quality": {"sure_at": 0.8, "max_extra_answers": 0, "box_method": "iou_clusters"},
    "review": {"mode": "approve", "min_gold": 9},
}


def test_a_plan_keeps_what_its_form_does_not_show() -> None:
    form = form_of(read_job_spec(OLD, "plan"))
    shown = {name: text for name, text in form.items() if not name.startswith(("reward", "wage"))}
    shown = {name: text for name, text in shown.items() if name != "budget"}
    shown["redundancy-mturk-boxes"] = "4"
    document = carried_over(shown, plan_document(shown, "d", "s@1"), OLD)
    spec = read_job_spec(document, "plan")
    assert [route.redundancy for route in spec.routes] == [3, 4, 5]
    assert [route.when for route in spec.routes] == ["always", "always", "unsure"]
    assert (spec.routes[1].reward, spec.routes[1].hit.lifetime_seconds) == (70_000, 900)
    assert spec.routes[0].options == {"wage": "21.50"}
    assert (spec.budget, spec.bonuses) == (40_000_000, 2_000_000)
    assert (spec.quality.box_method, spec.review.min_gold) == ("iou_clusters", 9)
    assert spec.slicing.overlap == 32


def test_a_route_that_is_no_longer_ticked_goes() -> None:
    form = form_of(read_job_spec({**OLD, "routes": [STAFF, CROWD]}, "plan"))
    del form["use-inhouse-boxes"]
    document = carried_over(
        form, plan_document(form, "d", "s@1"), {**OLD, "routes": [STAFF, CROWD]}
    )
    assert [route["provider"] for route in document["routes"]] == ["mturk"]


def test_money_changes_the_amounts_it_names_and_no_others() -> None:
    document = money_document({"reward-1": "0.09", "wage-0": "25.00", "budget": "99"}, OLD)
    assert [route["reward"] for route in document["routes"]] == ["0", "0.09", "0.07"]
    assert document["routes"][0]["options"] == {"wage": "25.00"}
    assert (document["budget"], document["bonuses"]) == ("99", "2")
    assert document["quality"] == OLD["quality"]


def test_a_question_comes_back_as_it_was_written() -> None:
    body = {
        "name": "mugs",
        "title": "Mugs?",
        "classes": ["mug", "plate"],
        "attributes": [
            {"name": "size", "kind": "scale", "title": "How large?", "low": 1, "high": 5},
            {"name": "colour", "kind": "one", "options": ["red", "blue"], "unsure": "cannot tell"},
        ],
        "examples": [{"image": "aa/b.jpg", "text": "So", "verdict": "bad"}],
    }
    form = form_of_question(body)
    assert form["attribute-options-0"] == "1 to 5"
    assert form["attribute-options-1"] == "red, blue"
    assert '"low": 1, "high": 5' in schema_text(form)
    assert kept_examples(form) == [{"image": "aa/b.jpg", "text": "So", "verdict": "bad"}]
    assert kept_examples({**form, "example-drop-0": "yes"}) == []


def test_an_attribute_is_called_by_words_and_named_for_programs() -> None:
    form = {
        "name": "Site safety", "attribute-name-0": "Wears a helmet?", "attribute-kind-0": "one",
        "attribute-options-0": "Yes, always; Only a hood; No", "attribute-unsure-0": "Not sure",
        "attribute-name-1": "vest", "attribute-kind-1": "yes_no",
        "attribute-title-1": "Does the vest shine?",
        "attribute-name-2": "安全", "attribute-kind-2": "yes_no",
    }  # fmt: skip
    schema = parse_schema(schema_text(form), "question")
    assert [(one.name, one.title) for one in schema.attributes] == [
        ("wears_a_helmet", "Wears a helmet?"),
        ("vest", "Does the vest shine?"),
        ("attribute_2", "安全"),
    ]
    assert schema.attributes[0].options == ("Yes, always", "Only a hood", "No")
    again = form_of_question(to_body(schema))
    assert again["attribute-name-0"] == "Wears a helmet?"
    assert again["attribute-title-0"] == ""
    assert again["attribute-options-0"] == "Yes, always; Only a hood; No"
    assert parse_schema(schema_text(again), "question") == schema


def test_two_attributes_of_one_name_are_told_beside_the_second() -> None:
    form = {
        "name": "s", "attribute-name-0": "Has wheels", "attribute-kind-0": "yes_no",
        "attribute-name-3": "has wheels?", "attribute-kind-3": "yes_no",
    }  # fmt: skip
    with pytest.raises(InvalidInput) as refused:
        parse_schema(schema_text(form), "question")
    found = question_faults(str(refused.value), form).by_field
    assert found["attribute-name-3"].startswith("another one is called has_wheels in exports")


def test_each_fault_of_a_plan_stands_beside_its_field() -> None:
    form = {"use-inhouse-boxes": "yes", "use-mturk-boxes": "yes", "name": "", "sure_at": "80"}
    message = (
        "plan: name: expected at least 1 characters, got ''\n"
        "plan: routes.1.tasks_per_hit: expected at most 100, got '900'\n"
        "plan: quality.sure_at: expected at most 1"
    )
    found = plan_faults(message, form, keys_of(form))
    assert found.message == message
    assert found.by_field == {
        "name": "expected at least 1 characters, got ''",
        "tasks-mturk-boxes": "expected at most 100, got '900'",
        "sure_at": "expected at most 1",
    }
    taken = plan_faults("job 'x': a job of this name exists already", form, keys_of(form))
    assert "name" in taken.by_field


def test_each_fault_of_a_question_stands_beside_its_field() -> None:
    form = {"attribute-name-0": "", "attribute-name-1": "size", "classes": ""}
    message = "question: attributes.0.options: expected at least 2 entries; classes: 'a' twice"
    assert question_faults(message, form).by_field == {
        "attribute-options-1": "expected at least 2 entries",
        "classes": "'a' twice",
    }
    assert question_faults("size: expected a scale such as 1 to 5", form).by_field == {
        "attribute-options-1": "expected a scale such as 1 to 5"
    }
    assert (
        "classes"
        in question_faults("question: expected classes, attributes, or both", form).by_field
    )


def test_a_second_pair_of_eyes_goes_into_the_plan_and_back_into_its_form() -> None:
    form = form_of(read_job_spec(OLD, "plan"))
    assert (form["second_look"], form["share"], form["disputes"]) == ("asked", "10", "anyone")
    form |= {"second_look": "sampled", "share": "25", "disputes": "manager"}
    spec = read_job_spec(carried_over(form, plan_document(form, "d", "s@1"), OLD), "plan")
    assert spec.policy().adjudication == AdjudicationPolicy(
        second_look="sampled", share=0.25, disputes="manager"
    )
    assert form_of(spec).items() >= {"second_look": "sampled", "share": "25"}.items()


def test_a_share_that_is_none_is_told_beside_its_field() -> None:
    form = form_of(read_job_spec(OLD, "plan")) | {"second_look": "twice"}
    with pytest.raises(InvalidInput) as refused:
        read_job_spec(plan_document(form, "d", "s@1"), "plan")
    assert "second_look" in plan_faults(str(refused.value), form, keys_of(form)).by_field
    with pytest.raises(InvalidInput) as refused:
        plan_document(form | {"share": "many"}, "d", "s@1")
    assert "share" in plan_faults(str(refused.value), form, keys_of(form)).by_field
