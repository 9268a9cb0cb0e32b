"""One seed, one whole job under faults: the real services against the real marketplace.

Nothing here waits, opens a socket or reads the clock: a seed is the same story each time.
"""
