"""Making evidence: which runs are wanted, what they may cost, running them, and storing what comes of them."""
