"""What a training loop has to do: equal for all systems that are compared."""

from typing import Any

from f1_rl.learning.runs import DEFAULT_PRESET, RunSettings, run_settings
from f1_rl.settings import PositiveInt, Settings

TARGET_UPDATE_PERIOD = 40
EPSILON = 0.05
LEARNING_STARTS = 256
_ENDLESS = 10**9
_LOG_EVERY_S = 0.25

PIXELS = DEFAULT_PRESET
CARTPOLE = "cartpole"


class Work(Settings, frozen=True):
    """A training loop: act, step, store, sample, update.

    Attributes:
        preset: Environment, network, discount and step size are those of this preset.
        num_envs: Environments that act in one call.
        steps_per_call: Environment steps between calls of the learner, of all environments.
        steps_per_update: Environment steps for each update.
        batch_size: Samples in one update.
        n_step: Rewards summed before bootstrapping.
        units: Units of the dense layers; none: the preset's.
    """

    preset: str
    num_envs: PositiveInt = 1
    steps_per_call: PositiveInt = 1
    steps_per_update: PositiveInt = 1
    batch_size: PositiveInt = 64
    n_step: PositiveInt = 1
    units: tuple[PositiveInt, ...] | None = None

    def __post_init__(self) -> None:
        """Check that calls, steps and updates divide."""
        if self.steps_per_call % self.num_envs or self.steps_per_call % self.steps_per_update:
            raise ValueError(
                "steps_per_call must be a multiple of num_envs and of steps_per_update"
            )

    @property
    def vector_steps_per_call(self) -> int:
        """Steps of all environments together between calls of the learner."""
        return self.steps_per_call // self.num_envs

    @property
    def updates_per_call(self) -> int:
        """Updates in one call of the learner."""
        return self.steps_per_call // self.steps_per_update

    def settings(self) -> RunSettings:
        """Return the preset with all that the systems must have in common."""
        agent: dict[str, Any] = {
            "algorithm": "dqn",
            "loss": "huber",
            "gradient_clipping": 10.0,
            "final_learning_rate": None,
            "target_update_period": TARGET_UPDATE_PERIOD,
            "target_update_tau": 1.0,
            "batch_size": self.batch_size,
            "n_step": self.n_step,
        }
        if self.units is not None:
            agent["network"] = {"units": list(self.units)}
        training = {
            "num_envs": self.num_envs,
            "env_steps": _ENDLESS,
            "learning_starts": LEARNING_STARTS,
            "train_every": self.vector_steps_per_call,
            "updates_per_call": self.updates_per_call,
            "epsilon_start": EPSILON,
            "epsilon_end": EPSILON,
            "evaluate_from": _ENDLESS,
            "evaluate_every": _ENDLESS,
            "checkpoint_every_s": float(_ENDLESS),
            "log_every_s": _LOG_EVERY_S,
        }
        return run_settings(self.preset, [{"agent": agent, "training": training}])

    def arguments(self) -> dict[str, Any]:
        """Return what a system's `train` is told, as plain values."""
        return {
            "settings": self.settings().as_dict(),
            "updates_per_call": self.updates_per_call,
            "vector_steps_per_call": self.vector_steps_per_call,
            "steps_per_update": self.steps_per_update,
        }
