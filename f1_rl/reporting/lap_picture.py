"""The picture of a drive: camera, map, what the network sees, Q-values, command, side by side.

The lap video is made of such pictures, and the driver node publishes them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from f1_rl.circuits.circuit import Circuit
from f1_rl.driving.observation import Preprocessing
from f1_rl.reporting.camera_panel import CameraPanel
from f1_rl.reporting.glyphs import Picture
from f1_rl.reporting.video_panels import (
    PAGE,
    Card,
    MapPanel,
    ObservationPanel,
    Panel,
    QValuePanel,
    StatusPanel,
)

WIDTH_PX: Final = 1280
HEIGHT_PX: Final = 720
# (left, top, right, bottom) of the camera's picture.
CAMERA_BOX_PX: Final = (16, 16, 832, 628)


class PanelPicture:
    """Panels on one canvas.

    Args:
        make_panels: Makes the panels, each on its part of the canvas (H, W, 3) uint8.
    """

    def __init__(self, make_panels: Callable[[Picture], tuple[Panel, ...]]) -> None:
        self._canvas = np.empty((HEIGHT_PX, WIDTH_PX, 3), dtype=np.uint8)
        self._canvas[:] = PAGE
        self._panels = make_panels(self._canvas)

    def paint(self, frame: Any) -> Picture:
        """Paint what happened in one control period.

        Args:
            frame: What the panels take: a `VideoFrame`.

        Returns:
            (HEIGHT_PX, WIDTH_PX, 3) uint8 RGB, painted over by the next call.
        """
        for panel in self._panels:
            panel.paint(frame)
        return self._canvas


class LapPicture(PanelPicture):
    """The picture of a lap, drawn of each `VideoFrame`.

    Args:
        circuit: The circuit that is driven; None: there is no map.
        action_names: (A,) names of the actions, in the order of the Q-values.
        preprocessing: What makes the observations; the camera's picture then shows their rows and
            the saliency of the decisions. None: the picture alone.
    """

    def __init__(
        self,
        circuit: Circuit | None,
        action_names: Sequence[str],
        preprocessing: Preprocessing | None = None,
    ) -> None:
        left, top, right, bottom = CAMERA_BOX_PX

        def panels(canvas: Picture) -> tuple[Panel, ...]:
            map_picture = canvas[16:306, 848:1264]
            caption = "f1_rl" if circuit is None else f"f1_rl  ·  {circuit.name}"
            return (
                CameraPanel(canvas[top:bottom, left:right], caption, preprocessing),
                StatusPanel(canvas[642:704, 16:832]),
                Card(map_picture, "MAP") if circuit is None else MapPanel(map_picture, circuit),
                ObservationPanel(canvas[320:450, 848:1264]),
                QValuePanel(canvas[464:704, 848:1264], action_names),
            )

        super().__init__(panels)
