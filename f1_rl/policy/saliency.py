"""Where a decision comes from: which parts of an observation change the action values.

Perturbation-based saliency after Greydanus, Koul, Dodge and Fern, "Visualizing and Understanding
Atari Agents" (ICML 2018): a round patch of the observation is blurred, which takes the information
away there and adds none, and the score of the patch is half the squared change of what the network
says. Here that is the advantage of each action (its value minus the mean of all): what moves every
value alike changes no decision.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from f1_rl.driving.environment import Observation
from f1_rl.policy.model import SavedQFunction

Array = npt.NDArray[Any]
QFunction = Callable[[Sequence[Array]], npt.NDArray[np.floating[Any]]]

_MOST_PATCHES: Final = 100
# Standard deviations in units of the patches' distance: patches overlap a little, and the blur is
# so wide that the painted line fades.
_PATCH_SIGMA: Final = 0.7
_BLUR_SIGMA: Final = 2.0


class Saliency:
    """Scores every place of an observation by what a Q-function makes of it.

    Not for two threads at once, as the model behind it is not.
    """

    def __init__(self, q_values: QFunction, shape: tuple[int, int, int]) -> None:
        """Lay the patches.

        Args:
            q_values: From the parts of N observations, in the order of their names, to the action
                values (N, A); it is asked once for each observation, with a batch.
            shape: (R, C, K) of the frames.
        """
        self._q_values = q_values
        self._shape = shape
        rows, columns, layers = shape
        self._spacing = max(1, math.ceil(math.sqrt(rows * columns / _MOST_PATCHES)))
        self._grid = (math.ceil(rows / self._spacing), math.ceil(columns / self._spacing))
        masks = _masks(rows, columns, self._grid, _PATCH_SIGMA * self._spacing)
        # Written out for every layer: NumPy is slow where the innermost axis is a short one.
        self._masks = np.repeat(masks, layers, axis=-1)

    @property
    def patches(self) -> int:
        """How many patches are blurred, one after the other."""
        return len(self._masks)

    def of(self, observations: Observation) -> npt.NDArray[np.float32]:
        """Return the score of each place of one observation.

        Args:
            observations: Of one car, `(1, R, C, K)` uint8 or a mapping with such `frames`, as the
                environment gives them; whatever else is in the mapping stays as it is.

        Returns:
            (R, C) float32 >= 0: half the squared change of the advantages, summed over the
            actions.

        Raises:
            ValueError: The frames are of another shape, or not of one car.
            PolicyError: The Q-function does not take such observations.
        """
        named = observations if isinstance(observations, dict) else {"frames": observations}
        frames = named["frames"]
        if frames.shape != (1, *self._shape):
            raise ValueError(f"saliency of frames {frames.shape}: give {(1, *self._shape)}.")
        count = 1 + self.patches
        parts = [
            self._perturbed(frames[0]) if name == "frames" else np.repeat(named[name], count, 0)
            for name in sorted(named)
        ]
        values = np.asarray(self._q_values(parts), np.float32)
        advantages = values - values.mean(axis=1, keepdims=True)
        scores = 0.5 * ((advantages[1:] - advantages[0]) ** 2).sum(axis=1)
        return self._spread(scores.reshape(self._grid))

    def _perturbed(self, frame: Array) -> npt.NDArray[np.uint8]:
        """Return (1 + P, R, C, K): the frames as they are, then with each patch blurred."""
        rows, columns, layers = self._shape
        sigma = _BLUR_SIGMA * self._spacing
        blurred = cv2.GaussianBlur(frame.astype(np.float32), (0, 0), sigma)
        change = blurred.reshape(rows, columns, layers) - frame
        out = np.empty((1 + self.patches, rows, columns, layers), np.uint8)
        out[0] = frame
        changed = self._masks * change
        changed += frame
        out[1:] = np.rint(changed, out=changed)
        return out

    def _spread(self, scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the scores of the patches at every place, linear between their middles."""
        rows, columns, _ = self._shape
        down, across = (
            (np.arange(size, dtype=np.float32) + 0.5) * count / size - 0.5
            for size, count in ((rows, self._grid[0]), (columns, self._grid[1]))
        )
        places = np.broadcast_arrays(across[np.newaxis], down[:, np.newaxis])
        spread = cv2.remap(
            scores,
            np.ascontiguousarray(places[0]),
            np.ascontiguousarray(places[1]),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(spread, np.float32)


def saliency_of(model: SavedQFunction) -> Saliency:
    """Return the saliency of a saved policy, or of another saved Q-function over frames.

    It asks a copy of the model: a model that decides must not have to change the size of its
    batches back and forth, nor be used by two threads.

    Raises:
        PolicyError: The model has gone from its folder, or was damaged.
    """
    copy = SavedQFunction(model.folder)
    rows, columns, layers = copy.shapes[0]
    return Saliency(copy.q_values, (rows, columns, layers))


def _masks(rows: int, columns: int, grid: tuple[int, int], sigma: float) -> npt.NDArray[np.float32]:
    """Return (P, R, C, 1): how much of each place a patch takes away, 1 in its middle."""
    middles = [
        (np.arange(count) + 0.5) * size / count - 0.5
        for size, count in zip((rows, columns), grid, strict=True)
    ]
    profiles = [
        np.exp(-((np.arange(size) - middle[:, np.newaxis]) ** 2) / (2.0 * sigma**2))
        for size, middle in zip((rows, columns), middles, strict=True)
    ]
    masks = profiles[0][:, np.newaxis, :, np.newaxis] * profiles[1][np.newaxis, :, np.newaxis]
    return np.asarray(masks.reshape(-1, rows, columns, 1), np.float32)
