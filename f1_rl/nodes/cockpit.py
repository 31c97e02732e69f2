"""All that a configured driver is made of, beside its topics."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from f1_rl.nodes.autopilot import Autopilot, AutopilotLimits, Frame
from f1_rl.nodes.deadman import Deadman
from f1_rl.nodes.driver_parameters import DriverParameters
from f1_rl.nodes.frame_gate import FrameGate
from f1_rl.nodes.helm import Helm, Ticker
from f1_rl.nodes.limiter import Command, CommandLimiter
from f1_rl.nodes.picture_check import PictureCheck
from f1_rl.nodes.pilot import Decision, Pilot
from f1_rl.nodes.watchdog import Watchdog

UInt8Array = npt.NDArray[np.uint8]

CAMERA_INFO = "camera_info"
DEADMAN = "deadman"

# The watchdog looks several times in its timeout, and at least so often.
_LONGEST_TICK_S = 0.05


class Cockpit:
    """Pilot, helm, autopilot, watchdog and deadman of one configured driver.

    Attributes:
        helm: Commands go out through it.
        autopilot: Turns frames into commands.
    """

    def __init__(
        self,
        pilot: Pilot,
        parameters: DriverParameters,
        *,
        publish: Callable[[Command], None],
        decode: Callable[[Any], UInt8Array],
        on_change: Callable[[str, str | None], None],
        on_decision: Callable[[Frame[Any], UInt8Array, Decision, Command | None], None],
        on_failure: Callable[[Exception], None],
    ) -> None:
        """Start the threads; nothing goes out before `engage`.

        Args:
            pilot: Decides.
            parameters: Of the node.
            publish: Sends a command to the car.
            decode: Makes an RGB picture of a message; raises `ValueError` if it cannot.
            on_change: Told who begins to hold the car and why, and who no longer does.
            on_decision: Told of each decision.
            on_failure: Told of the error that ended the autopilot.
        """
        timeout_s = parameters.watchdog_timeout_s
        self._pilot = pilot
        self._deadman: Deadman | None = None
        if parameters.deadman:
            self._deadman = Deadman(parameters.deadman_button, parameters.deadman_timeout_s)
        self._speed_mps = 0.0
        self._odometry = Watchdog(parameters.odometry_timeout_s)
        self.helm = Helm(
            publish,
            CommandLimiter(parameters.limits, pilot.control_period_s),
            Watchdog(timeout_s),
            on_change,
        )
        self.autopilot: Autopilot[Any] = Autopilot(
            pilot,
            self.helm,
            FrameGate(pilot.control_period_s, timeout_s),
            PictureCheck(
                parameters.blank_contrast,
                parameters.frozen_turn_timeout_s,
                parameters.frozen_timeout_s,
            ),
            AutopilotLimits(parameters.max_frame_age_s),
            decode=decode,
            speed_mps=self._known_speed_mps,
            on_decision=on_decision,
            on_failure=on_failure,
        )
        self._ticker = Ticker(self._tick, min(_LONGEST_TICK_S, timeout_s / 4), "watchdog")

    def engage(self) -> None:
        """Begin to drive."""
        self.autopilot.restart()
        self._check_deadman()
        self.helm.engage(time.monotonic())

    def disengage(self) -> None:
        """Stop the car and fall silent."""
        self.helm.disengage()

    def close(self) -> None:
        """Stop the car for good and end the threads."""
        self.helm.close()
        self._ticker.close()
        self.autopilot.close()

    def see(self, frame: Frame[Any]) -> None:
        """Take the newest frame; before `engage` it is of no interest."""
        if self.helm.engaged:
            self.autopilot.see(frame)

    def hear_joystick(self, buttons: Sequence[int]) -> None:
        """Take the state of the joystick's buttons."""
        if self._deadman is not None:
            self._deadman.hear(buttons, time.monotonic())
            self._check_deadman()

    def hear_speed(self, speed_mps: float) -> None:
        """Take the car's speed."""
        self._speed_mps = speed_mps
        self._odometry.feed(time.monotonic())

    def hear_camera(self, width: int, height: int, focal_length_px: float) -> None:
        """Compare the camera with the one that is to be driven by; hold if it differs."""
        fault = self._pilot.camera_fault(width, height, focal_length_px)
        if fault is None:
            self.helm.free(CAMERA_INFO)
        else:
            self.helm.hold(CAMERA_INFO, fault)

    def _known_speed_mps(self) -> float | None:
        return None if self._odometry.expired(time.monotonic()) else self._speed_mps

    def _tick(self) -> None:
        self._check_deadman()
        self.helm.tick(time.monotonic())

    def _check_deadman(self) -> None:
        if self._deadman is None:
            return
        if self._deadman.pressed(time.monotonic()):
            self.helm.free(DEADMAN)
        else:
            self.helm.hold(
                DEADMAN, "the deadman button is not pressed, or joy is silent; press the button."
            )
