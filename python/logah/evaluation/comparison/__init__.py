"""Comparisons of initialisations: plan, runs, results and the report of them."""
