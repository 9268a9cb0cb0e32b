"""What the author of a HIT template uses: field substitution, the linter, the try-out."""
