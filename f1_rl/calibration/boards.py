"""Calibration boards: what is printed on them, and where their corners are in a picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from f1_rl.calibration.errors import CalibrationError

FloatArray = npt.NDArray[np.float64]
UInt8Array = npt.NDArray[np.uint8]

_REFINING = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-4)
# Fewer corners of a ChArUco board than these say too little.
_LEAST_CORNERS = 8


@dataclass(frozen=True)
class Corners:
    """A board found in a picture.

    Attributes:
        board_m: (N, 2) places on the board, from its first corner.
        pixels: (N, 2) column and row.
    """

    board_m: FloatArray
    pixels: FloatArray


@dataclass(frozen=True)
class Board:
    """A checkerboard, or a ChArUco board, of which parts may be hidden.

    Attributes:
        columns: Corners where four squares meet, along one side.
        rows: The same along the other.
        square_m: Side of a square.
        marker_m: Side of the markers of a ChArUco board; 0.0: a plain checkerboard.
        dictionary: OpenCV's name of these markers, as `4X4_50`.
    """

    columns: int
    rows: int
    square_m: float
    marker_m: float = 0.0
    dictionary: str = "4X4_50"

    def __post_init__(self) -> None:
        """Check that such a board can be.

        Raises:
            CalibrationError: It cannot.
        """
        if min(self.columns, self.rows) < 3 or self.columns == self.rows:
            raise CalibrationError(
                f"a board of {self.columns} x {self.rows} inner corners cannot be used; give one "
                "with at least 3, and not as many along both sides."
            )
        if not 0.0 <= self.marker_m < self.square_m:
            raise CalibrationError(
                f"a board with squares of {self.square_m} m and markers of {self.marker_m} m "
                "cannot be; give metres, the squares larger."
            )
        if self.marker_m and not hasattr(cv2.aruco, f"DICT_{self.dictionary}"):
            raise CalibrationError(
                f"there is no marker dictionary {self.dictionary!r}; give one of OpenCV's, such as "
                "4X4_50 or 5X5_100."
            )

    @property
    def size_m(self) -> tuple[float, float]:
        """Distance of the first and the last corner, along columns and rows."""
        return (self.columns - 1) * self.square_m, (self.rows - 1) * self.square_m

    def find(self, picture: UInt8Array) -> Corners | None:
        """Return the corners in a picture, or None where the board is not to be seen.

        Args:
            picture: (H, W, 3) RGB.
        """
        gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        if self.marker_m:
            return self._find_charuco(gray)
        pixels = self._find_checkerboard(gray)
        if pixels is None:
            return None
        grid = np.stack(np.meshgrid(np.arange(self.columns), np.arange(self.rows)), axis=-1)
        board_m = grid.reshape(-1, 2).astype(np.float64) * self.square_m
        return Corners(board_m, _refined(gray, pixels))

    def _find_checkerboard(self, gray: UInt8Array) -> npt.NDArray[np.float32] | None:
        """Return (N, 2) corners to about a pixel; small squares are found at twice the size."""
        for scale in (1, 2):
            size = (gray.shape[1] * scale, gray.shape[0] * scale)
            shown = gray if scale == 1 else cv2.resize(gray, size, interpolation=cv2.INTER_CUBIC)
            found, pixels = cv2.findChessboardCorners(shown, (self.columns, self.rows))
            if found:
                centre = (scale - 1) / 2
                return np.asarray((pixels.reshape(-1, 2) - centre) / scale, np.float32)
        return None

    def _find_charuco(self, gray: UInt8Array) -> Corners | None:
        markers = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, f"DICT_{self.dictionary}"))
        squares = (self.columns + 1, self.rows + 1)
        board = cv2.aruco.CharucoBoard(squares, self.square_m, self.marker_m, markers)
        pixels, numbers, _, _ = cv2.aruco.CharucoDetector(board).detectBoard(gray)
        if numbers is None or len(numbers) < _LEAST_CORNERS:
            return None
        places = np.asarray(board.getChessboardCorners())[numbers.ravel(), :2]
        # ChArUco counts from the edge of the outer squares.
        return Corners(
            places.astype(np.float64) - self.square_m, pixels.reshape(-1, 2).astype(np.float64)
        )


def _refined(gray: UInt8Array, pixels: npt.NDArray[np.float32]) -> FloatArray:
    """Return the corners to a fraction of a pixel, each by what lies nearer to it than the next."""
    nearest = np.linalg.norm(pixels[:, None] - pixels[None], axis=-1)
    np.fill_diagonal(nearest, np.inf)
    half = int(np.clip(nearest.min() / 2 - 1, 1, 11))
    found = cv2.cornerSubPix(
        gray, pixels.reshape(-1, 1, 2).copy(), (half, half), (-1, -1), _REFINING
    )
    return np.asarray(found.reshape(-1, 2), np.float64)
