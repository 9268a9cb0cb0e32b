"""One installation: its database versions, backups, logs and queue."""
