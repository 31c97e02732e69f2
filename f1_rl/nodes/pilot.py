"""From pictures to commands, by a policy."""

import math
import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from f1_rl.calibration import CalibratedCamera, Reprojection
from f1_rl.circuits import FloatArray
from f1_rl.driving.environment import SPEED_UNIT_MPS, Observation
from f1_rl.driving.observation import FrameStack, Preprocessing
from f1_rl.driving.settings import pedal_lead_s
from f1_rl.nodes.limiter import Command
from f1_rl.policy import Policy, PolicyError
from f1_rl.simulation import Camera

UInt8Array = npt.NDArray[np.uint8]

_WARM_UP_RUNS = 5
_LARGEST_FOV_DIFFERENCE_RAD = 0.02
_LARGEST_FOCAL_LENGTH_DIFFERENCE = 0.02


@dataclass(frozen=True)
class Decision:
    """What the policy makes of a picture.

    Attributes:
        q_values: (A,) the value of each action.
        action: The best one.
        command: Its command.
    """

    q_values: npt.NDArray[np.float32]
    action: int
    command: Command


class Pilot:
    """Drives by a policy, one picture after the other, with the preprocessing of its training.

    Attributes:
        policy: Decides.
        preprocessing: What makes observations of the pictures of the training's camera.
        reprojection: What makes these of the real camera's; None where it is the same camera.
        control_period_s: Time between two decisions.
        needs_speed: Whether it sees the car's speed.
        warm_up_s: How long a decision took.
    """

    def __init__(self, policy: Policy, calibration: CalibratedCamera | None = None) -> None:
        """Check the policy against this version's preprocessing and run it a few times.

        Args:
            policy: The policy.
            calibration: Of the camera to drive by; None: it is that of the training.

        Raises:
            PolicyError: The preprocessing would differ from that of its training, or the model
                does not fit its specification.
            CalibrationError: The camera does not see what the policy has to.
        """
        settings = policy.task_settings
        try:
            self.preprocessing = Preprocessing(settings.observation, settings.camera)
        except ValueError as error:
            raise PolicyError(f"{policy.folder}: {error}") from error
        expected, own = policy.manifest.observation, self.preprocessing.as_dict()
        differing = [name for name in own if expected.get(name) != own[name]]
        if differing:
            name = differing[0]
            raise PolicyError(
                f"{policy.folder}: was trained with {name} = {expected.get(name)}, this version "
                f"of f1_rl makes it {own[name]}; use the version that trained it, or train anew."
            )
        self.reprojection = None
        if calibration is not None:
            self.reprojection = Reprojection(
                calibration, self.preprocessing.camera, self.preprocessing.view.row_array
            )
        self.policy = policy
        self.control_period_s = policy.manifest.control_period_ms / 1000
        self._lead_s = pedal_lead_s(settings)
        self._sees_speed = settings.observation.speed
        self.needs_speed = self._sees_speed or policy.actions.needs_speed
        self._stack = FrameStack(
            1, self.preprocessing.frame_shape, settings.observation.frame_stack
        )
        self._speed = np.zeros((1, 1), np.float32)
        self.warm_up_s = self._warm_up()

    @property
    def action_names(self) -> tuple[str, ...]:
        """Of each action, what it does."""
        return self.policy.manifest.actions.action_names

    @property
    def observation(self) -> UInt8Array:
        """What the network was shown last, `(R, C, K)`."""
        return np.array(self._stack.array[0], np.uint8)

    @property
    def observations(self) -> Observation:
        """What the network was shown last, as the environment gives it, of one car."""
        frames = self._stack.array.copy()
        return {"frames": frames, "speed": self._speed} if self._sees_speed else frames

    @property
    def fastest(self) -> Command:
        """The largest speed and the largest yaw rate that the policy commands."""
        speed, yaw_rate = np.abs(self.policy.actions.commands).max(axis=0)
        return Command(float(speed), float(yaw_rate))

    def decide(self, frame: UInt8Array, first: bool, speed_mps: float = 0.0) -> Decision:
        """Return what to do.

        Args:
            frame: (H, W, 3) RGB, of the size of the camera that is driven by.
            first: Whether it follows no other one: after a start or a gap.
            speed_mps: Forward speed of the car, for policies that see it or drive by pedals.

        Raises:
            ValueError: The picture has another size.
        """
        q_values = self._q_values(frame, first, speed_mps)
        action = int(q_values.argmax())
        speed, yaw_rate = self.commands_at(np.array([speed_mps]))[0, action]
        return Decision(q_values, action, Command(float(speed), float(yaw_rate)))

    def commands_at(self, speed_mps: FloatArray) -> FloatArray:
        """Return the commands (N, A, 2) of every action at speeds (N,), as in the training."""
        return self.policy.actions.commands_at(speed_mps, self.control_period_s, self._lead_s)

    def as_trained(self, frame: UInt8Array) -> UInt8Array:
        """Return the picture that the training's camera would have taken, (H, W, 3)."""
        return frame if self.reprojection is None else self.reprojection.picture(frame)

    def size_fault(self, width: int, height: int) -> str | None:
        """Return why pictures of that size cannot be driven by, or None."""
        if self.reprojection is not None:
            return self.reprojection.source.size_fault(width, height)
        camera = self.preprocessing.camera
        if (width, height) == (camera.width, camera.height):
            return None
        return (
            f"the picture is {width} x {height}, the policy was trained with {camera.width} x "
            f"{camera.height}; set the camera to that size or drive by another policy."
        )

    def camera_fault(self, width: int, height: int, focal_length_px: float) -> str | None:
        """Return in what a camera, by its `camera_info`, is not the one to drive by, or None.

        Args:
            width: Columns of its pictures.
            height: Their rows.
            focal_length_px: Its focal length; 0.0 where it is not calibrated.
        """
        if self.reprojection is None:
            return camera_fault(self.preprocessing.camera, width, height, focal_length_px)
        source = self.reprojection.source
        fault = source.size_fault(width, height)
        own_px = source.intrinsics.focal_px[0]
        if fault is not None or not focal_length_px > 0.0:
            return fault
        if abs(focal_length_px / own_px - 1.0) <= _LARGEST_FOCAL_LENGTH_DIFFERENCE:
            return None
        return (
            f"camera_info says a focal length of {focal_length_px:.1f} px, the calibration of "
            f"{source.name} {own_px:.1f} px; give the calibration of this camera."
        )

    def _warm_up(self) -> float:
        """Decide about black pictures and return how long the last time took, seconds."""
        camera = self.preprocessing.camera
        width, height = camera.width, camera.height
        if self.reprojection is not None:
            lens = self.reprojection.source.intrinsics
            width, height = lens.width, lens.height
        black = np.zeros((height, width, 3), np.uint8)
        took_s, actions = 0.0, 0
        for _ in range(_WARM_UP_RUNS):
            began_s = time.perf_counter()
            actions = len(self._q_values(black, True, 0.0))
            took_s = time.perf_counter() - began_s
        if actions != len(self.policy.actions):
            raise PolicyError(
                f"{self.policy.folder}: its model has {actions} actions, its policy.yaml "
                f"{len(self.policy.actions)}; save the policy again."
            )
        return took_s

    def _q_values(
        self, frame: UInt8Array, first: bool, speed_mps: float
    ) -> npt.NDArray[np.float32]:
        if self.reprojection is None:
            reduced = self.preprocessing.apply(frame)
        else:
            reduced = self.preprocessing.reduce(self.reprojection.rows(frame))
        self._stack.push(reduced[None], np.array([first]))
        parts: list[npt.NDArray[np.generic]] = [self._stack.array]
        self._speed = np.array([[speed_mps / SPEED_UNIT_MPS]], np.float32)
        if self._sees_speed:
            parts.append(self._speed)
        return np.asarray(self.policy.q_values(parts)[0], np.float32)


def camera_fault(camera: Camera, width: int, height: int, focal_length_px: float) -> str | None:
    """Return in what a camera differs from the one that the policy was trained with, or None.

    Args:
        camera: The one of the training.
        width: Columns of the other's pictures.
        height: Their rows.
        focal_length_px: The other's focal length; 0.0 where it is not calibrated.
    """
    if (width, height) != (camera.width, camera.height):
        return (
            f"camera_info says {width} x {height}, the policy was trained with {camera.width} x "
            f"{camera.height}; set the camera to that size or drive by another policy."
        )
    if not focal_length_px > 0.0:
        return None
    fov_rad = 2.0 * math.atan(width / (2.0 * focal_length_px))
    if abs(fov_rad - camera.horizontal_fov_rad) <= _LARGEST_FOV_DIFFERENCE_RAD:
        return None
    return (
        f"camera_info says a horizontal field of view of {fov_rad:.3f} rad, the policy was trained "
        f"with {camera.horizontal_fov_rad:.3f}; use that lens or drive by another policy."
    )
