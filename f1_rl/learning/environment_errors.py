"""Environments of others that cannot be made, told in our words."""

import gymnasium as gym

from f1_rl.errors import did_you_mean
from f1_rl.settings import SettingsError


def refused(env: str, error: Exception) -> SettingsError:
    """Return that an environment cannot be made, with the first sentence of the reason.

    Args:
        env: Its id.
        error: Gymnasium's, or the environment's own.
    """
    # A missing key is nothing but the key.
    told = repr(error) if isinstance(error, KeyError) else str(error)
    first = told.replace("`", "'").strip().splitlines() or [type(error).__name__]
    reason = first[0].split(". ")[0].rstrip(".?")
    near = "" if env in gym.registry else did_you_mean(env, gym.registry)
    return SettingsError(
        f"env {env}: {reason}{near}; check its name and env_options, and that its package is "
        "installed."
    )
