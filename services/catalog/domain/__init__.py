"""Extraction and review: what a clause promises, written as a rule, and who decides whether the city offers it."""
