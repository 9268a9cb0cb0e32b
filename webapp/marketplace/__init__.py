"""A marketplace of your own: requesters use boto3 as with Mechanical Turk, workers a browser.

It stands alone: nothing of the rest of the product is imported here, so that it plays the
service's part honestly. ``apps`` makes the two WSGI apps, ``serving`` runs them.
"""
