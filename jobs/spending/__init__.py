"""Money: the ledger, its limits, what is settled and what is paid beside rewards."""
