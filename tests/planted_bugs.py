"""Bugs that could be made in the code of money and answers, each with the tests that must find it.

``scripts/planted_bugs.py`` plants one after the other in a copy of the tree.
"""

from __future__ import annotations

from dataclasses import dataclass

JOBS = "tests/jobs/test_"


@dataclass(frozen=True)
class Bug:
    """``before`` stands once in ``file``; with ``after`` in its place ``tests`` must fail."""

    name: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]


def _bug(name: str, file: str, before: str, after: str, *tests: str) -> Bug:
    return Bug(name, f"jobs/{file}.py", before, after, tuple(f"{JOBS}{one}" for one in tests))


BUGS = (
    _bug(
        "each try has a token of its own",
        "publishing",
        "replace(posting.spec, token=intent.token)",
        'replace(posting.spec, token=f"{intent.token[:40]}{intent.attempts}")',
        "publishing.py",
    ),
    _bug(
        "each try reserves again",
        "publishing",
        '    if is_new:\n        key = f"hold:intent:{intent.id}:{intent.window}"',
        '    if True:\n        key = f"hold:intent:{intent.id}:{intent.attempts}"',
        "publishing.py",
    ),
    _bug(
        "a lost reply gives the money back",
        "publishing",
        "            _set_unknown(session, posting, intent.id, error, resources)\n    raise",
        "            _void(session, posting, intent, error, resources)\n    raise",
        "publishing.py",
    ),
    _bug(
        "past the life of a token the venue is not read",
        "publishing",
        "if intent.attempts > 1 and intents.is_past_window(intent, resources.clock()):",
        "if False:",
        "publishing.py",
    ),
    _bug(
        "a list that lags is believed",
        "intents",
        "return sent_at is not None and now - sent_at < LISTING_LAG",
        "return False",
        "money_attacks.py",
    ),
    _bug(
        "half of the worst case is held",
        "publishing",
        "            posting.worst_micros,\n            key=key,",
        "            posting.worst_micros // 2,\n            key=key,",
        "publishing.py",
    ),
    _bug(
        "a refused call keeps its money",
        "ledger",
        '    return release(session, intent.job_id, held, key=f"void:{window}"',
        '    return False and release(session, intent.job_id, held, key=f"void:{window}"',
        "publishing.py",
    ),
    _bug(
        "a hold looks at the budget and not at what is held",
        "ledger",
        "fits = Job.held_micros + Job.spent_micros + amount_micros <= Job.budget_micros",
        "fits = Job.spent_micros + amount_micros <= Job.budget_micros",
        "money_ledger.py",
    ),
    _bug(
        "a payment is booked each time it is told",
        "ledger",
        "    total = sum(spent.values())\n    job = _locked(session, job_id)\n"
        "    if _exists(session, key):\n        return False\n",
        "    total = sum(spent.values())\n    job = _locked(session, job_id)\n",
        "money_ledger.py",
    ),
    _bug(
        "what is spent stays held",
        "ledger",
        '_write(session, job, key, "settle", {"held": -total, **spent}, reason, now)',
        '_write(session, job, key, "settle", {"available": -total, **spent}, reason, now)',
        "money_ledger.py",
    ),
    _bug(
        "one HIT spends what is held for another",
        "ledger",
        "enough = Hit.held_micros + amount_micros >= 0",
        "enough = Hit.id > 0",
        "money_ledger.py",
    ),
    _bug(
        "the cap of an environment is not in its update",
        "limits",
        "or_(Account.cap_micros.is_(None), committed <= Account.cap_micros),",
        "or_(Account.cap_micros.is_(None), committed >= 0),",
        "money_limits.py",
    ),
    _bug(
        "a clock that lags begins the hour anew",
        "limits",
        "is_counted = Account.hour.between(hour, hour + _WRONG_CLOCK)",
        "is_counted = Account.hour == hour",
        "money_attacks.py",
    ),
    _bug(
        "an hour that runs away is not stopped",
        "limits",
        "found.hour_micros > found.hourly_micros:",
        "found.hour_micros < 0:",
        "money_limits.py",
    ),
    _bug(
        "the pause switch is not read",
        "intents",
        "if switch is not None and switch.is_on:",
        "if switch is None:",
        "money_attacks.py",
    ),
    _bug(
        "HITs are bought while a finding is open",
        "intents",
        "if call.is_paid and call.operation in BUYING:",
        "if False:",
        "money_reconciling.py",
    ),
    _bug(
        "a call is opened again with other parameters",
        "intents",
        "if intent.parameters_sha256 != _digest(call.parameters):",
        "if False:",
        "money_bonuses.py",
    ),
    _bug(
        "money comes back while work is undecided",
        "settling",
        "    if session.scalar(undecided):\n        return False\n",
        "",
        "collection.py",
        "money_faults.py::test_a_fault_at_any_single_point_doubles_and_loses_nothing",
    ),
    _bug(
        "money comes back while the HIT is open",
        "settling",
        '    if hit.state != "closed":\n        return False\n',
        "",
        "collection.py",
    ),
    _bug(
        "what a HIT held after a restore never comes back",
        "settling",
        ' + (f":{ending}" if ending else "")',
        "",
        "restoring.py",
    ),
    _bug(
        "the second decision replaces the first",
        "review",
        "            Assignment.decision.is_(None),\n            Assignment.state ==",
        "            Assignment.state ==",
        "money_attacks.py",
    ),
    _bug(
        "one kind of evidence is enough to reject",
        "review",
        "if evidence.GOLD in kinds and len(kinds) >= 2:",
        "if evidence.GOLD in kinds:",
        "review.py",
        "evidence.py",
    ),
    _bug(
        "what the venue decides by itself is not looked at",
        "collection",
        "    if not decided:\n        return 0\n",
        "    if decided:\n        return 0\n",
        "collection.py",
    ),
    _bug(
        "an answer that cannot be read ends the collection",
        "collection",
        '        assignment.parse_state = "unparsed"\n',
        '        raise ValueError("poison") from error\n',
        "collection.py",
    ),
    _bug(
        "one page of a list is read",
        "providers/mturk",
        "            if not token:\n                return\n",
        "            return\n",
        "providers.py",
    ),
    _bug(
        "a bonus has a new token at each try",
        "bonuses",
        "            intent.token,\n",
        '            f"{intent.token[:40]}{intent.attempts}",\n',
        "money_bonuses.py",
    ),
    _bug(
        "an old bonus is paid without a look",
        "bonuses",
        "    if intents.is_past_window(bonus.intent, resources.clock()):\n",
        "    if False:\n",
        "money_bonuses.py",
        "money_attacks.py",
    ),
    _bug(
        "an order holds its growth, not what it opens",
        "extending",
        "_unit_price(one.context, one.provider, hit, target) * (target - n_covered),",
        "_unit_price(one.context, one.provider, hit, target) * (target - hit.max_assignments),",
        "extending.py",
    ),
    _bug(
        "an order of unknown outcome gives its money back",
        "extending",
        "        if error.permanent and intents.is_last_attempt(session, intent):\n",
        "        if intents.is_last_attempt(session, intent):\n",
        "extending.py",
    ),
    _bug(
        "a HIT that ended is opened again behind its money",
        "prolonging",
        "        if ends_at is None or ends_at <= resources.clock() + LAST_CALL:\n",
        "        if ends_at is None:\n",
        "prolonging.py",
    ),
    _bug(
        "a letter is marked after its call",
        "workers/letters",
        '        _mark(session, ids, "unknown", "the venue\'s reply was lost")\n',
        "",
        "letters.py",
    ),
    _bug(
        "a row that is running is taken by another",
        "work",
        'and_(Work.state == "running", Work.lease_until < now),\n    )\n    change',
        'Work.state == "running",\n    )\n    change',
        "work_background.py",
        "leases.py",
    ),
    _bug(
        "a run that lost its lease ends the work of another",
        "work",
        'return (row.state, row.owner, row.attempts) == ("running", claim.owner, claim.attempt)',
        'return row.state == "running"',
        "work_background.py",
        "leases.py",
    ),
    _bug(
        "a combination that was taken over writes on",
        "consensus",
        "            fence(session)\n",
        "",
        "leases.py",
    ),
    _bug(
        "a difference with the venue stops nothing",
        "reconciling",
        "            intents.set_pause(session, True, reason=reason, actor=ACTOR, now=now)\n",
        "",
        "money_reconciling.py",
    ),
    _bug(
        "a fee is rounded down",
        "money",
        "(2 * micros_times + unit)",
        "(2 * micros_times)",
        "money_fees.py",
    ),
    _bug(
        "the fee rises from eleven assignments",
        "fees",
        "if n_assignments >= table.many_from:",
        "if n_assignments > table.many_from:",
        "money_fees.py",
    ),
    _bug(
        "a worker is silenced in every environment",
        "workers/exclusions",
        ".join(Job, Exclusion.environment == _ACCOUNT)",
        '.join(Job, Exclusion.environment != "")',
        "exclusions.py",
    ),
    _bug(
        "the gate does not look at the balance",
        "launch_gate",
        "return 0 if balance is None else max(0, self.first_micros - balance)",
        "return 0",
        "launch_gate.py",
    ),
)
