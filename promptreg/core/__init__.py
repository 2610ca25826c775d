"""The ground floor: resolve a prompt and render it.

Imports the standard library, jinja2 and yaml only (and, for version ranges, nodesemver inside the function that
needs it), so that application code pays for nothing else.
"""
