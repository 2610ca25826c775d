"""One file for each family of scorers; their table is evals/all_scorers.py."""
