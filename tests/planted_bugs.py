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
        "hits/publishing",
        "replace(posting.spec, token=intent.token)",
        'replace(posting.spec, token=f"{intent.token[:40]}{intent.attempts}")',
        "publishing.py::test_a_lost_reply_never_makes_a_second_hit",
    ),
    _bug(
        "each try reserves again",
        "hits/publishing",
        '    if is_new:\n        key = f"hold:intent:{intent.id}:{intent.window}"',
        '    if True:\n        key = f"hold:intent:{intent.id}:{intent.attempts}"',
        "publishing.py::test_a_lost_reply_never_makes_a_second_hit",
    ),
    _bug(
        "a lost reply gives the money back",
        "hits/publishing",
        "            _set_unknown(session, posting, intent.id, error, resources)\n    raise",
        "            _void(session, posting, intent, error, resources)\n    raise",
        "publishing.py::test_an_unknown_outcome_keeps_the_money_held",
    ),
    _bug(
        "past the life of a token the venue is not read",
        "hits/publishing",
        "if intent.attempts > 1 and intents.is_past_window(intent, resources.clock()):",
        "if False:",
        "publishing.py::test_past_the_life_of_a_token_the_venue_is_read_before_it_is_asked_again",
    ),
    _bug(
        "a list that lags is believed",
        "intents",
        "return sent_at is not None and now - sent_at < LISTING_LAG",
        "return False",
        "money_attacks.py::test_a_try_too_young_for_the_venues_list_is_not_followed_by_a_new_token",
    ),
    _bug(
        "half of the worst case is held",
        "hits/publishing",
        "            posting.worst_micros,\n            key=key,",
        "            posting.worst_micros // 2,\n            key=key,",
        "publishing.py::test_a_job_posts_each_hit_once_and_holds_its_worst_case",
    ),
    _bug(
        "a refused call keeps its money",
        "spending/ledger",
        '    return release(session, intent.job_id, held, key=f"void:{window}"',
        '    return False and release(session, intent.job_id, held, key=f"void:{window}"',
        "publishing.py::test_a_refused_hit_voids_its_hold_and_is_posted_once_there_is_money",
    ),
    _bug(
        "a hold looks at the budget and not at what is held",
        "spending/ledger",
        "fits = Job.held_micros + Job.spent_micros + amount_micros <= Job.budget_micros",
        "fits = Job.spent_micros + amount_micros <= Job.budget_micros",
        "money_ledger.py",
    ),
    _bug(
        "a payment is booked each time it is told",
        "spending/ledger",
        "    total = sum(spent.values())\n    job = _locked(session, job_id)\n"
        "    if _exists(session, key):\n        return False\n",
        "    total = sum(spent.values())\n    job = _locked(session, job_id)\n",
        "money_ledger.py",
    ),
    _bug(
        "what is spent stays held",
        "spending/ledger",
        '_write(session, job, key, "settle", {"held": -total, **spent}, reason, now)',
        '_write(session, job, key, "settle", {"available": -total, **spent}, reason, now)',
        "money_ledger.py",
    ),
    _bug(
        "one HIT spends what is held for another",
        "spending/ledger",
        "enough = Hit.held_micros + amount_micros >= 0",
        "enough = Hit.id > 0",
        "money_ledger.py",
    ),
    _bug(
        "the cap of an environment is not in its update",
        "spending/limits",
        "or_(Account.cap_micros.is_(None), committed <= Account.cap_micros),",
        "or_(Account.cap_micros.is_(None), committed >= 0),",
        "money_limits.py",
    ),
    _bug(
        "a clock that lags begins the hour anew",
        "spending/limits",
        "is_counted = Account.hour.between(hour, hour + _WRONG_CLOCK)",
        "is_counted = Account.hour == hour",
        "money_attacks.py::test_the_count_of_an_hour_is_not_begun_anew_by_a_clock_that_lags",
    ),
    _bug(
        "an hour that runs away is not stopped",
        "spending/limits",
        "found.hour_micros > found.hourly_micros:",
        "found.hour_micros < 0:",
        "money_limits.py",
    ),
    _bug(
        "the pause switch is not read",
        "intents",
        "if switch is not None and switch.is_on:",
        "if switch is None:",
        "money_attacks.py::test_a_pause_in_the_middle_of_a_batch_lets_no_further_hit_out",
    ),
    _bug(
        "HITs are bought while a finding is open",
        "intents",
        "if call.is_paid and call.operation in BUYING:",
        "if False:",
        "money_reconciling.py::test_nothing_is_bought_while_a_finding_is_open_even_if_paid_calls_go_on",
    ),
    _bug(
        "a call is opened again with other parameters",
        "intents",
        "if intent.parameters_sha256 != _digest(call.parameters):",
        "if False:",
        "money_bonuses.py::test_another_amount_for_the_same_reason_is_refused",
    ),
    _bug(
        "money comes back while work is undecided",
        "spending/settling",
        "    if session.scalar(undecided):\n        return False\n",
        "",
        "collection.py",
        "money_faults.py::test_a_fault_at_any_single_point_doubles_and_loses_nothing",
    ),
    _bug(
        "money comes back while the HIT is open",
        "spending/settling",
        '    if hit.state != "closed":\n        return False\n',
        "",
        "collection.py",
    ),
    _bug(
        "what a HIT held after a restore never comes back",
        "spending/settling",
        ' + (f":{ending}" if ending else "")',
        "",
        "restoring.py::test_slots_that_were_opened_again_after_the_backup_give_their_money_back_once_more",
    ),
    _bug(
        "the second decision replaces the first",
        "reviewing/review",
        "            Assignment.decision.is_(None),\n            Assignment.state ==",
        "            Assignment.state ==",
        "money_attacks.py::test_people_who_decide_at_once_decide_once_and_all_others_learn_who",
    ),
    _bug(
        "one kind of evidence is enough to reject",
        "reviewing/review",
        "if evidence.GOLD in kinds and len(kinds) >= 2:",
        "if evidence.GOLD in kinds:",
        "review.py",
        "evidence.py",
    ),
    _bug(
        "what the venue decides by itself is not looked at",
        "hits/collection",
        "    if not decided:\n        return 0\n",
        "    if decided:\n        return 0\n",
        "collection.py::test_work_that_the_venue_approves_by_itself_is_paid_in_our_books_too",
    ),
    _bug(
        "an answer that cannot be read ends the collection",
        "hits/collection",
        '        assignment.parse_state = "unparsed"\n',
        '        raise ValueError("poison") from error\n',
        "collection.py::test_raw_bytes_are_kept_and_an_answer_that_is_none_waits_for_a_person",
    ),
    _bug(
        "one page of a list is read",
        "providers/mturk",
        "            if not token:\n                return\n",
        "            return\n",
        "providers.py::test_every_page_of_a_list_is_read",
    ),
    _bug(
        "a bonus has a new token at each try",
        "spending/bonuses",
        "            intent.token,\n",
        '            f"{intent.token[:40]}{intent.attempts}",\n',
        "money_bonuses.py::test_a_lost_reply_never_pays_a_bonus_twice",
    ),
    _bug(
        "an old bonus is paid without a look",
        "spending/bonuses",
        "    if intents.is_past_window(bonus.intent, resources.clock()):\n",
        "    if False:\n",
        "money_bonuses.py::test_a_lost_reply_never_pays_a_bonus_twice",
    ),
    _bug(
        "an order holds its growth, not what it opens",
        "hits/extending",
        "* (target - n_covered),",
        "* (target - hit.max_assignments),",
        "extending.py::test_slots_that_nobody_took_are_opened_again_and_paid_for",
    ),
    _bug(
        "an order of unknown outcome gives its money back",
        "hits/extending",
        "        if error.permanent and intents.is_last_attempt(session, intent):\n",
        "        if intents.is_last_attempt(session, intent):\n",
        "extending.py::test_an_unknown_outcome_keeps_the_money_held",
    ),
    _bug(
        "a HIT that ended is opened again behind its money",
        "hits/prolonging",
        "LAST_CALL = timedelta(minutes=10)",
        "LAST_CALL = -timedelta(days=365)",
        "prolonging.py::test_a_hit_that_ended_is_not_opened_again_behind_its_money",
    ),
    _bug(
        "a HIT is called in while a call to keep it open is under way",
        "hits/stopping",
        "if prolonging.is_under_way(session, hit.id, resources.clock()):",
        "if False:",
        "prolonging.py::test_a_hit_is_not_called_in_while_a_call_to_keep_it_open_may_still_arrive",
    ),
    _bug(
        "a HIT is kept open without another look",
        "hits/prolonging",
        "        if why_not:\n            return why_not\n",
        "",
        "prolonging.py::test_a_hit_that_is_called_in_while_its_batch_is_prolonged_stays_closed",
    ),
    _bug(
        "an order gets a new token while its last try may still arrive",
        "hits/extending",
        "if intents.may_be_unlisted(before, resources.clock()):",
        "if False:",
        "money_slow_calls.py::test_an_order_that_may_still_arrive_is_not_followed_by_a_new_token",
    ),
    _bug(
        "an order that waited in a backup is carried out again",
        "reconciling/adopting",
        "            _end_order(waiting, posted.max_assignments, hit, now)\n",
        "            pass\n",
        "restoring.py::test_an_order_that_waited_in_the_backup_is_not_carried_out_again",
    ),
    _bug(
        "work that always dies at the same place is tried for ever",
        "calls",
        "resources.clock(), lease.note, fence",
        "resources.clock(), lease, fence",
        "leases.py::test_a_job_whose_combination_always_dies_waits_for_a_person",
    ),
    _bug(
        "a letter is marked after its call",
        "workers/letters",
        '        _mark(session, ids, "unknown", "the venue\'s reply was lost")\n',
        "",
        "letters.py::test_a_letter_whose_fate_is_unknown_is_never_sent_again",
    ),
    _bug(
        "a row that is running is taken by another",
        "work",
        'and_(Work.state == "running", Work.lease_until < now),\n    )\n    taken',
        'Work.state == "running",\n    )\n    taken',
        "leases.py",
    ),
    _bug(
        "a run that lost its lease ends the work of another",
        "work",
        'return (row.state, row.owner, row.attempts) == ("running", claim.owner, claim.attempt)',
        'return row.state == "running"',
        "work_background.py::test_a_run_that_lost_its_lease_changes_nothing",
    ),
    _bug(
        "a combination that was taken over writes on",
        "combining/consensus",
        "            fence(session)\n",
        "",
        "leases.py::test_a_combination_that_was_taken_over_while_it_learned_overwrites_nothing",
    ),
    _bug(
        "a difference with the venue stops nothing",
        "reconciling/reconciling",
        "            intents.set_pause(session, True, reason=reason, actor=ACTOR, now=now)\n",
        "",
        "money_reconciling.py::test_a_hit_under_our_marker_that_nobody_knows_stops_all_paid_calls",
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
        "exclusions",
        ".join(Job, Exclusion.environment == _ACCOUNT)",
        '.join(Job, Exclusion.environment != "")',
        "exclusions.py::test_who_is_excluded_in_the_sandbox_still_votes_in_production",
    ),
    _bug(
        "the gate does not look at the balance",
        "planning/launch_gate",
        "return 0 if balance is None else max(0, self.first_micros - balance)",
        "return 0",
        "launch_gate.py",
    ),
    _bug(
        "a reply that dribbles is read for ever",
        "providers/_turk_deadline",
        "    kinds.update(http=_Pool, https=_SecurePool)",
        "    kinds.update()",
        "slow_replies.py::test_a_reply_that_dribbles_through_tls_ends_too",
    ),
    _bug(
        "a horse that hangs keeps its worker",
        "background",
        "partial(kept, when_lost=_end_horse)",
        "kept",
        "stuck_horses.py::test_a_horse_whose_work_was_taken_over_ends_and_its_worker_does_other_work",
    ),
    _bug(
        "calling in waits for a run that died for good",
        "hits/prolonging",
        '(Intent.state != "done") & lately',
        "(Intent.state.in_(intents.OPEN) | lately)",
        "prolonging.py::test_hits_are_called_in_though_keeping_them_open_waits_for_a_person",
    ),
    _bug(
        "a stop believes a list that lags",
        "hits/publishing",
        "    if intents.may_be_unlisted(intent.last_sent_at or intent.first_sent_at, looked_at):",
        "    if False:",
        "publishing_stopping.py::test_a_stop_does_not_wait_for_posting_that_waits_for_a_person",
    ),
)
