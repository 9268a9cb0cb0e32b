"""The 39 operations, one function each, named as the service names them, by subject."""
