"""The terminal door: reads what people type, calls the steps, paints what comes back."""
