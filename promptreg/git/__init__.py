"""The room that speaks git. GitPython is imported in git/repo.py alone."""
