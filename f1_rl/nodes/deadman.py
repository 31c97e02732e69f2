"""A button that somebody has to keep pressed."""

from collections.abc import Sequence

from f1_rl.nodes.watchdog import Watchdog


class Deadman:
    """Says whether the button of a joystick is pressed, and the joystick still there."""

    def __init__(self, button: int, timeout_s: float) -> None:
        """Begin with the button released.

        Args:
            button: Index of the button.
            timeout_s: After this time without a message the joystick counts as lost.
        """
        self._button = button
        self._watchdog = Watchdog(timeout_s)
        self._pressed = False

    def hear(self, buttons: Sequence[int], now_s: float) -> None:
        """Note the state of all buttons; one that the joystick lacks is not pressed."""
        self._pressed = len(buttons) > self._button and bool(buttons[self._button])
        self._watchdog.feed(now_s)

    def pressed(self, now_s: float) -> bool:
        """Return whether the car may be driven."""
        return self._pressed and not self._watchdog.expired(now_s)
