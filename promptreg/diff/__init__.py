"""The room that compares two prompts: what changed, as data."""
