"""Teach a Formula 1 car to drive from its camera, with deep Q-learning."""

__version__ = "0.1.0"
