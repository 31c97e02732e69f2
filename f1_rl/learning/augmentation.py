"""Transitions turned into others that are as true: mirrored and shifted pictures."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from f1_rl.learning.observations import ObservationLayout
from f1_rl.learning.replay import Batch
from f1_rl.learning.settings import AugmentationSettings
from f1_rl.settings import SettingsError

Array = npt.NDArray[Any]
IntArray = npt.NDArray[np.int64]


class Augmentation:
    """Changes the pictures of a batch, and its actions with them.

    Pictures are the parts of an observation with three dimensions; other parts stay as they are.
    """

    def __init__(
        self,
        settings: AugmentationSettings,
        layout: ObservationLayout,
        mirrored_actions: tuple[int, ...] | None,
    ) -> None:
        """Check that the environment allows for what is set.

        Args:
            settings: What is changed.
            layout: Of the observations.
            mirrored_actions: Of each action, which one is its mirror image; None: not known.

        Raises:
            SettingsError: There is no picture, or no mirror image of an action is known.
        """
        self._pictures = [len(part.shape) == 3 for part in layout.parts]
        if settings.enabled and not any(self._pictures):
            raise SettingsError(
                "agent.augmentation: the observation holds no picture to change; leave it out."
            )
        if settings.mirror and mirrored_actions is None:
            raise SettingsError(
                "agent.augmentation.mirror: which actions of this environment are mirror images "
                "of each other is not known; set it to false."
            )
        self._settings = settings
        self._mirrored_actions = np.array(mirrored_actions or (), np.int32)

    def apply(self, batch: Batch, rng: np.random.Generator) -> Batch:
        """Return the batch with every second transition mirrored and each picture shifted.

        Samples of a batch are drawn independently, so that every second one is a random half. Both
        states of a transition are mirrored or neither, for they share an action; they are shifted
        independently of each other, and the frames of a stack together, as in DrQ (Kostrikov et al.
        2021, "Image Augmentation Is All You Need", algorithm 1 with K = M = 1).
        """
        if not self._settings.enabled:
            return batch
        actions, advice = batch.actions, batch.advice
        if self._settings.mirror:
            actions = actions.copy()
            actions[:, ::2] = self._mirrored_actions[actions[:, ::2]]
            if advice is not None:
                advice = advice.copy()
                # An action is the mirror image of its mirror image.
                advice[:, ::2] = advice[:, ::2, self._mirrored_actions]
        observations = tuple(
            self._change(part, rng) if is_picture else part
            for part, is_picture in zip(batch.observations, self._pictures, strict=True)
        )
        return replace(batch, observations=observations, actions=actions, advice=advice)

    def _change(self, pictures: Array, rng: np.random.Generator) -> Array:
        """Return pictures `(K, B, 2, H, W, C)`, every second pair mirrored, and all shifted."""
        if self._settings.mirror:
            pictures = _mirror(pictures)
        return _shift(pictures, self._settings.shift, rng) if self._settings.shift else pictures


def _mirror(pictures: Array) -> Array:
    changed: Array = pictures.copy()
    # Pixels as things of one piece, which NumPy moves in less than half the time.
    pixel = np.dtype((np.void, pictures.shape[-1] * pictures.itemsize))
    before, after = (array.view(pixel)[..., 0] for array in (pictures, changed))
    after[:, ::2] = before[:, ::2, ..., ::-1]
    return changed


def _shift(pictures: Array, largest: int, rng: np.random.Generator) -> Array:
    """Return each picture shifted by up to `largest` pixels either way, its edges repeated."""
    height, width, channels = pictures.shape[-3:]
    count = pictures.size // (height * width * channels)

    def positions(size: int) -> IntArray:
        """Return from where each of `size` pixels is taken, `(count, size)`."""
        shifts = rng.integers(-largest, largest + 1, (count, 1))
        return np.asarray(np.clip(np.arange(size)[None] + shifts, 0, size - 1))

    rows, columns = positions(height), positions(width)
    first_rows = np.arange(count) * height
    pixels = (first_rows[:, None] + rows)[:, :, None] * width + columns[:, None, :]
    changed: Array = np.take(pictures.reshape(-1, channels), pixels, axis=0)
    return changed.reshape(pictures.shape)
