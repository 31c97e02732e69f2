"""Pictures of calibration boards, drawn through the tests' own lenses."""

import math

import cv2
import numpy as np
from real_cameras import ahead_left_up, distorted, slopes

from f1_rl.calibration import Intrinsics, Mounting
from f1_rl.calibration.boards import Board, Corners

BOARD = Board(8, 6, 0.025)
# Seen flatly, on the ground, it has to be larger.
LARGE = Board(8, 6, 0.05)


def poses(count: int, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return rotations and positions of a board that is held before the camera."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        turn = cv2.Rodrigues(rng.uniform(-0.5, 0.5, 3))[0]
        distance = rng.uniform(0.22, 0.4)
        place = np.array([*rng.uniform(-0.5, 0.5, 2) * distance, distance])
        middle = turn @ np.array([*np.array(BOARD.size_m) / 2, 0.0])
        found.append((turn, place - middle))
    return found


def corners_of(lens: Intrinsics, pose: tuple[np.ndarray, np.ndarray]) -> Corners:
    """Return where a lens sees the corners of the board."""
    grid = np.stack(np.meshgrid(np.arange(BOARD.columns), np.arange(BOARD.rows)), axis=-1)
    board_m = grid.reshape(-1, 2) * BOARD.square_m
    turn, shift = pose
    seen = np.column_stack([board_m, np.zeros(len(board_m))]) @ turn.T + shift
    u, v = distorted(lens, seen[:, 0] / seen[:, 2], seen[:, 1] / seen[:, 2])
    return Corners(board_m, np.column_stack([u, v]))


def picture_of(lens: Intrinsics, pose: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Return a picture of the board, (H, W, 3)."""
    turn, shift = pose
    a, b = fine_slopes(lens)
    normal = turn[:, 2]
    depth = (normal @ shift) / (normal[0] * a + normal[1] * b + normal[2])
    there = np.stack([a * depth, b * depth, depth], axis=-1) - shift
    return painted(there @ turn[:, 0], there @ turn[:, 1], lens)


def picture_on_ground(
    lens: Intrinsics, mounting: Mounting, centre_m: tuple[float, float], turned_rad: float = 0.0
) -> np.ndarray:
    """Return a picture of the board as it lies on the ground, its columns across the way."""
    ahead, left, up = ahead_left_up(mounting, *fine_slopes(lens))
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.where(up < -1e-6, -mounting.z_m / up, np.inf)
        x_m, y_m = mounting.x_m + reach * ahead, mounting.y_m + reach * left
    dx, dy = x_m - centre_m[0], y_m - centre_m[1]
    c, s = math.cos(turned_rad), math.sin(turned_rad)
    with np.errstate(invalid="ignore"):
        along, across = c * dx + s * dy, -s * dx + c * dy
    width_m, height_m = LARGE.size_m
    return painted(width_m / 2 - across, height_m / 2 - along, lens, LARGE)


def fine_slopes(lens: Intrinsics) -> tuple[np.ndarray, np.ndarray]:
    size = (2 * lens.width, 2 * lens.height)
    a, b = (cv2.resize(each, size, interpolation=cv2.INTER_LINEAR) for each in slopes(lens))
    return a, b


def painted(x_m: np.ndarray, y_m: np.ndarray, lens: Intrinsics, board: Board = BOARD) -> np.ndarray:
    """Return the board's black and white at places on it, averaged over each pixel."""
    column, row = np.nan_to_num(x_m / board.square_m), np.nan_to_num(y_m / board.square_m)
    inside = (column > -1) & (column < board.columns) & (row > -1) & (row < board.rows)
    dark = inside & ((np.floor(column) + np.floor(row)) % 2 == 0)
    fine = np.where(dark, 30, 225).astype(np.uint8)
    gray = cv2.resize(fine, (lens.width, lens.height), interpolation=cv2.INTER_AREA)
    return np.repeat(gray[..., None], 3, axis=-1)
