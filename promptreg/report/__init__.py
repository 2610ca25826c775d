"""Painters: data in, lines of text out. No painter reads a file, and none writes to the terminal."""
