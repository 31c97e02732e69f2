"""How fast the embedded camera draws, beside OpenCV warping a texture in the same run.

    python benchmarks/rendering.py [--circuit simple] [--seconds 1.0] [--json]

Each figure is the median of repeated timings, with the quartiles beside it, so that a busy
machine shows. The direct view is 24 rows x 64 columns of the red channel of a 640 x 480 picture.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from f1_rl.circuits import Circuit, Poses, circuit_names, load_circuit
from f1_rl.simulation import (
    NOMINAL_PALETTE,
    Appearance,
    Camera,
    Renderer,
    Variation,
    View,
    warm_up,
)

BATCHES = (1, 8, 32, 256)
TEXTURE_M = 0.02


@dataclass(frozen=True)
class Measurement:
    """Pictures a second."""

    what: str
    median: float
    lower_quartile: float
    upper_quartile: float


def measure(what: str, draw: Callable[[], object], pictures: int, seconds: float) -> Measurement:
    draw()
    rates = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or len(rates) < 5:
        start = time.perf_counter()
        draw()
        rates.append(pictures / (time.perf_counter() - start))
    lower, median, upper = np.percentile(rates, (25, 50, 75))
    return Measurement(what, float(median), float(lower), float(upper))


def direct_view(camera: Camera) -> View:
    rows = np.unique(np.round(camera.row_at(np.geomspace(12.0, 0.25, 32))).astype(int))
    return View(tuple(int(row) for row in rows[:24]), 64, ((1.0, 0.0, 0.0),))


def spread(circuit: Circuit, count: int) -> Poses:
    return circuit.pose_at(np.arange(count) * circuit.length_m / count)


class TextureCamera:
    """The usual way: the circuit painted on a texture, warped into each picture."""

    def __init__(self, circuit: Circuit, camera: Camera) -> None:
        low_x, low_y, high_x, high_y = circuit.bounds_m
        self.low_m = np.array([low_x - 2.0, low_y - 2.0])
        size = np.ceil((np.array([high_x, high_y]) + 2.0 - self.low_m) / TEXTURE_M).astype(int)
        self.camera = camera
        self.texture: NDArray[np.uint8] = np.empty((size[1], size[0], 3), dtype=np.uint8)
        self.texture[:] = NOMINAL_PALETTE[1]
        points = np.stack([circuit.x_m, circuit.y_m], axis=-1) - self.low_m
        outline = [np.round(points / TEXTURE_M).astype(np.int32)]
        road_m = 2 * float(circuit.width_left_m.mean())
        for width_m, colour in ((road_m, NOMINAL_PALETTE[2]), (0.1, NOMINAL_PALETTE[3])):
            cv2.polylines(self.texture, outline, True, colour, round(width_m / TEXTURE_M))

    def frame(self, x_m: float, y_m: float, yaw_rad: float, width: int, height: int) -> object:
        camera = self.camera
        focal_px = camera.focal_length_px * width / camera.width
        # Ground (right, ahead) of four pixels below the horizon, then where these lie in the map.
        rows = np.array([0.51 * height, 0.51 * height, height, height])
        columns = np.array([0.0, width, width, 0.0])
        ahead = focal_px * camera.z_m / (rows - height / 2)
        right = (columns - width / 2) / focal_px * ahead - camera.y_m
        ahead = ahead + camera.x_m
        cos, sin = np.cos(yaw_rad), np.sin(yaw_rad)
        ground = np.stack([x_m + cos * ahead + sin * right, y_m + sin * ahead - cos * right], -1)
        source = ((ground - self.low_m) / TEXTURE_M).astype(np.float32)
        target = np.stack([columns, rows], axis=-1).astype(np.float32)
        matrix = cv2.getPerspectiveTransform(source, target)
        return cv2.warpPerspective(self.texture, matrix, (width, height))


def measurements(circuit: Circuit, seconds: float) -> Iterator[Measurement]:
    camera = Camera()
    renderer, view = Renderer([circuit], camera), direct_view(camera)
    for variation, kind in ((Variation(), ""), (Variation.domain(), ", varied")):
        rng = np.random.default_rng(0)
        for batch in BATCHES if not kind else (32,):
            poses, index = spread(circuit, batch), np.zeros(batch, dtype=np.int64)
            appearance: Appearance = variation.sample(rng, batch)
            out = np.empty((batch, *view.shape), dtype=np.uint8)
            yield measure(
                f"direct view, batch of {batch}{kind}",
                lambda p=poses, i=index, a=appearance, o=out: renderer.view(i, p, a, view, o),
                batch,
                seconds,
            )
        poses, appearance = spread(circuit, 1), variation.sample(rng, 1)
        yield measure(
            f"whole frame 640x480{kind}",
            lambda p=poses, a=appearance: renderer.frames([0], p, a),
            1,
            seconds,
        )
    texture, pose = TextureCamera(circuit, camera), spread(circuit, 1)
    x_m, y_m, yaw_rad = pose.x_m.item(), pose.y_m.item(), pose.yaw_rad.item()
    for width, height in ((640, 480), (64, 24)):
        yield measure(
            f"cv2.warpPerspective {width}x{height}",
            lambda w=width, h=height: texture.frame(x_m, y_m, yaw_rad, w, h),
            1,
            seconds,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--circuit", default="simple", help=f"one of {', '.join(circuit_names())}")
    parser.add_argument("--seconds", type=float, default=1.0, help="time for each figure")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args()
    warm_up()
    results = list(measurements(load_circuit(arguments.circuit), arguments.seconds))
    if arguments.json:
        print(json.dumps([asdict(result) for result in results], indent=2))
        return
    print(f"circuit {arguments.circuit}, {len(os.sched_getaffinity(0))} processors\n")
    print("| what | pictures/s | quartiles |\n|---|---|---|")
    for result in results:
        quartiles = f"{result.lower_quartile:,.0f} to {result.upper_quartile:,.0f}"
        print(f"| {result.what} | {result.median:,.0f} | {quartiles} |")


if __name__ == "__main__":
    main()
