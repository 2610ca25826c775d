"""The step that CI takes: everything that must hold before a change is merged (docs/check.md)."""
