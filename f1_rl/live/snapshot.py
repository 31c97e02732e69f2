"""What the live page shows: the scene, which stays, and the moments, which follow one another.

The page gets both as JSON. A picture may be given as what draws it, a function without arguments:
it is called in the server's thread, and only for a page that looks.
"""

import base64
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from f1_rl.circuits import Circuit
from f1_rl.reporting.outline import outline_of
from f1_rl.simulation import Obstacle

UInt8Array = npt.NDArray[np.uint8]
Picture = UInt8Array | Callable[[], UInt8Array]
Message = dict[str, Any]

_MAP_POINTS = 600
_JPEG_QUALITY = 80
_BETWEEN_FRAMES = 128


@dataclass(frozen=True)
class Scene:
    """What stays the same from moment to moment.

    Attributes:
        title: Of the page: what drives, or which run learns.
        kind: Whether a car is driven or learns to.
        circuit: That the car is on; None: it is on none.
        action_names: Of each action.
        modes: Who can be asked to drive; none in training.
        circuits: Names of the circuits that can be asked for; none in training.
        control_period_s: Time that a command holds.
        max_speed_mps: The fastest that can be commanded; None: not known.
        max_yaw_rate_radps: The fastest turn that can be commanded; None: not known.
        env_steps: How long the training is; None: it is none.
    """

    title: str
    kind: Literal["drive", "train"]
    circuit: Circuit | None = None
    action_names: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    circuits: tuple[str, ...] = ()
    control_period_s: float = 0.05
    max_speed_mps: float | None = None
    max_yaw_rate_radps: float | None = None
    env_steps: int | None = None

    def as_message(self) -> Message:
        """Return it as the page gets it."""
        members = {field.name: getattr(self, field.name) for field in _SCENE}
        members["circuit"] = None if self.circuit is None else _circuit_message(self.circuit)
        return _message({"type": "scene", **members})


@dataclass(frozen=True)
class Pose:
    """Where a car stands on the map."""

    x_m: float
    y_m: float
    yaw_rad: float


@dataclass(frozen=True)
class Command:
    """What a car was told to do."""

    speed_mps: float
    yaw_rate_radps: float


@dataclass(frozen=True)
class Ghost:
    """Another drive, shown beside the car.

    Attributes:
        name: Whose drive it is.
        x_m: Where it was at this time of its lap.
        y_m: Likewise.
        yaw_rad: Likewise.
        gap_s: How far the car is behind it, negative where the car leads; None: not known.
    """

    name: str
    x_m: float
    y_m: float
    yaw_rad: float
    gap_s: float | None = None


@dataclass(frozen=True)
class RecordedFigures:
    """A bag that is being written."""

    bag: str
    duration_s: float
    size_bytes: int


@dataclass(frozen=True)
class TrainingFigures:
    """How training goes at a moment; what is not known yet is not a number."""

    env_step: int
    update: int
    epsilon: float
    loss: float
    mean_q: float
    steps_per_s: float
    episode_return: float


@dataclass(frozen=True)
class Moment:
    """One moment of a drive or of training; what is None or empty is not shown.

    Attributes:
        time_s: Since the drive, or the episode, began.
        camera: The camera's picture, `(H, W, 3)` RGB.
        observation: What the network sees, `(R, C)` or `(R, C, 3)` RGB; see `observation_picture`.
        q_values: Of each action.
        action: That was chosen.
        command: That the car was given.
        speed_mps: Of the car.
        pose: Of the car.
        arc_length_m: How far along the circuit, in the driving direction.
        lateral_error_m: How far left of the centre line.
        lap: Which lap is being driven, the first is 1.
        lap_time_s: Since this lap began.
        last_lap_s: Time of the lap before.
        best_lap_s: Time of the quickest lap.
        reward: Of the last step.
        mode: Who drives, of the scene's modes.
        paused: Whether time stands still.
        recording: What is recorded of the drive; None: nothing is being recorded.
        steered_by: Name of the page that has the wheel, as that calls itself; None: none has.
        ghosts: Other drives beside it.
        obstacles: Boxes and slower cars on the car's road.
        training: How training goes.
        status: One sentence on what goes on; the page reads it aloud where it is asked to.
    """

    time_s: float = 0.0
    camera: Picture | None = None
    observation: Picture | None = None
    q_values: Sequence[float] | npt.NDArray[Any] | None = None
    action: int | None = None
    command: Command | None = None
    speed_mps: float | None = None
    pose: Pose | None = None
    arc_length_m: float | None = None
    lateral_error_m: float | None = None
    lap: int | None = None
    lap_time_s: float | None = None
    last_lap_s: float | None = None
    best_lap_s: float | None = None
    reward: float | None = None
    mode: str | None = None
    paused: bool = False
    recording: RecordedFigures | None = None
    steered_by: str | None = None
    ghosts: tuple[Ghost, ...] = ()
    obstacles: Sequence[Obstacle] = ()
    training: TrainingFigures | None = None
    status: str = ""

    def as_message(self) -> Message:
        """Return it as the page gets it, pictures drawn and encoded."""
        members = {field.name: getattr(self, field.name) for field in _MOMENT}
        members["camera"] = _data_uri(self.camera, "jpeg")
        members["observation"] = _data_uri(self.observation, "png")
        return _message({"type": "moment", **members})


_SCENE = fields(Scene)
_MOMENT = fields(Moment)


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it.

    Numbers that are not finite become None, NumPy's values Python's, dataclasses dictionaries.
    """
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(name): plain(member) for name, member in value.items()}
    if isinstance(value, Sequence):
        return [plain(member) for member in value]
    return {field.name: plain(getattr(value, field.name)) for field in fields(value)}


def observation_picture(frames: UInt8Array, channels: int = 1) -> UInt8Array:
    """Return stacked frames as one picture, the oldest on the left.

    Args:
        frames: `(R, C, K * channels)`, the newest last.
        channels: Of one frame: 1, or 3 for RGB. Of any other number the mean is shown.

    Returns:
        `(R, K * C + K - 1)`, or `(R, K * C + K - 1, 3)`: a grey column between frames.
    """
    rows, columns, depth = frames.shape
    stacked = frames.reshape(rows, columns, depth // channels, channels).transpose(0, 2, 1, 3)
    parted = np.pad(stacked, ((0, 0), (0, 0), (0, 1), (0, 0)), constant_values=_BETWEEN_FRAMES)
    picture = parted.reshape(rows, -1, channels)[:, :-1]
    return picture if channels == 3 else picture.mean(axis=2).astype(np.uint8)


def _message(members: Mapping[str, Any]) -> Message:
    return {name: plain(member) for name, member in members.items()}


def _circuit_message(circuit: Circuit) -> Message:
    outline = outline_of(circuit, _MAP_POINTS)
    return {
        "name": circuit.name,
        "length_m": circuit.length_m,
        "centre_line": np.round(outline.centre_m, 2),
        "left": np.round(outline.left_m, 2),
        "right": np.round(outline.right_m, 2),
    }


def _data_uri(picture: Picture | None, form: Literal["jpeg", "png"]) -> str | None:
    """Return a picture as a page can show it at once."""
    if picture is None:
        return None
    pixels = picture() if callable(picture) else picture
    bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) if pixels.ndim == 3 else pixels
    options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] if form == "jpeg" else []
    _, encoded = cv2.imencode(f".{form}", bgr, options)
    return f"data:image/{form};base64,{base64.b64encode(encoded.tobytes()).decode()}"
