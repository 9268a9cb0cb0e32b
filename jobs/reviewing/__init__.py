"""Decisions about submitted work: approve, reject, take back, and never too late."""
