"""How a Gymnasium observation space is laid out for the replay and the network."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from f1_rl.settings import SettingsError

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class ObservationPart:
    """One array of the observation of one environment.

    Attributes:
        name: Its key in a `Dict` space, empty for a plain `Box`.
        shape: Of the whole part, the stacked frames along the last axis, the newest last.
        dtype: As the environment gives it; floats are kept as float32.
        stack: How many frames are stacked along the last axis; 1: none.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    stack: int = 1

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """The shape of one frame."""
        if self.stack == 1:
            return self.shape
        return (*self.shape[:-1], self.shape[-1] // self.stack)

    def newest_frame(self, observation: Array) -> Array:
        """Return the newest frame of `(N, ...)` observations."""
        if self.stack == 1:
            return observation
        return observation[..., -self.frame_shape[-1] :]

    def frame_view(self, observations: Array, position: int) -> Array:
        """Return a view of the frame at `position` (0: oldest) in `(N, ...)` observations."""
        if self.stack == 1:
            return observations
        channels = self.frame_shape[-1]
        return observations[..., position * channels : (position + 1) * channels]


class ObservationLayout:
    """The parts of an observation space, in a fixed order."""

    def __init__(self, space: gym.Space[Any], frame_stack: int = 1) -> None:
        """Lay out a `Box` or a `Dict` of boxes.

        Args:
            space: The observation space of one environment.
            frame_stack: How many frames the environment stacks along the last axis of its
                pictures (parts of three dimensions).

        Raises:
            SettingsError: The space is of another kind, or does not divide into that many frames.
        """
        if isinstance(space, gym.spaces.Box):
            named = {"": space}
        elif isinstance(space, gym.spaces.Dict) and all(
            isinstance(part, gym.spaces.Box) for part in space.spaces.values()
        ):
            named = dict(space.spaces)  # type: ignore[arg-type]
        else:
            raise SettingsError(f"an observation space {space} cannot be learned from; use a Box.")
        self.parts: tuple[ObservationPart, ...] = tuple(
            _part(name, box, frame_stack) for name, box in sorted(named.items())
        )

    @property
    def longest_stack(self) -> int:
        """The largest number of frames stacked in any part."""
        return max(part.stack for part in self.parts)

    def split(self, observations: Any) -> tuple[Array, ...]:
        """Return the parts of a batch of observations in this layout's order."""
        if self.parts[0].name == "":
            return (np.asarray(observations, self.parts[0].dtype),)
        return tuple(np.asarray(observations[part.name], part.dtype) for part in self.parts)

    def join(self, parts: Sequence[Any]) -> Any:
        """Return what `split` took apart: one array, or a mapping of names to arrays."""
        if self.parts[0].name == "":
            return parts[0]
        return {part.name: array for part, array in zip(self.parts, parts, strict=True)}


def _part(name: str, box: gym.spaces.Box, frame_stack: int) -> ObservationPart:
    stack = frame_stack if len(box.shape) == 3 else 1
    if stack > 1 and box.shape[-1] % stack:
        raise SettingsError(
            f"{box.shape[-1]} channels do not divide into {stack} frames; choose another "
            "frame_stack."
        )
    given: np.dtype[Any] = np.dtype(str(box.dtype))
    dtype = np.dtype(np.float32) if np.issubdtype(given, np.floating) else given
    return ObservationPart(name, tuple(box.shape), dtype, stack)
