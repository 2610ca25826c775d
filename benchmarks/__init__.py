"""Measurements, as ratios against a reference measured in the same run. Nothing here is asserted in tests."""
