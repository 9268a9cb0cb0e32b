"""Operations on event notifications."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from webapp.marketplace import notices
from webapp.marketplace.dial import as_datetime
from webapp.marketplace.identifiers import new_id
from webapp.marketplace.operations.call import Call, Members
from webapp.marketplace.options import Options
from webapp.marketplace.refusals import bad_destination, bad_value, missing

VERSIONS = ("2006-05-05", "2014-08-15")


def update_notification_settings(call: Call, args: Members) -> Members:
    """UpdateNotificationSettings: a new specification replaces the old one of the HIT type."""
    hit_type = call.hit_type(args["HITTypeId"])
    if "Notification" not in args and "Active" not in args:
        raise missing("Notification", "Either a Notification or Active must be given.")
    if "Notification" in args:
        _check(args["Notification"], call.options)
        hit_type.notification = args["Notification"]
    if hit_type.notification is None:
        raise missing("Notification", "The HIT type has no Notification that could be activated.")
    hit_type.notification_is_active = args.get("Active", True)
    return {}


def send_test_event_notification(call: Call, args: Members) -> Members:
    """SendTestEventNotification: one made-up event, whatever the specification filters."""
    _check(args["Notification"], call.options)
    event = {
        "EventType": args["TestEventType"],
        "EventTimestamp": notices.timestamp_text(as_datetime(call.now)),
    }
    if args["TestEventType"] != "Ping":
        event |= {"HITId": new_id(), "HITTypeId": new_id()}
    if args["TestEventType"].startswith("Assignment"):
        event["AssignmentId"] = new_id()
    notices.queue(call.session, call.requester, args["Notification"], event, call.now)
    return {}


def _check(notification: Members, options: Options) -> None:
    destination, transport = notification["Destination"], notification["Transport"]
    if notification["Version"] not in VERSIONS:
        raise bad_value("Version", notification["Version"])
    if not notification["EventTypes"]:
        raise bad_value("EventTypes", "[]")
    fits = {
        "Email": "@" in destination and not any(letter.isspace() for letter in destination),
        "SQS": _is_reachable(destination, options),
        "SNS": destination.startswith("arn:aws:sns:") or _is_reachable(destination, options),
    }
    if not fits[transport]:
        raise bad_destination(destination[:200])


def _is_reachable(address: str, options: Options) -> bool:
    """Whether the marketplace may send something there: this machine, or an allowed host."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or parts.username or not host:
        return False
    if host == "localhost" or host in options.notification_hosts:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
