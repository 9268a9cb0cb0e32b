"""Operations on qualification types and on who holds them."""

from __future__ import annotations

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.exc import IntegrityError

from webapp.marketplace import qualifying
from webapp.marketplace.hit_types import checked_text
from webapp.marketplace.identifiers import new_id
from webapp.marketplace.operations.call import Call, Members
from webapp.marketplace.operations.qualification_requests import apply_granting
from webapp.marketplace.operations.shapes import qualification_shape, qualification_type_shape
from webapp.marketplace.paging import page
from webapp.marketplace.refusals import (
    bad_value,
    qualification_missing,
    qualification_state,
    qualification_type_exists,
    qualification_type_state,
)
from webapp.marketplace.tables.people import Worker
from webapp.marketplace.tables.qualifications import Qualification, QualificationType


def create_qualification_type(call: Call, args: Members) -> Members:
    """CreateQualificationType: a name is unique among the owner's."""
    name = checked_text(args, "Name", 200)
    same = select(QualificationType).where(
        QualificationType.requester_id == call.requester.id, QualificationType.living_name == name
    )
    found = call.session.scalar(same)
    if found:
        raise qualification_type_exists(found.qualification_type_id)
    row = QualificationType(
        qualification_type_id=new_id(),
        requester=call.requester,
        name=name,
        living_name=name,
        keywords=checked_text(args, "Keywords", 1000, blank=True),
        description=checked_text(args, "Description", 2000),
        status=args["QualificationTypeStatus"],
        auto_granted=False,
        auto_granted_value=1,
        test="",
        answer_key="",
        for_staff=False,
        created_at=call.now,
        used_at=call.now,
    )
    apply_granting(row, args)
    try:
        with call.session.begin_nested():
            call.session.add(row)
    except IntegrityError as error:
        found = call.session.scalars(same).one()
        raise qualification_type_exists(found.qualification_type_id) from error
    return {"QualificationType": qualification_type_shape(row)}


def get_qualification_type(call: Call, args: Members) -> Members:
    """GetQualificationType: anyone's."""
    row = call.qualification_type(args["QualificationTypeId"], own=False)
    return {"QualificationType": qualification_type_shape(row)}


def list_qualification_types(call: Call, args: Members) -> Members:
    """ListQualificationTypes: a search by words in name, description and keywords."""
    query = select(QualificationType).where(QualificationType.status.in_(("Active", "Inactive")))
    if args.get("MustBeOwnedByCaller"):
        query = query.where(QualificationType.requester_id == call.requester.id)
    if args["MustBeRequestable"]:
        query = query.where(
            QualificationType.status == "Active", QualificationType.for_staff.is_(False)
        )
    for word in args.get("Query", "").split():
        query = query.where(_mentions(word))
    if call.options.index_lag_seconds:
        latest = call.now - call.options.index_lag_seconds * 1000
        query = query.where(QualificationType.created_at <= latest)
    rows, members = page(call, args, query, [QualificationType.id], lambda row: (row.id,))
    return {**members, "QualificationTypes": [qualification_type_shape(row) for row in rows]}


def associate_qualification_with_worker(call: Call, args: Members) -> Members:
    """AssociateQualificationWithWorker: grants, overwrites, or grants again."""
    qualification_type = call.qualification_type(args["QualificationTypeId"])
    if qualification_type.status != "Active":
        raise qualification_type_state("Active", qualification_type.status)
    worker = _worker(call, args["WorkerId"])
    qualifying.grant(
        call.session, qualification_type, worker, args.get("IntegerValue", 1), call.now,
        tell=args.get("SendNotification", True),
    )  # fmt: skip
    return {}


def disassociate_qualification_from_worker(call: Call, args: Members) -> Members:
    """DisassociateQualificationFromWorker: revokes."""
    row = _held(call, args)
    if row.status != "Granted":
        raise qualification_state(row.status)
    row.status = "Revoked"
    row.reason = checked_text(args, "Reason", 4096, blank=True)
    return {}


def get_qualification_score(call: Call, args: Members) -> Members:
    """GetQualificationScore: of a granted qualification."""
    row = _held(call, args)
    if row.status != "Granted":
        raise qualification_state(row.status)
    return {"Qualification": qualification_shape(row)}


def list_workers_with_qualification_type(call: Call, args: Members) -> Members:
    """ListWorkersWithQualificationType."""
    qualification_type = call.qualification_type(args["QualificationTypeId"])
    query = select(Qualification).where(Qualification.type_id == qualification_type.id)
    if "Status" in args:
        query = query.where(Qualification.status == args["Status"])
    rows, members = page(call, args, query, [Qualification.id], lambda row: (row.id,))
    return {**members, "Qualifications": [qualification_shape(row) for row in rows]}


def _mentions(word: str) -> ColumnElement[bool]:
    return or_(
        QualificationType.name.icontains(word, autoescape=True),
        QualificationType.description.icontains(word, autoescape=True),
        QualificationType.keywords.icontains(word, autoescape=True),
    )


def _worker(call: Call, worker_id: str) -> Worker:
    worker = call.session.scalar(select(Worker).where(Worker.worker_id == worker_id))
    if worker is None:
        raise bad_value("WorkerId", worker_id)
    return worker


def _held(call: Call, args: Members) -> Qualification:
    qualification_type = call.qualification_type(args["QualificationTypeId"])
    worker = _worker(call, args["WorkerId"])
    row = call.session.scalar(
        select(Qualification).where(
            Qualification.type_id == qualification_type.id, Qualification.worker_id == worker.id
        )
    )
    if row is None:
        raise qualification_missing(args["QualificationTypeId"], args["WorkerId"])
    return row
