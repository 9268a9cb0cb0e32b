"""A trusted person decides what the crowd could not; where asked, a second one looks too."""
