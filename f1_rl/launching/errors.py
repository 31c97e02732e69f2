"""The error of this package."""


class LaunchError(Exception):
    """What was asked for cannot be started; the message says why and what to do."""
