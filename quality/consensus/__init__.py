"""Consensus: many workers' answers to one combined answer an item.

``tags`` and ``boxes`` are folders with one method a file. Each file offers
``VERSION: str`` and ``combine(answers) -> result`` with the shapes below.
"""
