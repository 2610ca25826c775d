"""One file for each command; their table is cli/table.py."""
