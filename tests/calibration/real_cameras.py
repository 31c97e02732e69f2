"""Pictures of cameras with other lenses and mountings, by a forward model of the tests' own."""

import math
from functools import cache
from typing import Any

import cv2
import numpy as np

from f1_rl.calibration import CalibratedCamera, Intrinsics, Mounting
from f1_rl.circuits import load_circuit
from f1_rl.simulation import Appearance, Camera, Renderer

NOMINAL = Camera()
PINHOLE = Intrinsics(
    800, 600, (430.0, 425.0), (409.0, 291.0), "plumb_bob", (-0.21, 0.05, 0.0012, -0.0008, -0.004)
)
RATIONAL = Intrinsics(
    800,
    600,
    (425.0, 425.0),
    (395.0, 305.0),
    "rational_polynomial",
    (0.31, 0.04, 0.0004, -0.0003, 0.001, 0.58, 0.11, 0.005),
)
FISHEYE = Intrinsics(
    800, 600, (390.0, 391.0), (402.0, 297.0), "equidistant", (0.04, -0.012, 0.003, -0.0006)
)
LENSES = {"plumb_bob": PINHOLE, "rational_polynomial": RATIONAL, "equidistant": FISHEYE}
TILTED = Mounting(x_m=0.36, y_m=0.01, z_m=0.13, roll_rad=0.03, pitch_rad=0.12, yaw_rad=-0.05)


def distorted(lens: Intrinsics, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixels of slopes to the right and down, by the formulas as they are published."""
    square = a * a + b * b
    if lens.model == "equidistant":
        r = np.sqrt(square)
        angle = np.arctan(r)
        k = lens.coefficients
        bent = angle + sum(k[i] * angle ** (3 + 2 * i) for i in range(4))
        factor = np.where(r > 1e-12, bent / np.maximum(r, 1e-12), 1.0)
        x, y = a * factor, b * factor
    else:
        k1, k2, p1, p2, k3, *below = lens.coefficients
        factor = 1 + k1 * square + k2 * square**2 + k3 * square**3
        if below:
            factor = factor / (1 + below[0] * square + below[1] * square**2 + below[2] * square**3)
        x = a * factor + 2 * p1 * a * b + p2 * (square + 2 * a * a)
        y = b * factor + p1 * (square + 2 * b * b) + 2 * p2 * a * b
    (fx, fy), (cx, cy) = lens.focal_px, lens.centre_px
    return fx * x + cx, fy * y + cy


@cache
def slopes(lens: Intrinsics) -> tuple[np.ndarray, np.ndarray]:
    """Return the slopes of every pixel, by turning `distorted` around step by step."""
    (fx, fy), (cx, cy) = lens.focal_px, lens.centre_px
    column, row = np.meshgrid(np.arange(lens.width, dtype=float), np.arange(float(lens.height)))
    a, b = (column - cx) / fx, (row - cy) / fy
    for _ in range(300):
        u, v = distorted(lens, a, b)
        if max(np.abs(u - column).max(), np.abs(v - row).max()) < 0.01:
            return a, b
        a, b = a + 0.9 * (column - u) / fx, b + 0.9 * (row - v) / fy
    raise AssertionError("the lens cannot be turned around")


def ahead_left_up(mounting: Mounting, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the directions of slopes in the frame of the car: roll, then pitch, then yaw."""
    ahead, left, up = np.ones_like(a), -a, -b
    c, s = math.cos(mounting.roll_rad), math.sin(mounting.roll_rad)
    left, up = c * left - s * up, s * left + c * up
    c, s = math.cos(mounting.pitch_rad), math.sin(mounting.pitch_rad)
    ahead, up = c * ahead + s * up, -s * ahead + c * up
    c, s = math.cos(mounting.yaw_rad), math.sin(mounting.yaw_rad)
    return c * ahead - s * left, s * ahead + c * left, up


@cache
def drawn(camera: Camera, at_m: float, lateral_m: float = 0.0, circuit: str = "simple") -> Any:
    """Return what a pinhole camera of the simulator sees somewhere on a circuit."""
    track = load_circuit(circuit)
    pose = track.pose_at(np.array([at_m]), lateral_m)
    return Renderer([track], camera).frames(np.zeros(1, np.int64), pose, Appearance.nominal(1))[0]


def taken(camera: CalibratedCamera, at_m: float, lateral_m: float = 0.0) -> np.ndarray:
    """Return what the real camera sees at the same place."""
    lens, mounting = camera.intrinsics, camera.mounted()
    wide = Camera(
        width=2400,
        height=2000,
        horizontal_fov_rad=2.3,
        x_m=mounting.x_m,
        y_m=mounting.y_m,
        z_m=mounting.z_m,
        near_m=0.01,
    )
    scene = drawn(wide, at_m, lateral_m)
    ahead, left, up = ahead_left_up(mounting, *slopes(lens))
    assert ahead.min() > 0.0
    f = wide.focal_length_px
    column = wide.width / 2 - 0.5 - f * left / ahead
    row = wide.height / 2 - 0.5 - f * up / ahead
    return cv2.remap(scene, column.astype(np.float32), row.astype(np.float32), cv2.INTER_LINEAR)
