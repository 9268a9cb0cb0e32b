"""Our records against the venue's own: differences, and HITs taken over."""
