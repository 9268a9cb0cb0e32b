"""The page of a HIT: rendered apart from us, its fields, and the size a venue takes."""
