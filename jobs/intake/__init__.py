"""Images in: archives, folders and buckets become items, with a report of what was refused."""
