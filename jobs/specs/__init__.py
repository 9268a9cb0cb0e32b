"""What is asked: a job as it is written down, its labels, its tiles, and the HITs made of them."""
