"""The documentation, and what keeps it true: generated pages, and sessions whose output comes from running them."""
