"""What can go wrong with the live page."""


class LiveError(RuntimeError):
    """The live page cannot be shown; says why and what to do."""
