"""Answers become labels: votes, consensus, what has grown stale, and the label that counts."""
