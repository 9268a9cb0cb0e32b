"""Before money moves: drafts, estimates, the launch gate, and what may change later."""
