"""A window for the `human` render mode."""

import numpy as np
import numpy.typing as npt


class Window:
    """Shows pictures at 20 a second. Needs pygame."""

    def __init__(self, width: int, height: int, title: str) -> None:
        """Open the window.

        Raises:
            RuntimeError: pygame is not installed.
        """
        try:
            import pygame
        except ImportError as error:
            raise RuntimeError(
                "render_mode 'human' needs pygame; install it with: pip install 'f1_rl[window]'."
            ) from error
        self._pygame = pygame
        pygame.display.init()
        pygame.display.set_caption(title)
        self._surface = pygame.display.set_mode((width, height))
        self._clock = pygame.time.Clock()

    def show(self, frame: npt.NDArray[np.uint8]) -> None:
        """Show an RGB picture `(H, W, 3)` and wait until it is due."""
        self._pygame.event.pump()
        picture = self._pygame.surfarray.make_surface(frame.swapaxes(0, 1))
        self._surface.blit(picture, (0, 0))
        self._pygame.display.flip()
        self._clock.tick(20)

    def close(self) -> None:
        """Close the window."""
        self._pygame.display.quit()
