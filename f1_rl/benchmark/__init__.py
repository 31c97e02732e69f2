"""Measurements of this package beside what people would otherwise use: `f1-rl benchmark`."""
