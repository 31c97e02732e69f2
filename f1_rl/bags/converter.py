"""Cutting a recorded drive into episodes, frame by frame."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np

from f1_rl.bags.episodes import Account, Episode
from f1_rl.bags.frames import DriveFrame
from f1_rl.bags.judges import Judge, Verdict
from f1_rl.driving.actions import ActionTable, nearest_actions
from f1_rl.driving.environment import SPEED_UNIT_MPS
from f1_rl.driving.observation import Preprocessing, UInt8Array

# A car that comes further between two frames than this many times what its speed allows, and this
# much more, was put there.
_TELEPORT_FACTOR, _TELEPORT_M = 1.5, 0.3


def control_periods(
    frames: Iterable[DriveFrame], period_ns: int, tolerance: float, account: Account
) -> Iterator[tuple[DriveFrame, bool]]:
    """Choose the frames that lie one control period after one another.

    Of several frames within the tolerance the nearest is taken; those of a faster camera in between
    are left out.

    Args:
        frames: In the order of their stamps.
        period_ns: The control period.
        tolerance: How far a frame may lie from it, as a share of it.
        account: Counts frames, those left out, and gaps.

    Yields:
        A frame, and whether it follows the one before by one control period. Where none does, the
        next frame there is begins anew.
    """
    allowed_ns = tolerance * period_ns
    last_ns: int | None = None
    nearest: DriveFrame | None = None
    for frame in frames:
        account.frames += 1
        if nearest is not None and last_ns is not None:
            due_ns = last_ns + period_ns
            if nearest.stamp_ns < frame.stamp_ns and abs(frame.stamp_ns - due_ns) < abs(
                nearest.stamp_ns - due_ns
            ):
                account.between += 1
                nearest = frame
                continue
            yield nearest, True
            last_ns, nearest = nearest.stamp_ns, None
        late_ns = math.inf if last_ns is None else frame.stamp_ns - last_ns - period_ns
        if last_ns is not None and -period_ns <= late_ns < -allowed_ns:
            account.between += 1
        elif abs(late_ns) <= allowed_ns:
            nearest = frame
        else:
            account.gaps += last_ns is not None
            yield frame, False
            last_ns = frame.stamp_ns
    if nearest is not None:
        yield nearest, True


class Converter:
    """Makes episodes of a recorded drive."""

    def __init__(
        self,
        judge: Judge,
        preprocessing: Preprocessing,
        actions: ActionTable,
        account: Account,
        *,
        period_ns: int,
        period_tolerance: float,
        action_tolerance: float,
        observes_speed: bool,
        lead_s: float,
    ) -> None:
        """Bring the parts together.

        Args:
            judge: Gives rewards and endings.
            preprocessing: Of the task.
            actions: What the commands are taken for.
            account: Counts what becomes of the frames.
            period_ns: The control period.
            period_tolerance: How far a frame may lie from it, as a share of it.
            action_tolerance: How far a command may lie from its action.
            observes_speed: Whether the speed is part of an observation.
            lead_s: Of the task, see :func:`f1_rl.driving.settings.pedal_lead_s`.
        """
        self._judge = judge
        self._preprocessing = preprocessing
        self._actions = actions
        self._account = account
        self._period_ns = period_ns
        self._period_tolerance = period_tolerance
        self._action_tolerance = action_tolerance
        self._observes_speed = observes_speed
        self._lead_s = lead_s
        self._needs_odometry = observes_speed or actions.needs_speed or account.reward == "circuit"
        self._open: _Stretch | None = None
        self._distance_sum = self._reward_sum = 0.0
        self._commands = 0

    def episodes(self, frames: Iterable[DriveFrame]) -> Iterator[Episode]:
        """Yield the episodes of a drive.

        Args:
            frames: In the order of their stamps, each read once.

        Raises:
            ValueError: A picture is not of the task's camera.
        """
        periods = control_periods(frames, self._period_ns, self._period_tolerance, self._account)
        for frame, follows in periods:
            yield from self._take(frame, follows)
        yield from self._end("end")

    def _take(self, frame: DriveFrame, follows: bool) -> Iterator[Episode]:
        """Let a frame end what was going on, go on with it, or begin something."""
        reduced = self._preprocessing.apply(frame.picture)
        if self._open is not None:
            yield from self._go_on(self._open, frame, reduced, follows)
        action, reason = self._action(frame)
        if reason:
            yield from self._end(reason)
        elif self._open is not None:
            self._open.action = action
        elif self._judge.begin(frame, reduced):
            self._open = _Stretch(frame, reduced, action)
        else:
            self._account.off_road += 1

    def _go_on(
        self, stretch: _Stretch, frame: DriveFrame, reduced: UInt8Array, follows: bool
    ) -> Iterator[Episode]:
        """Add the control period that a frame ends, unless there is none."""
        if not follows:
            yield from self._end("gap")
        elif self._needs_odometry and frame.odometry is None:
            yield from self._end("unmatched")
        elif stretch.is_teleported_to(frame):
            self._account.teleports += 1
            yield from self._end("teleport")
        else:
            verdict = self._judge.step(frame, reduced, stretch.action)
            stretch.add(frame, reduced, verdict)
            if verdict.terminated or verdict.truncated:
                yield from self._end(verdict.reason, verdict.terminated)

    def _action(self, frame: DriveFrame) -> tuple[int, str]:
        """Return the action that was taken at a frame, or why there is none."""
        if frame.command is None or (self._needs_odometry and frame.odometry is None):
            self._account.unmatched += 1
            return 0, "unmatched"
        speed_mps = 0.0 if frame.odometry is None else frame.odometry.speed_mps
        period_s = self._period_ns * 1e-9
        table = self._actions.commands_at(np.array([speed_mps]), period_s, self._lead_s)
        actions, distances = nearest_actions(np.array([frame.command]), table)
        action, distance = int(actions[0]), float(distances[0])
        self._distance_sum += distance
        self._commands += 1
        self._account.command_distance = self._distance_sum / self._commands
        if distance > self._action_tolerance:
            self._account.far_commands += 1
            return 0, "far_command"
        return action, ""

    def _end(self, reason: str, terminated: bool = False) -> Iterator[Episode]:
        """Close what is going on; without a single control period, it is forgotten."""
        stretch, self._open = self._open, None
        if stretch is None or not stretch.rewards:
            return
        episode = stretch.episode(terminated, reason, self._observes_speed)
        account = self._account
        account.episodes += 1
        account.failures += terminated
        account.transitions += len(episode)
        self._reward_sum += float(episode.rewards.sum())
        account.mean_reward = self._reward_sum / account.transitions
        yield episode


class _Stretch:
    """Control periods that follow one another, and the action that began the one going on."""

    def __init__(self, frame: DriveFrame, reduced: UInt8Array, action: int) -> None:
        self.action = action
        self.rewards: list[float] = []
        self._actions: list[int] = []
        self._frames = [reduced]
        self._odometry = frame.odometry
        self._stamp_ns = frame.stamp_ns
        self._speeds = [self._speed_mps]

    def add(self, frame: DriveFrame, reduced: UInt8Array, verdict: Verdict) -> None:
        self._actions.append(self.action)
        self.rewards.append(verdict.reward)
        self._frames.append(reduced)
        self._odometry, self._stamp_ns = frame.odometry, frame.stamp_ns
        self._speeds.append(self._speed_mps)

    def is_teleported_to(self, frame: DriveFrame) -> bool:
        """Whether the car cannot have driven from the last frame to this one."""
        before, now = self._odometry, frame.odometry
        if before is None or now is None:
            return False
        seconds = (frame.stamp_ns - self._stamp_ns) / 1e9
        driven_m = max(abs(before.speed_mps), abs(now.speed_mps)) * seconds
        moved_m = math.hypot(now.x_m - before.x_m, now.y_m - before.y_m)
        return moved_m > _TELEPORT_FACTOR * driven_m + _TELEPORT_M

    def episode(self, terminated: bool, reason: str, with_speed: bool) -> Episode:
        speeds = np.array(self._speeds, np.float32)[:, None] / np.float32(SPEED_UNIT_MPS)
        return Episode(
            frames=np.stack(self._frames),
            speed=speeds if with_speed else None,
            actions=np.array(self._actions, np.int32),
            rewards=np.array(self.rewards, np.float32),
            terminated=terminated,
            reason=reason,
        )

    @property
    def _speed_mps(self) -> float:
        return 0.0 if self._odometry is None else self._odometry.speed_mps
