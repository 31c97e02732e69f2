"""Pictures of the circuits from the cars' cameras, whole or only what an observation needs."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Sequence
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from f1_rl.simulation.ground import LINE_HEIGHT_M, Ground
from f1_rl.simulation.renderer_kernels import draw
from f1_rl.simulation.scenery import Scenery

if TYPE_CHECKING:
    from f1_rl.circuits import Circuit, Poses
    from f1_rl.simulation.appearance import Appearance
    from f1_rl.simulation.camera import Camera, View

_RGB = np.eye(3, dtype=np.float32)
_FRAME_BLOCK_ROWS = 16
_NO_STRIPES = np.zeros(1, dtype=np.uint16)
_SERIAL_PIXELS = 12_000
"""Below this a second thread costs more than it draws."""


class Renderer:
    """Draws what cameras on cars see of circuits.

    The work is shared out to threads of this object's own; the compiled code releases the
    interpreter lock and uses none of Numba's global threading state. So renderers may be used from
    several threads at once, and in processes forked from one that has used them. The picture
    does not depend on the number of threads.
    """

    def __init__(
        self, circuits: Sequence[Circuit], camera: Camera, *, threads: int | None = None
    ) -> None:
        """Compute the circuits' distance fields.

        Args:
            circuits: At least one; cars name theirs by its index.
            camera: The same on all cars.
            threads: Most threads to draw with; by default as many as this process may run on.

        Raises:
            ValueError: If there is no circuit, or ``threads`` is less than 1.
        """
        self.camera = camera
        self._ground = Ground(circuits)
        self._threads = len(os.sched_getaffinity(0)) if threads is None else threads
        if self._threads < 1:
            raise ValueError(f"Renderer threads {threads}: give at least 1")
        self._lens = np.array(
            [
                camera.width,
                camera.height,
                camera.focal_length_px,
                camera.x_m,
                camera.y_m,
                camera.z_m,
                camera.pitch_rad,
                max(camera.near_m, 1e-3),
                camera.far_m,
                LINE_HEIGHT_M,
            ],
            dtype=np.float64,
        )
        self._all_rows = np.arange(camera.height, dtype=np.int64)
        self._jobs: SimpleQueue[tuple[Any, ...] | None] | None = None
        self._jobs_process = 0

    @property
    def num_circuits(self) -> int:
        """How many circuits there are."""
        return len(self._ground.places)

    def frames(
        self,
        circuit_index: ArrayLike,
        poses: Poses,
        appearance: Appearance,
        scenery: Scenery | None = None,
    ) -> NDArray[np.uint8]:
        """Draw whole pictures.

        Args:
            circuit_index: (N,) on which circuit each car is.
            poses: (N,) of the cars.
            appearance: (N,).
            scenery: (N,) what stands on the ground; by default nothing.

        Returns:
            (N, H, W, 3) uint8 RGB.
        """
        camera = self.camera
        out = np.empty((len(poses.x_m), camera.height, camera.width * 3), dtype=np.uint8)
        rows = self._all_rows
        self._draw(circuit_index, poses, appearance, scenery, rows, camera.width, _RGB, out)
        return out.reshape(-1, camera.height, camera.width, 3)

    def view(
        self,
        circuit_index: ArrayLike,
        poses: Poses,
        appearance: Appearance,
        view: View,
        out: NDArray[np.uint8] | None = None,
        scenery: Scenery | None = None,
    ) -> NDArray[np.uint8]:
        """Draw only what an observation needs, without the picture in between.

        Equals ``view.take(frames(...))`` but for rounding: each value is computed from the
        footprint of its whole group of pixels. Noise has the same statistics, not the same
        values.

        Args:
            circuit_index: (N,) on which circuit each car is.
            poses: (N,) of the cars.
            appearance: (N,).
            view: Rows, column groups and channels.
            out: (N, R, C, K) uint8, contiguous, to draw into instead of a new array.
            scenery: (N,) what stands on the ground; by default nothing.

        Returns:
            (N, R, C, K) uint8.

        Raises:
            ValueError: If the view does not fit the camera, or ``out`` is of another shape.
        """
        view.check(self.camera)
        height, columns, channels = view.shape
        shape = (len(poses.x_m), height, columns, channels)
        if out is None:
            out = np.empty(shape, dtype=np.uint8)
        elif out.shape != shape or out.dtype != np.uint8 or not out.flags.c_contiguous:
            raise ValueError(f"View into an array {out.shape} {out.dtype}: give {shape} uint8")
        flat = out.reshape(shape[0], height, columns * channels)
        rows, weights = view.row_array, view.weight_array
        self._draw(circuit_index, poses, appearance, scenery, rows, columns, weights, flat)
        return out

    def _draw(
        self,
        circuit_index: ArrayLike,
        poses: Poses,
        appearance: Appearance,
        scenery: Scenery | None,
        rows: NDArray[np.int64],
        columns: int,
        weights: NDArray[np.float32],
        out: NDArray[np.uint8],
    ) -> None:
        index = np.ascontiguousarray(circuit_index, dtype=np.int64)
        count = len(poses.x_m)
        if scenery is None:
            scenery = Scenery.empty(count)
        if index.shape != (count,) or len(appearance) != count or len(scenery) != count:
            raise ValueError(
                f"Renderer got {count} poses, {index.shape} circuit indices, "
                f"{len(appearance)} appearances and {len(scenery)} sceneries: give the same "
                "number of each"
            )
        if count == 0:
            return
        if index.min() < 0 or index.max() >= self.num_circuits:
            raise ValueError(
                f"Renderer circuit_index {index.min()}..{index.max()}: there are "
                f"{self.num_circuits} circuits"
            )
        threads = 1 if count * len(rows) * columns < _SERIAL_PIXELS else self._threads
        # Whole cars where there are enough to share out, else stripes of one picture.
        block = len(rows) if count >= 2 * threads else _FRAME_BLOCK_ROWS
        tickets = np.zeros(2, dtype=np.int64)
        kerbs = np.count_nonzero(appearance.effects["kerb_m"])
        arguments: tuple[Any, ...] = (
            self._ground.cells,
            self._ground.stripes if kerbs else _NO_STRIPES,
            self._ground.places,
            self._ground.scales,
            index,
            np.ascontiguousarray(poses.x_m, dtype=np.float64),
            np.ascontiguousarray(poses.y_m, dtype=np.float64),
            np.ascontiguousarray(poses.yaw_rad, dtype=np.float64),
            self._lens,
            appearance.palette,
            appearance.brightness,
            appearance.noise_sigma,
            appearance.blur_px,
            appearance.camera_offset,
            appearance.noise_seed,
            appearance.effects,
            scenery.poses_m,
            scenery.sizes_m,
            scenery.palette,
            rows,
            columns,
            weights,
            block,
            tickets,
            out,
        )
        # Each thread takes the next block until none is left. So a helper that the machine is
        # too busy to wake costs nothing: it comes late, finds no block left and touches none.
        for _ in range(threads - 1):
            self._helpers().put(arguments)
        draw(*arguments)
        blocks = count * -(-len(rows) // block)
        while tickets[1] < blocks:
            time.sleep(0)

    def _helpers(self) -> SimpleQueue[tuple[Any, ...] | None]:
        """The queue from which the helping threads take what to draw."""
        # Threads do not survive a fork: a child process needs its own.
        if self._jobs is None or self._jobs_process != os.getpid():
            helpers = self._threads - 1
            self._jobs, self._jobs_process = SimpleQueue(), os.getpid()
            for _ in range(helpers):
                threading.Thread(target=_help, args=(self._jobs,), daemon=True).start()
            weakref.finalize(self, _dismiss, self._jobs, helpers)
        return self._jobs

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_jobs": None}


def _help(jobs: SimpleQueue[tuple[Any, ...] | None]) -> None:
    while (arguments := jobs.get()) is not None:
        draw(*arguments)


def _dismiss(jobs: SimpleQueue[tuple[Any, ...] | None], helpers: int) -> None:
    for _ in range(helpers):
        jobs.put(None)
