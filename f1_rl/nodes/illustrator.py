"""The thread that draws what the driver saw and decided."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from f1_rl.driving.environment import Observation
from f1_rl.nodes.limiter import Command
from f1_rl.nodes.newest import Newest
from f1_rl.nodes.overlay import draw_overlay
from f1_rl.nodes.pilot import Decision, Pilot
from f1_rl.policy.saliency import Saliency, saliency_of

if TYPE_CHECKING:
    from f1_rl.nodes.dashboard import Dashboard

UInt8Array = npt.NDArray[np.uint8]

_ENDS_WITHIN_S = 2.0


class PictureSink(Protocol):
    """Where pictures go: a topic."""

    def due(self, now_s: float) -> bool:
        """Return whether a picture is wanted now; then it counts as drawn."""

    def publish(self, picture: UInt8Array, stamp_ns: int, frame_id: str) -> None:
        """Take an RGB picture `(H, W, 3)`, which is painted over later."""


@dataclass(frozen=True)
class Glance:
    """What the driver saw at one moment, and what it made of it.

    Attributes:
        picture: (H, W, 3) RGB, the camera's picture.
        observations: What the network was shown of it and of the pictures before.
        decision: What the policy decided.
        sent: What went out to the car; None where nothing did.
        holds: Sentences that say why the car is held.
        stamp_ns: When the picture was taken.
        frame_id: Of the camera.
        pose: Position x and y (m) and heading (rad) of the car; None where they are not known.
    """

    picture: UInt8Array
    observations: Observation
    decision: Decision
    sent: Command | None
    holds: tuple[str, ...]
    stamp_ns: int
    frame_id: str
    pose: tuple[float, float, float] | None


@dataclass(frozen=True)
class _Order:
    glance: Glance
    debug: bool
    dashboard: bool


class Illustrator:
    """Draws the newest decision in a thread of its own, so that no command waits for a picture.

    What it needs for that is loaded when the first picture is asked for. An error costs the
    pictures alone: it is told once, and nothing is drawn any more.
    """

    def __init__(
        self,
        pilot: Pilot,
        debug: PictureSink,
        dashboard: PictureSink,
        *,
        circuit: str,
        warn: Callable[[str], None],
    ) -> None:
        """Start the thread.

        Args:
            pilot: Of the driver; its model is not touched.
            debug: Takes the camera's picture with the overlay.
            dashboard: Takes the whole picture of the drive.
            circuit: Of the dashboard's map; empty: the first that the policy was trained on.
            warn: Told in a sentence what cannot be drawn.
        """
        self._pilot = pilot
        self._debug_sink = debug
        self._dashboard_sink = dashboard
        self._circuit = circuit
        self._warn = warn
        self._saliency: Saliency | None = None
        self._dashboard: Dashboard | None = None
        self._orders: Newest[_Order] = Newest()
        self._thread = threading.Thread(target=self._run, name="illustrator", daemon=True)
        self._thread.start()

    def show(self, look: Callable[[], Glance], now_s: float) -> None:
        """Have the pictures drawn that are due, unless a newer moment comes first.

        Args:
            look: Returns the moment; called at once if a picture is due, else not at all.
            now_s: On the steady clock.
        """
        debug, dashboard = self._debug_sink.due(now_s), self._dashboard_sink.due(now_s)
        if debug or dashboard:
            self._orders.put(_Order(look(), debug, dashboard))

    def close(self) -> None:
        """End the thread."""
        self._orders.close()
        self._thread.join(timeout=_ENDS_WITHIN_S)

    def _run(self) -> None:
        try:
            while (order := self._orders.take()) is not None:
                self._draw(order)
        except Exception as error:
            self._orders.close()
            self._warn(
                "no pictures are drawn any more, the car is driven on: "
                f"{type(error).__name__}: {error}"
            )

    def _draw(self, order: _Order) -> None:
        glance = order.glance
        if self._saliency is None:
            self._saliency = saliency_of(self._pilot.policy)
        saliency = self._saliency.of(glance.observations)
        if order.debug:
            drawn = draw_overlay(
                glance.picture,
                self._pilot.preprocessing,
                glance.decision,
                self._pilot.action_names,
                glance.sent,
                glance.holds,
                saliency,
            )
            self._debug_sink.publish(drawn, glance.stamp_ns, glance.frame_id)
        if order.dashboard:
            if self._dashboard is None:
                self._dashboard = self._make_dashboard()
            painted = self._dashboard.paint(glance, saliency)
            self._dashboard_sink.publish(painted, glance.stamp_ns, glance.frame_id)

    def _make_dashboard(self) -> Dashboard:
        # What draws text is loaded here: a driver that nobody watches needs none of it.
        from f1_rl.nodes.dashboard import Dashboard, circuit_of_map

        task = self._pilot.policy.task_settings
        return Dashboard(self._pilot, circuit_of_map(self._circuit, task, self._warn))
