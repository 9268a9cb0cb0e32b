"""Operations on HITs and HIT types."""

from __future__ import annotations

from sqlalchemy import Select, select

from webapp.marketplace import hit_types, hits, layouts, tokens
from webapp.marketplace.operations.call import Call, Members
from webapp.marketplace.operations.shapes import hit_shape
from webapp.marketplace.paging import page
from webapp.marketplace.refusals import missing
from webapp.marketplace.tables.traffic import RequestToken
from webapp.marketplace.tables.work import Hit, HitType, ReviewRow


def create_hit_type(call: Call, args: Members) -> Members:
    """CreateHITType: equal attributes give the same id."""
    hit_type = hit_types.find_or_make(call.session, call.requester, args, call.now)
    return {"HITTypeId": hit_type.hit_type_id}


def create_hit(call: Call, args: Members) -> Members:
    """CreateHIT: finds or makes the HIT type, then the HIT."""
    token = tokens.claim(
        call.session, call.requester.id, call.operation, args.get("UniqueRequestToken"), call.now
    )
    hit_type = hit_types.find_or_make(call.session, call.requester, args, call.now)
    return _made(call, hit_type, args, token)


def create_hit_with_hit_type(call: Call, args: Members) -> Members:
    """CreateHITWithHITType."""
    token = tokens.claim(
        call.session, call.requester.id, call.operation, args.get("UniqueRequestToken"), call.now
    )
    hit_type = call.hit_type(args["HITTypeId"])
    hit_type.used_at = call.now
    return _made(call, hit_type, args, token)


def get_hit(call: Call, args: Members) -> Members:
    """GetHIT: a disposed HIT is still told of, with that status."""
    return {"HIT": hit_shape(call.hit(args["HITId"], disposed=True))}


def list_hits(call: Call, args: Members) -> Members:
    """ListHITs: all of the account's that are not disposed, newest first."""
    query = select(Hit).where(Hit.requester_id == call.requester.id, Hit.status != "Disposed")
    return _hit_page(call, args, query)


def list_reviewable_hits(call: Call, args: Members) -> Members:
    """ListReviewableHITs: HITIds of those to review."""
    query = select(Hit).where(
        Hit.requester_id == call.requester.id, Hit.status == args.get("Status", "Reviewable")
    )
    if "HITTypeId" in args:
        query = query.where(Hit.type_id == call.hit_type(args["HITTypeId"]).id)
    answer = _hit_page(call, args, query)
    if call.options.reviewable_items_bare:
        answer["HITs"] = [{"HITId": hit["HITId"]} for hit in answer["HITs"]]
    return answer


def list_hits_for_qualification_type(call: Call, args: Members) -> Members:
    """ListHITsForQualificationType: the caller's HITs that require the qualification."""
    type_id = call.qualification_type(args["QualificationTypeId"], own=False).qualification_type_id
    asking = [
        hit_type.id
        for hit_type in call.session.scalars(
            select(HitType).where(HitType.requester_id == call.requester.id)
        )
        if any(row["QualificationTypeId"] == type_id for row in hit_type.requirements)
    ]
    query = select(Hit).where(Hit.type_id.in_(asking), Hit.status != "Disposed")
    return _hit_page(call, args, query)


def update_expiration_for_hit(call: Call, args: Members) -> Members:
    """UpdateExpirationForHIT: the same time twice in a row is a used idempotency token."""
    hit = call.hit(args["HITId"])
    token = hits.expiration_token(hit, args["ExpireAt"])
    tokens.claim(call.session, call.requester.id, call.operation, token, call.now, made=hit.hit_id)
    tokens.forget_others(call.session, call.requester.id, call.operation, hit.hit_id, token)
    hits.change_expiration(call.session, hit, args["ExpireAt"], call.options, call.now)
    return {}


def create_additional_assignments_for_hit(call: Call, args: Members) -> Members:
    """CreateAdditionalAssignmentsForHIT."""
    tokens.claim(
        call.session, call.requester.id, call.operation, args.get("UniqueRequestToken"), call.now
    )
    hit = call.hit(args["HITId"])
    n_more = args["NumberOfAdditionalAssignments"]
    hits.add_assignments(call.session, hit, n_more, call.options, call.now)
    return {}


def update_hit_type_of_hit(call: Call, args: Members) -> Members:
    """UpdateHITTypeOfHIT."""
    hit, hit_type = call.hit(args["HITId"]), call.hit_type(args["HITTypeId"])
    hits.change_type(call.session, hit, hit_type, call.options, call.now)
    return {}


def update_hit_review_status(call: Call, args: Members) -> Members:
    """UpdateHITReviewStatus."""
    hits.mark_reviewing(call.hit(args["HITId"]), revert=args.get("Revert", False))
    return {}


def delete_hit(call: Call, args: Members) -> Members:
    """DeleteHIT."""
    hits.delete(call.session, call.hit(args["HITId"], disposed=True), call.now)
    return {}


def list_review_policy_results_for_hit(call: Call, args: Members) -> Members:
    """ListReviewPolicyResultsForHIT: what the policies found and did, in pages."""
    hit = call.hit(args["HITId"])
    levels = args.get("PolicyLevels") or ["Assignment", "HIT"]
    query = select(ReviewRow).where(ReviewRow.hit_id == hit.id, ReviewRow.level.in_(levels))
    if not args.get("RetrieveActions", True):
        query = query.where(ReviewRow.is_action.is_(False))
    if not args.get("RetrieveResults", True):
        query = query.where(ReviewRow.is_action.is_(True))
    rows, members = page(call, args, query, [ReviewRow.id], lambda row: (row.id,))
    return {
        "HITId": hit.hit_id,
        "AssignmentReviewPolicy": hit.assignment_policy,
        "HITReviewPolicy": hit.hit_policy,
        "AssignmentReviewReport": _report(rows, "Assignment"),
        "HITReviewReport": _report(rows, "HIT"),
        "NextToken": members.get("NextToken"),
    }


def _report(rows: list[ReviewRow], level: str) -> Members:
    here = [row for row in rows if row.level == level]
    return {
        "ReviewResults": [row.body for row in here if not row.is_action],
        "ReviewActions": [row.body for row in here if row.is_action],
    }


def _made(call: Call, hit_type: HitType, args: Members, token: RequestToken | None) -> Members:
    if ("Question" in args) == ("HITLayoutId" in args):
        raise missing("Question", "Either a Question or a HITLayoutId must be given, and not both.")
    question = args.get("Question") or layouts.question_of(
        call.session,
        call.requester.id,
        args.get("HITLayoutId", ""),
        args.get("HITLayoutParameters", []),
    )
    hit = hits.make(call.session, hit_type, question, args, call.options, call.now)
    if token is not None:
        token.made = hit.hit_id
    return {"HIT": hit_shape(hit)}


def _hit_page(call: Call, args: Members, query: Select[Hit]) -> Members:
    if call.options.index_lag_seconds:
        query = query.where(Hit.created_at <= call.now - call.options.index_lag_seconds * 1000)
    rows, members = page(call, args, query, [Hit.id], lambda hit: (hit.id,), newest_first=True)
    return {**members, "HITs": [hit_shape(hit) for hit in rows]}
