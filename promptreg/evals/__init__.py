"""The room of evidence: suites, runs, stored results, and the gate that compares two of them."""
