"""Labels out: what was chosen, which label versions that is, and the file they become."""
