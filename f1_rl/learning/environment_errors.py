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
    first = str(error).replace("`", "'").strip().splitlines() or [type(error).__name__]
    reason = first[0].split(". ")[0].rstrip(".?")
    return SettingsError(
        f"env {env}: {reason}{did_you_mean(env, gym.registry)}; check its name, and that its "
        "package is installed."
    )
