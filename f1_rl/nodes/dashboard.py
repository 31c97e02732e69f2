"""The picture of a drive as the lap video shows it, made of a driver's decisions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from f1_rl.circuits import Circuit, CircuitError, LapCounter, Poses, load_circuit
from f1_rl.driving.settings import TaskSettings, expand_circuit_names
from f1_rl.nodes.illustrator import Glance
from f1_rl.nodes.limiter import Command
from f1_rl.nodes.pilot import Pilot
from f1_rl.reporting.glyphs import Font
from f1_rl.reporting.lap_picture import CAMERA_BOX_PX, LapPicture
from f1_rl.reporting.palette import DARK, rgb
from f1_rl.reporting.video_panels import VideoFrame
from f1_rl.settings import SettingsError

UInt8Array = npt.NDArray[np.uint8]

_SILENT: Final = Command(math.nan, math.nan)
_BANNER_PX: Final = 34
_HELD: Final = rgb(DARK["accent"])
_INK: Final = rgb(DARK["page"])


class Dashboard:
    """Camera, map, what the network sees, Q-values and command in one picture."""

    def __init__(self, pilot: Pilot, circuit: Circuit | None) -> None:
        """Lay out the picture.

        Args:
            pilot: That decides.
            circuit: For the map; None: there is no map, and neither lap nor lateral error.
        """
        self._picture = LapPicture(circuit, pilot.action_names, pilot.preprocessing)
        self._progress = Progress(circuit) if circuit is not None else None
        self._font = Font(15, bold=True)

    def paint(self, glance: Glance, saliency: npt.NDArray[np.float32] | None) -> UInt8Array:
        """Return the picture of a moment.

        Args:
            glance: What was seen and decided.
            saliency: (R, C) of the decision, None where it is not known.

        Returns:
            (720, 1280, 3) uint8 RGB, painted over by the next call.
        """
        observations = glance.observations
        frames = observations["frames"] if isinstance(observations, dict) else observations
        x_m, y_m, yaw_rad = glance.pose or (math.nan, math.nan, math.nan)
        place = Place()
        if self._progress is not None and glance.pose is not None:
            place = self._progress.follow(glance.pose, glance.stamp_ns / 1e9)
        command = glance.sent or _SILENT
        picture = self._picture.paint(
            VideoFrame(
                camera=glance.picture,
                observation=frames[0],
                q_values=glance.decision.q_values,
                action=glance.decision.action,
                command_speed_mps=command.speed_mps,
                command_yaw_rate_radps=command.yaw_rate_radps,
                x_m=x_m,
                y_m=y_m,
                yaw_rad=yaw_rad,
                lap_time_s=place.lap_time_s,
                lateral_error_m=place.lateral_error_m,
                lap=place.lap,
                saliency=saliency,
            )
        )
        for i, sentence in enumerate(glance.holds):
            self._draw_hold(picture, i, sentence)
        return picture

    def _draw_hold(self, picture: UInt8Array, line: int, sentence: str) -> None:
        left, top, right, _ = CAMERA_BOX_PX
        top += 60 + line * (_BANNER_PX + 6)
        picture[top : top + _BANNER_PX, left:right] = _HELD
        text = self._font.fit(f"HELD: {sentence}", right - left - 40)
        self._font.draw(picture, text, (left + 20, top + 8), _INK)


@dataclass(frozen=True)
class Place:
    """Where the car is in its lap; NaN and 0 where that is not known."""

    lateral_error_m: float = math.nan
    lap: int = 0
    lap_time_s: float = math.nan


class Progress:
    """Follows a car around a circuit, from where it is seen first, in the direction it faces."""

    def __init__(self, circuit: Circuit) -> None:
        """Wait for the car."""
        self._circuit = circuit
        self._laps = LapCounter(1)
        self._direction = 0
        self._lap_began_s = 0.0

    def follow(self, pose: tuple[float, float, float], time_s: float) -> Place:
        """Take the car's newest pose, x and y (m) and heading (rad), and return its place."""
        poses = Poses(*(np.array([value]) for value in pose))
        if not self._direction:
            along = abs(float(self._circuit.project(poses).heading_error_rad[0])) <= math.pi / 2
            self._direction = 1 if along else -1
            arc_length_m = self._circuit.project(poses, self._direction).arc_length_m
            length_m = self._circuit.length_m
            self._laps.reset(np.array([0]), arc_length_m, length_m, arc_length_m, time_s)
            self._lap_began_s = time_s
        projection = self._circuit.project(poses, self._direction)
        before = int(self._laps.laps[0])
        self._laps.update(projection.arc_length_m, time_s)
        laps = int(self._laps.laps[0])
        if laps > before:
            self._lap_began_s = time_s
        return Place(float(projection.lateral_error_m[0]), laps + 1, time_s - self._lap_began_s)


def circuit_of_map(name: str, task: TaskSettings, warn: Callable[[str], None]) -> Circuit | None:
    """Return the circuit of a dashboard's map.

    Args:
        name: Of the circuit, or a CSV file; empty: the first of the task.
        task: That the policy was trained for; says the scale.
        warn: Told in a sentence why there is none.

    Returns:
        The circuit; None where it cannot be loaded.
    """
    try:
        name = name or expand_circuit_names(task.circuits)[0]
        return load_circuit(name, scale=task.circuit_scale)
    except (CircuitError, SettingsError, OSError) as error:
        reason = str(error).rstrip(".")
        warn(f"the dashboard has no map: {reason}; set the parameter dashboard_circuit to one.")
        return None
