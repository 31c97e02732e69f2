"""Demonstrations: recorded episodes that are learned from beside, or instead of, a run's own."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from f1_rl.bags.episodes import Account, Episode
from f1_rl.learning.checkpoints import CheckpointError
from f1_rl.learning.observations import ObservationLayout
from f1_rl.learning.replay import Batch, Priorities, Replay


class Demonstrations:
    """A replay that is filled once and never written over.

    Returns are made over n steps of the recorded driver, whatever the policy would have done: as in
    the run's own replay they are not corrected for that. The less the two agree and the longer n,
    the more the values are those of the recorded driver; n = 1 has no such bias.
    """

    def __init__(
        self,
        episodes: Sequence[Episode],
        layout: ObservationLayout,
        *,
        num_actions: int,
        n_step: int,
        gamma: float,
        accounts: Sequence[Account] = (),
    ) -> None:
        """Fill the replay.

        Args:
            episodes: At least one.
            layout: Of the observations.
            num_actions: What was done is one of so many.
            n_step: Rewards summed before bootstrapping.
            gamma: Discount of one step.
            accounts: What became of the bags that the episodes come from.
        """
        self.accounts = tuple(accounts)
        # Each episode has one observation more than transitions; the last n slots of a replay
        # are not drawn from, and its oldest ones may lack the frames that are stacked.
        slots = sum(len(episode) + 1 for episode in episodes) + n_step + layout.longest_stack
        self._transitions = sum(len(episode) for episode in episodes)
        self._replay = Replay(slots + 1, 1, layout, n_step=n_step, gamma=gamma)
        self._shares = np.eye(num_actions, dtype=np.float32)
        nothing = np.zeros(1)
        for number, episode in enumerate(episodes):
            if number == 0:
                self._replay.begin(_observations(episode, 0, layout))
            else:
                self._add(nothing, nothing, False, False, _observations(episode, 0, layout))
            self._add_episode(episode, layout)
        last = _observations(episodes[-1], -1, layout)
        for _ in range(n_step):
            self._add(nothing, nothing, False, False, last)

    def __len__(self) -> int:
        """Return the number of transitions."""
        return self._transitions

    def sample(self, updates: int, batch_size: int, rng: np.random.Generator) -> Batch:
        """Draw `updates` batches uniformly, with replacement; what was done is the advice."""
        return self._replay.sample(updates, batch_size, rng)

    def _add_episode(self, episode: Episode, layout: ObservationLayout) -> None:
        for step in range(len(episode)):
            is_last = step == len(episode) - 1
            self._add(
                episode.actions[step : step + 1],
                episode.rewards[step : step + 1],
                is_last and episode.terminated,
                is_last and not episode.terminated,
                _observations(episode, step + 1, layout),
                self._shares[episode.actions[step : step + 1]],
            )

    def _add(
        self,
        action: Any,
        reward: Any,
        terminated: bool,
        truncated: bool,
        observations: Any,
        advice: Any = None,
    ) -> None:
        self._replay.add(
            action,
            reward,
            np.array([terminated]),
            np.array([truncated]),
            observations,
            advice=advice,
        )


def save_episodes(path: Path, episodes: Sequence[Episode]) -> None:
    """Write episodes into one file, from which a run goes on without the bags; none: no file.

    Raises:
        OSError: It cannot be written.
    """
    if not episodes:
        return
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(episode, name) for episode in episodes])
        for name in ("frames", "speed", "actions", "rewards")
        if getattr(episodes[0], name) is not None
    }
    arrays["lengths"] = np.array([len(episode) for episode in episodes])
    arrays["terminated"] = np.array([episode.terminated for episode in episodes])
    arrays["reasons"] = np.array([episode.reason for episode in episodes])
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez(file, **arrays)
    partial.replace(path)


def load_episodes(path: Path) -> list[Episode]:
    """Return the episodes that `save_episodes` wrote.

    Raises:
        CheckpointError: There are none that can be read.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise CheckpointError(
            f"{path}: the run's demonstrations cannot be read ({error}); begin another run."
        ) from error
    lengths = arrays["lengths"]
    after = np.cumsum(lengths)[:-1]
    after_last = np.cumsum(lengths + 1)[:-1]
    speed = arrays.get("speed")
    count = len(lengths)
    speeds = [None] * count if speed is None else np.split(speed, after_last)
    columns = (
        np.split(arrays["frames"], after_last),
        speeds,
        np.split(arrays["actions"], after),
        np.split(arrays["rewards"], after),
        [bool(value) for value in arrays["terminated"]],
        [str(value) for value in arrays["reasons"]],
    )
    return [Episode(*values) for values in zip(*columns, strict=True)]


def sample_mixed(
    own: Replay,
    demonstrations: Demonstrations | None,
    share: float,
    updates: int,
    batch_size: int,
    rng: np.random.Generator,
) -> Batch:
    """Draw batches of which a fixed share are demonstrations (Ball et al. 2023, RLPD).

    Demonstrations are drawn uniformly and weigh 1, also beside a prioritised replay.

    Args:
        own: The run's own replay; while there is nothing to draw, all samples are demonstrations.
        demonstrations: None: all samples are the run's own.
        share: Of each batch that is demonstrations, 0 to 1.
        updates: How many batches.
        batch_size: Samples in each.
        rng: Draws them.
    """
    if demonstrations is None:
        return own.sample(updates, batch_size, rng)
    recorded = round(share * batch_size) if own.holds_transitions else batch_size
    if recorded == batch_size:
        return demonstrations.sample(updates, batch_size, rng)
    if recorded == 0:
        return own.sample(updates, batch_size, rng)
    first = demonstrations.sample(updates, recorded, rng)
    second = own.sample(updates, batch_size - recorded, rng)
    return Batch(
        observations=tuple(
            np.concatenate(parts, axis=1)
            for parts in zip(first.observations, second.observations, strict=True)
        ),
        actions=np.concatenate([first.actions, second.actions], axis=1),
        rewards=np.concatenate([first.rewards, second.rewards], axis=1),
        discounts=np.concatenate([first.discounts, second.discounts], axis=1),
        priorities=_behind_recorded(second.priorities, (updates, recorded)),
        advice=_advice_beside(first.advice, second),
    )


def _advice_beside(recorded: Any, own: Batch) -> Any:
    """Return the advice of demonstrations with that of a run's own samples behind it."""
    nothing = np.zeros((*own.actions.shape, recorded.shape[2]), recorded.dtype)
    return np.concatenate([recorded, nothing if own.advice is None else own.advice], axis=1)


def _behind_recorded(own: Priorities | None, shape: tuple[int, int]) -> Priorities | None:
    """Return the priorities of a run's own samples behind those of `shape` demonstrations."""
    if own is None:
        return None
    return Priorities(
        weights=np.concatenate([np.ones(shape, np.float32), own.weights], axis=1),
        leaves=np.concatenate([np.full(shape, -1), own.leaves], axis=1),
    )


def _observations(episode: Episode, index: int, layout: ObservationLayout) -> list[Any]:
    """Return one observation of an episode, `(1, ...)` for each part, newest frame alone."""
    parts = {"": episode.frames, "frames": episode.frames, "speed": episode.speed}
    return [parts[part.name][index][None] for part in layout.parts]  # type: ignore[index]
