"""Which replay a run has, and in whose memory its frames lie."""

import logging
from collections.abc import Callable
from functools import partial

from f1_rl.learning.frames import Frames, HostFrames
from f1_rl.learning.observations import ObservationLayout
from f1_rl.learning.prioritized_replay import PrioritizedReplay
from f1_rl.learning.replay import Replay
from f1_rl.learning.settings import AgentSettings, TrainingSettings
from f1_rl.settings import SettingsError

_LOG = logging.getLogger(__name__)


def make_replay(
    layout: ObservationLayout,
    agent: AgentSettings,
    training: TrainingSettings,
    device: str = "/CPU:0",
    *,
    demonstrated: bool = False,
) -> Replay:
    """Return the replay that a run is set to have.

    Args:
        layout: Of the observations.
        agent: The learning rule.
        training: The schedule.
        device: The TensorFlow device that learns.
        demonstrated: Whether batches are drawn from demonstrations, too.

    Raises:
        SettingsError: The capacity holds too few steps of that many environments, or the frames
            cannot lie where they are set to.
    """
    make = partial(_make, layout, agent, training)
    reason = _why_on_host(agent, demonstrated)
    if training.replay_device == "learner" and reason is not None:
        raise SettingsError(f"training.replay_device: {reason}; set it to host.")
    wanted = training.replay_device == "learner" or (
        training.replay_device == "auto" and device.startswith("/GPU")
    )
    if reason is not None or not wanted:
        return make(HostFrames)
    # Only now: a table is learned before TensorFlow would be imported.
    from f1_rl.learning.device import DeviceMemoryError
    from f1_rl.learning.device_frames import DeviceFrames

    try:
        return make(partial(DeviceFrames, device=device))
    except DeviceMemoryError as error:
        if training.replay_device == "learner":
            raise SettingsError(f"training.replay_device: {error}") from error
        _LOG.warning("%s The host keeps them now.", error)
        return make(HostFrames)


def _make(
    layout: ObservationLayout,
    agent: AgentSettings,
    training: TrainingSettings,
    make_frames: Callable[[int, ObservationLayout], Frames],
) -> Replay:
    shape = (training.replay_capacity, training.num_envs, layout)
    if training.prioritized_replay is None:
        return Replay(*shape, n_step=agent.n_step, gamma=agent.gamma, make_frames=make_frames)
    return PrioritizedReplay(
        *shape,
        n_step=agent.n_step,
        gamma=agent.gamma,
        make_frames=make_frames,
        priorities=training.prioritized_replay,
    )


def _why_on_host(agent: AgentSettings, demonstrated: bool) -> str | None:
    """Return why the host has to keep the frames; None: it need not."""
    if agent.algorithm == "tabular":
        return "a table is learned by the host"
    if agent.augmentation.enabled:
        return "agent.augmentation changes pictures in the host's memory"
    if demonstrated:
        return "demonstrations lie in the host's memory"
    return None
