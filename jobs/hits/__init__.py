"""The life of a HIT at its venue: posted, extended, prolonged, collected, disposed of."""
