"""Running a suite: calls, what is kept of them while it runs, and the result that comes of it."""
