"""Moving pins: promote, roll back, unpin."""
