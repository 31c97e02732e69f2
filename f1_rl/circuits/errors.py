"""The one error of the circuits package."""


class CircuitError(ValueError):
    """A circuit that cannot be used; the message says what is wrong, where, and what to do."""
