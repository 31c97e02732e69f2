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
        mirrored = np.zeros(batch.actions.shape, np.bool_)
        actions, advice = batch.actions, batch.advice
        if self._settings.mirror:
            mirrored[:, ::2] = True
            actions = np.where(mirrored, self._mirrored_actions[actions], actions)
            if advice is not None:
                # An action is the mirror image of its mirror image.
                images = advice[..., self._mirrored_actions]
                advice = np.where(mirrored[..., None], images, advice)
        observations = tuple(
            self._change(part, mirrored, rng) if is_picture else part
            for part, is_picture in zip(batch.observations, self._pictures, strict=True)
        )
        return replace(batch, observations=observations, actions=actions, advice=advice)

    def _change(
        self, pictures: Array, mirrored: npt.NDArray[np.bool_], rng: np.random.Generator
    ) -> Array:
        """Return pictures `(K, B, 2, H, W, C)` mirrored where `(K, B)` says so, and shifted."""
        height, width, channels = pictures.shape[-3:]
        if not self._settings.shift:
            changed: Array = pictures.copy()
            # Pixels as things of one piece, which NumPy moves in less than half the time.
            pixel = np.dtype((np.void, channels * pictures.itemsize))
            before, after = (array.view(pixel)[..., 0] for array in (pictures, changed))
            after[mirrored] = before[mirrored][..., ::-1]
            return changed
        flat_mirrored = np.repeat(mirrored.ravel(), 2)
        rows = self._positions(height, len(flat_mirrored), rng)
        columns = self._positions(width, len(flat_mirrored), rng)
        columns = np.where(flat_mirrored[:, None], width - 1 - columns, columns)
        first_rows = np.arange(len(flat_mirrored)) * height
        pixels = (first_rows[:, None] + rows)[:, :, None] * width + columns[:, None, :]
        changed = np.take(pictures.reshape(-1, channels), pixels, axis=0)
        return changed.reshape(pictures.shape)

    def _positions(self, size: int, count: int, rng: np.random.Generator) -> IntArray:
        """Return from where each of `size` pixels is taken, `(count, size)`: edges are repeated."""
        largest = self._settings.shift
        shifts = rng.integers(-largest, largest + 1, (count, 1))
        return np.asarray(np.clip(np.arange(size)[None] + shifts, 0, size - 1))
