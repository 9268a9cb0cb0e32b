"""The product without a web server: datasets, HITs, answers, money, labels."""
