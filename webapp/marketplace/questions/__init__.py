"""Questions in, answers out: the service's XML documents, read with care and written by hand."""
