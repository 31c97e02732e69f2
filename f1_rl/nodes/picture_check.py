"""Pictures that nobody should drive by: blank ones and frozen ones."""

import cv2
import numpy as np
import numpy.typing as npt

from f1_rl.nodes.limiter import STOP, Command

UInt8Array = npt.NDArray[np.uint8]

# Every so many rows are looked at: enough to see a change, cheap enough for every frame.
_ROW_STRIDE = 4
# From this yaw rate on the picture of a car that turns cannot stay the same.
_TURNING_RADPS = 0.1


class PictureCheck:
    """Finds pictures without contrast and pictures that stay the same while the car moves.

    A simulated camera without noise shows the same picture for seconds on a long straight, so a
    straight and a turn are measured apart. The noise of a real camera never repeats.
    """

    def __init__(
        self, blank_contrast: float, frozen_turn_timeout_s: float, frozen_timeout_s: float
    ) -> None:
        """Begin with no picture seen.

        Args:
            blank_contrast: Standard deviation of the brightness, of 255, below which a picture
                shows nothing; 0.0 lets every picture pass.
            frozen_turn_timeout_s: How long pictures may be equal to the last bit while the car is
                told to turn; 0.0 lets them be equal for ever.
            frozen_timeout_s: The same while the car is told to move at all.
        """
        self._blank_contrast = blank_contrast
        self._frozen_turn_timeout_s = frozen_turn_timeout_s
        self._frozen_timeout_s = frozen_timeout_s
        self._last: UInt8Array | None = None
        self._last_s = 0.0
        self._same_s = 0.0
        self._same_in_turn_s = 0.0

    def reset(self) -> None:
        """Forget the last picture."""
        self._last = None
        self._same_s = self._same_in_turn_s = 0.0

    def fault(self, frame: UInt8Array, command: Command, now_s: float) -> str | None:
        """Return what is wrong with a picture, or None.

        Args:
            frame: (H, W, 3) RGB.
            command: What the car was told since the last picture.
            now_s: Time on a steady clock.
        """
        looked_at = np.ascontiguousarray(frame[::_ROW_STRIDE])
        contrast = float(cv2.meanStdDev(looked_at)[1].max())
        self._compare(looked_at, command, now_s)
        if contrast < self._blank_contrast:
            return (
                f"the picture is blank (contrast {contrast:.1f} of 255); check lens, light and "
                "driver of the camera."
            )
        if (
            0.0 < self._frozen_turn_timeout_s < self._same_in_turn_s
            or 0.0 < self._frozen_timeout_s < self._same_s
        ):
            return (
                f"the picture has not changed for {self._same_s:.1f} s although the car was told "
                "to move; check the camera, it seems frozen."
            )
        return None

    def _compare(self, looked_at: UInt8Array, command: Command, now_s: float) -> None:
        if self._last is None or not np.array_equal(self._last, looked_at):
            self._same_s = self._same_in_turn_s = 0.0
        elif command != STOP:
            # While the car stands, equal pictures say nothing: neither good nor bad.
            elapsed_s = now_s - self._last_s
            self._same_s += elapsed_s
            if abs(command.yaw_rate_radps) > _TURNING_RADPS:
                self._same_in_turn_s += elapsed_s
        self._last, self._last_s = looked_at, now_s
