"""What the network looks at and what it thinks of it, drawn into the picture."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from f1_rl.driving.observation import Preprocessing
from f1_rl.nodes.limiter import Command
from f1_rl.nodes.pilot import Decision
from f1_rl.reporting.camera_overlay import camera_overlay

UInt8Array = npt.NDArray[np.uint8]

_BAR = (90, 160, 255)
_CHOSEN = (0, 230, 120)
_HELD = (255, 60, 60)
_TEXT = (255, 255, 255)
_SHADOW = (0, 0, 0)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_overlay(
    frame: UInt8Array,
    preprocessing: Preprocessing,
    decision: Decision,
    action_names: Sequence[str],
    command: Command | None,
    holds: Sequence[str] = (),
    saliency: npt.NDArray[np.float32] | None = None,
) -> UInt8Array:
    """Draw over a copy of a picture.

    Args:
        frame: (H, W, 3) RGB.
        preprocessing: What makes the observation of the picture; its rows are marked.
        decision: Its action values, drawn as bars from the worst to the best, and its choice.
        action_names: Of each action.
        command: What went out to the car; None where nothing did.
        holds: Sentences that say why the car is held.
        saliency: (R, C) of the decision over the observation; None where it is not known.

    Returns:
        (H, W, 3) RGB.
    """
    picture = camera_overlay(frame, preprocessing, saliency)
    mark = max(4, picture.shape[1] // 40)
    _draw_bars(picture, decision, action_names, left=2 * mark)
    line = "silent" if command is None else _command_text(command)
    _write(picture, f"{action_names[decision.action]} -> {line}", (2 * mark, 20), _TEXT)
    for i, sentence in enumerate(holds):
        _write(picture, f"HELD: {sentence[:70]}", (2 * mark, 44 + 22 * i), _HELD)
    return picture


def _draw_bars(
    picture: UInt8Array, decision: Decision, action_names: Sequence[str], left: int
) -> None:
    height, width = picture.shape[:2]
    values = decision.q_values
    spread = float(values.max() - values.min()) or 1.0
    longest, thick = width // 5, max(6, height // 48)
    top = height - (thick + 4) * len(values) - 4
    for i, value in enumerate(values):
        y = top + i * (thick + 4)
        length = round(longest * float(value - values.min()) / spread)
        colour = _CHOSEN if i == decision.action else _BAR
        cv2.rectangle(picture, (left, y), (left + max(length, 1), y + thick), colour, -1)
        text = f"{action_names[i]}  {value:.2f}"
        _write(picture, text, (left + longest + 6, y + thick - 1), colour, 0.36)


def _command_text(command: Command) -> str:
    return f"{command.speed_mps:.1f} m/s {command.yaw_rate_radps:+.2f} rad/s"


def _write(
    picture: UInt8Array,
    text: str,
    origin: tuple[int, int],
    colour: tuple[int, int, int],
    scale: float = 0.5,
) -> None:
    cv2.putText(picture, text, origin, _FONT, scale, _SHADOW, 3, cv2.LINE_AA)
    cv2.putText(picture, text, origin, _FONT, scale, colour, 1, cv2.LINE_AA)
