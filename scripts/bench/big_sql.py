"""The rows of the large database as SQL that both databases run: arithmetic on the number n.

Task n asks item n, ten tasks make a HIT, each HIT has three assignments. Nine tenths of the
items belong to the large job, whose questions are boxes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
SPAN = timedelta(days=20)
N_WORKERS = 400
ANSWERS_EACH = 3
ANSWER_TASK = "((n - 1) / 3 + 1)"  # of the n-th answer
TASKS_A_HIT = 10
REWARD, FEE = 60_000, 12_000

# By table: columns, values (braces name pieces of SQL, see pieces_of), and which n there are.
SOURCES: Mapping[str, tuple[str, str, str]] = {
    "item": (
        "id, dataset_id, sha256, name, blob_key, media_type, width, height, licence, source,"
        " attributes, created_at",
        "n, {dataset}, {hex}, 'street/' || n || '.jpg', :blob_key, 'image/jpeg', 640, 480,"
        " 'CC0-1.0', 'bench', {empty}, {began}",
        "items",
    ),
    "task": (
        "id, job_id, item_id, kind, is_gold, state",
        "n, {dataset}, n, {kind}, n % 50 = 0, 'open'",
        "items",
    ),
    "gold_answer": (
        "id, item_id, kind, value, created_at",
        "n, 50 * n, CASE WHEN 50 * n <= {large} THEN 'boxes' ELSE 'tags' END, {gold}, {began}",
        "golds",
    ),
    "hit": (
        "id, batch_id, state, marker, max_assignments, provider_hit_id, held_micros, posted_at,"
        " expires_at, collected_at",
        "n, {batch}, CASE WHEN {open_hit} THEN 'posted' ELSE 'closed' END, 'bench:hit:' || n, 3,"
        " 'H' || n, CASE WHEN {open_hit} THEN 216000 ELSE 0 END, {posted}, {expires}, {posted}",
        "hits",
    ),
    "hit_task": ("hit_id, position, task_id", "(n - 1) / 10 + 1, (n - 1) % 10, n", "items"),
    "raw_submission": (
        "id, hit_id, provider, provider_assignment_id, provider_worker_id, raw, sha256,"
        " accepted_at, submitted_at, received_at",
        "n, {hit_of}, 'mturk', 'A' || n, 'W' || {worker}, '<QuestionFormAnswers/>', {hex},"
        " {worked}, {worked}, {worked}",
        "assignments",
    ),
    "assignment": (
        "id, raw_submission_id, hit_id, worker_id, state, parse_state, parse_error, decision,"
        " decision_reason, decided_by, work_seconds, cost_micros, fee_micros",
        "n, n, {hit_of}, {worker}, {state}, CASE WHEN n % 997 = 0 THEN 'unparsed' ELSE 'parsed'"
        " END, '', {decision}, '', 'policy', 40 + n % 60, {cost}, {fee}",
        "assignments",
    ),
    "answer": (
        "id, assignment_id, task_id, worker_id, value, seconds, created_at",
        "n, {answer_assignment}, {answer_task}, {answer_worker}, {value}, 4 + n % 9, {answered}",
        "answers",
    ),
    "consensus": (
        "id, job_id, item_id, kind, state, method, value, confidence, agreement, n_answers,"
        " answers_sha256, provenance, combined_at",
        "n, {dataset}, n, {kind}, {question}, 'probabilistic@1', {consensus}, {confidence},"
        " (n * 7919 % 1000) / 1000.0, 3, {hex}, {provenance}, {ended}",
        "items",
    ),
    "label": (
        "id, job_id, item_id, kind, version, value, confidence, origin, provenance, actor,"
        " created_at",
        "n, {dataset}, n, {kind}, 1, {consensus}, {confidence}, 'consensus', {provenance},"
        " 'system', {ended}",
        "labels",
    ),
    "label 2": (
        "id, job_id, item_id, kind, version, value, confidence, origin, provenance, actor,"
        " created_at",
        "{n_items} + n, {dataset}, n, {kind}, 2, {consensus}, 1.0, 'adjudication', {reason},"
        " 'ada@example.org', {ended}",
        "decided",
    ),
    "intent": (
        "id, key, job_id, operation, token, parameters, parameters_sha256, state,"
        ' provider_reference, actor, attempts, error, "window", created_at',
        "n, 'publish:hit:' || n, {hit_job}, 'CreateHIT', 't' || n, {empty}, '', 'done',"
        " 'H' || n, 'background', 1, '', 0, {posted}",
        "hits",
    ),
    "intent 2": (
        "id, key, job_id, operation, token, parameters, parameters_sha256, state,"
        ' provider_reference, actor, attempts, error, "window", created_at',
        "{n_hits} + n, 'approve:assignment:' || n, {assignment_job}, 'ApproveAssignment', 'a' ||"
        " n, {empty}, '', 'done', '', 'policy', 1, '', 0, {worked}",
        "approved",
    ),
    "ledger_transaction": (
        "id, key, job_id, route_id, hit_id, kind, actor, request_id, at",
        "n, 'hold:hit:' || n, {hit_job}, {hit_job}, n, 'hold', 'background', '', {posted}",
        "hits",
    ),
    "ledger_entry": (
        "id, transaction_id, account, amount_micros",
        "n, (n + 1) / 2, CASE n % 2 WHEN 0 THEN 'held' ELSE 'available' END,"
        " CASE n % 2 WHEN 0 THEN 216000 ELSE -216000 END",
        "hold legs",
    ),
    "ledger_transaction 2": (
        "id, key, job_id, route_id, hit_id, assignment_id, worker_id, kind, actor, request_id, at",
        "{n_hits} + n, 'settle:assignment:' || n, {assignment_job}, {assignment_job}, {hit_of}, n,"
        " {worker}, 'settle', 'policy', '', {worked}",
        "approved",
    ),
    "ledger_entry 2": (
        "id, transaction_id, account, amount_micros",
        "2 * {n_hits} + n, {n_hits} + (n - 1) / 3 + 1,"
        " CASE n % 3 WHEN 1 THEN 'held' WHEN 2 THEN 'reward' ELSE 'fee' END,"
        " CASE n % 3 WHEN 1 THEN -72000 WHEN 2 THEN 60000 ELSE 12000 END",
        "settle legs",
    ),
}


@dataclass(frozen=True)
class Size:
    """How many rows of each kind ``n_items`` items make."""

    n_items: int

    @property
    def n_hits(self) -> int:
        return self.n_items // TASKS_A_HIT

    @property
    def n_assignments(self) -> int:
        return self.n_hits * ANSWERS_EACH

    @property
    def large(self) -> int:
        return self.n_items * 9 // 10

    @property
    def small(self) -> int:
        return self.n_items // 40


def ranges(size: Size, pieces: Mapping[str, str]) -> dict[str, tuple[int, int, str]]:
    labelled = f"{pieces['question']} IN ('sure', 'adjudicated')"
    return {
        "items": (1, size.n_items, "1 = 1"),
        "golds": (1, size.n_items // 50, "1 = 1"),
        "hits": (1, size.n_hits, "1 = 1"),
        "assignments": (1, size.n_assignments, "1 = 1"),
        "answers": (1, size.n_items * ANSWERS_EACH, "1 = 1"),
        "labels": (1, size.n_items, labelled),
        "decided": (1, size.n_items, f"{pieces['question']} = 'adjudicated'"),
        "approved": (1, size.n_assignments, f"{pieces['state']} = 'Approved'"),
        "hold legs": (1, 2 * size.n_hits, "1 = 1"),
        "settle legs": (
            1,
            3 * size.n_assignments,
            pieces["state"].replace("n %", "((n - 1) / 3 + 1) %") + " = 'Approved'",
        ),
    }


def pieces_of(dialect: str, size: Size) -> dict[str, str]:
    def document(expression: str) -> str:
        return f"CAST({expression} AS JSON)" if dialect == "postgresql" else f"({expression})"

    def moment(seconds: str) -> str:
        if dialect == "postgresql":
            return f"(TIMESTAMPTZ '{BEGAN.isoformat()}' + ({seconds}) * INTERVAL '1 second')"
        base = int(BEGAN.timestamp())
        return f"strftime('%Y-%m-%d %H:%M:%S.000000', {base} + ({seconds}), 'unixepoch')"

    return {
        "hex": "lpad(to_hex(n), 64, '0')" if dialect == "postgresql" else "printf('%064x', n)",
        **_numbers(size),
        **{name: moment(seconds) for name, seconds in _moments(size).items()},
        **{name: document(value) for name, value in _documents(size).items()},
    }


def _numbers(size: Size) -> dict[str, str]:
    """Keys, states and amounts by the number of a row."""

    def job_of(item: str) -> str:
        return (
            f"(CASE WHEN {item} <= {size.large} THEN 1 "
            f"ELSE 2 + ({item} - {size.large} - 1) / {size.small} END)"
        )

    hit_of_answer = f"(({ANSWER_TASK} - 1) / 10 + 1)"
    copy_of_answer = "((n - 1) % 3)"
    return {
        "n_items": str(size.n_items),
        "n_hits": str(size.n_hits),
        "large": str(size.large),
        "dataset": job_of("n"),
        "kind": f"CASE WHEN n <= {size.large} THEN 'boxes' ELSE 'tags' END",
        "hit_job": job_of("(10 * n)"),
        "assignment_job": job_of("(((n - 1) / 3 + 1) * 10)"),
        "batch": job_of("(10 * n)"),
        "open_hit": "n % 7 = 0",
        "hit_of": "((n - 1) / 3 + 1)",
        "worker": f"(1 + (((n - 1) / 3 + 1) * 7 + ((n - 1) % 3) * 131) % {N_WORKERS})",
        "state": "(CASE WHEN n % 25 < 2 THEN 'Submitted' WHEN n % 25 = 2 THEN 'Rejected'"
        " ELSE 'Approved' END)",
        "decision": "CASE WHEN n % 25 < 2 THEN NULL WHEN n % 25 = 2 THEN 'reject'"
        " ELSE 'approve' END",
        "cost": f"CASE WHEN n % 25 > 2 THEN {REWARD} ELSE 0 END",
        "fee": f"CASE WHEN n % 25 > 2 THEN {FEE} ELSE 0 END",
        "answer_task": ANSWER_TASK,
        "answer_assignment": f"(({hit_of_answer} - 1) * 3 + {copy_of_answer} + 1)",
        "answer_worker": f"(1 + ({hit_of_answer} * 7 + {copy_of_answer} * 131) % {N_WORKERS})",
        "question": f"(CASE WHEN n > {size.large} AND n <= {size.large + size.small} THEN 'sure'"
        " WHEN n % 100 < 70 THEN 'sure' WHEN n % 100 < 78 THEN 'conflict'"
        " WHEN n % 100 < 82 THEN 'adjudicated' ELSE 'open' END)",
        "confidence": "CASE WHEN n % 100 < 70 THEN 0.9 + (n * 31 % 1000) / 10000.0"
        " ELSE 0.3 + (n * 17 % 1000) / 1700.0 END",
    }  # fmt: skip


def _moments(size: Size) -> dict[str, str]:
    """Seconds after the beginning."""
    span = int(SPAN.total_seconds())
    return {
        "began": "0",
        "ended": str(span),
        "posted": "n % 3600",
        "expires": f"{span} + 3600 * (n % 72)",
        "worked": f"CAST(n AS BIGINT) * {span} / {size.n_assignments}",
        "answered": f"CAST(n AS BIGINT) * {span} / {size.n_items * ANSWERS_EACH}",
    }


def _documents(size: Size) -> dict[str, str]:
    """JSON texts: answers, gold, consensus, provenance."""

    def boxes(seed: str, shift: str, more: str) -> str:
        left, top = f"({seed} * 37 % 400 + {shift})", f"({seed} * 53 % 300 + {shift})"
        sides = (
            f"""'"left": ' || {left} || ', "top": ' || {top} || ', "right": ' || ({left} + 120)"""
            f""" || ', "bottom": ' || ({top} + 90)"""
        )
        return f"""'{{"boxes": [{{"label": "car", ' || {sides} || '{more}}}]}}'"""

    light = """'{"tags": {"light": "' || CASE n % 3 WHEN 0 THEN 'night' ELSE 'day' END || '"}}'"""
    voters = ", ".join(
        f"""{{"answer": ' || (3 * n - {2 - place}) || ', "worker": ' || """
        f"""(1 + (((n - 1) / 10 + 1) * 7 + {place} * 131) % {N_WORKERS}) || ', """
        f""""provider": "mturk", "weight": 1.0}}"""
        for place in range(3)
    )
    return {
        "empty": "'{}'",
        "value":
            f"CASE WHEN {ANSWER_TASK} <= {size.large} "
            f"THEN {boxes(ANSWER_TASK, 'n % 5', '')} ELSE {light} END",
        "gold":
            f"CASE WHEN 50 * n <= {size.large} THEN {boxes('(50 * n)', '1', '')} ELSE {light} END",
        "consensus":
            f"CASE WHEN n <= {size.large} "
            f"""THEN {boxes("n", "2", ', "score": 0.93')} ELSE {light} END""",
        "provenance":
            f"""'{{"voters": [{voters}]' || CASE WHEN n <= {size.large} THEN """
            """', "boxes": [{"confidence": 0.93, "votes": 3, "sd": [1.1, 0.9, 1.4, 2.0],"""
            """ "answers": []}], "doubted": []}' ELSE ', "attributes": {"light": {"confidence":"""
            """ 0.93, "votes": {"day": 2, "night": 1}}}}' END""",
        "reason": """'{"reason": "checked"}'""",
    }  # fmt: skip
