"""The marketplace's tables, without verbs; importing one module of them makes all known."""

from webapp.marketplace.tables import money, people, qualifications, traffic, work

__all__ = ["money", "people", "qualifications", "traffic", "work"]
