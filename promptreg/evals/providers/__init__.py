"""One file for each provider; their table is evals/all_providers.py."""
