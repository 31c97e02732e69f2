"""The panels of the lap video: each paints its own part of the picture, its fixed parts once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from f1_rl.circuits.circuit import Circuit
from f1_rl.reporting.glyphs import Font, Picture
from f1_rl.reporting.outline import outline_of
from f1_rl.reporting.palette import DARK, rgb, speed_colours
from f1_rl.reporting.run_folder import FloatArray
from f1_rl.simulation import Obstacle

PAGE: Final = rgb(DARK["page"])
CARD: Final = rgb(DARK["card"])
INK: Final = rgb(DARK["ink"])
MUTED: Final = rgb(DARK["muted"])
GRID: Final = rgb(DARK["grid"])
ACCENT: Final = rgb(DARK["accent"])
ROAD: Final = rgb(DARK["road"])
EDGE: Final = rgb(DARK["edge"])
MARK: Final = rgb(DARK["mark"])
OBSTACLE: Final = rgb(DARK["warn"])

_UNKNOWN: Final = "\N{EN DASH}"
_PADDING_PX: Final = 12
_TITLE_PX: Final = 34
_SHIFT: Final = 4  # OpenCV takes fixed-point coordinates: four binary places are 1/16 of a pixel
_SUPERSAMPLING: Final = 4
# On the map, pixels about the middle, pointing to the right.
_CAR_PX: Final = np.array([[12.0, 0.0], [-8.0, 7.0], [-4.0, 0.0], [-8.0, -7.0]])
_BOX_PX: Final = np.array([[4.0, 4.0], [-4.0, 4.0], [-4.0, -4.0], [4.0, -4.0]])


@dataclass(frozen=True)
class VideoFrame:
    """What one control period looked like; the fields are those before the command acts.

    Attributes:
        camera: (H, W, 3) uint8 RGB, the camera's picture.
        observation: (R, C, K) uint8, what the network saw.
        q_values: (A,) float, the network's estimates; NaN where it was not asked.
        action: Index of the chosen action.
        command_speed_mps: Forward speed asked for.
        command_yaw_rate_radps: Yaw rate asked for, positive to the left.
        x_m: Position of the car.
        y_m: Position of the car.
        yaw_rad: Heading of the car.
        lap_time_s: Time since the lap began.
        lateral_error_m: Distance from the centre line, positive to its left.
        lap: Number of the lap that is being driven, from 1; 0 where that is not known.
        saliency: (R, C) float, how much each place of the observation matters to the decision;
            None where that is not known.
        obstacles: Boxes and slower cars on the road.
    """

    camera: npt.NDArray[np.uint8]
    observation: npt.NDArray[np.uint8]
    q_values: npt.NDArray[np.floating[Any]]
    action: int
    command_speed_mps: float
    command_yaw_rate_radps: float
    x_m: float
    y_m: float
    yaw_rad: float
    lap_time_s: float
    lateral_error_m: float
    lap: int = 1
    saliency: npt.NDArray[np.floating[Any]] | None = None
    obstacles: Sequence[Obstacle] = ()


def paint_card(picture: Picture, radius_px: int = 10) -> None:
    """Paint a rounded card over the whole of a picture that shows the page's colour."""
    height, width = picture.shape[:2]
    scale = _SUPERSAMPLING
    mask = np.zeros((height * scale, width * scale), dtype=np.uint8)
    r = radius_px * scale
    cv2.rectangle(mask, (r, 0), (width * scale - r - 1, height * scale - 1), 255, -1)
    cv2.rectangle(mask, (0, r), (width * scale - 1, height * scale - r - 1), 255, -1)
    for x in (r, width * scale - r - 1):
        for y in (r, height * scale - r - 1):
            cv2.circle(mask, (x, y), r, 255, -1)
    cover = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)[..., np.newaxis] / 255
    picture[:] = np.rint(picture + cover * (np.array(CARD) - picture)).astype(np.uint8)


class Panel(Protocol):
    """A part of the video's picture."""

    def paint(self, frame: VideoFrame) -> None:
        """Paint one frame."""


class Card:
    """A card with a title; `begin` brings its fixed parts back before a frame is painted.

    By itself it is a panel that shows nothing.
    """

    def __init__(self, picture: Picture, title: str = "") -> None:
        self.picture = picture
        self.height_px, self.width_px = picture.shape[:2]
        self.small = Font(13)
        self.small_bold = Font(13, bold=True)
        paint_card(picture)
        self.small_bold.draw(picture, title, (_PADDING_PX, 11), MUTED)
        self.fixed = picture.copy()

    def begin(self) -> None:
        """Bring the fixed parts back."""
        self.picture[:] = self.fixed

    def paint(self, frame: Any) -> None:
        """Paint one frame."""
        self.begin()


class MapPanel(Card):
    """The circuit from above with obstacles, the car and its trail, coloured by commanded speed.

    Args:
        picture: (H, W, 3) uint8, the part of the video's picture to paint.
        circuit: The circuit that is driven.
    """

    _BREAK_M: Final = 3.0  # farther than that in one control period is a teleport, not a drive

    def __init__(self, picture: Picture, circuit: Circuit) -> None:
        super().__init__(picture)
        outline = outline_of(circuit)
        points = np.concatenate([outline.left_m, outline.right_m])
        self._place(points.min(axis=0), points.max(axis=0))
        self._draw_road(outline.left_m, outline.right_m, outline.start_m)
        self.small_bold.draw(picture, "MAP", (_PADDING_PX, 11), MUTED)
        self.fixed = picture.copy()
        self._road = self.fixed.copy()
        self._points_m: list[tuple[float, float]] = []
        self._speeds_mps: list[float] = []
        self._range_mps = (math.inf, -math.inf)

    def paint(self, frame: VideoFrame) -> None:
        """Paint one frame and remember the car's position for the trail."""
        self._extend_trail(frame)
        self.begin()
        for obstacle in frame.obstacles:
            self._draw_symbol(_BOX_PX if obstacle.kind == "box" else _CAR_PX, obstacle, OBSTACLE)
        self._draw_symbol(_CAR_PX, frame, ACCENT)

    def _place(self, low_m: FloatArray, high_m: FloatArray) -> None:
        margin_px = 24
        room = np.array([self.width_px, self.height_px]) - 2 * margin_px
        self._pixels_per_m = float(np.min(room / np.maximum(high_m - low_m, 1e-6)))
        self._centre_m = (low_m + high_m) / 2

    def _pixels(self, points_m: npt.ArrayLike, scale: float = 2.0**_SHIFT) -> npt.NDArray[np.int32]:
        """Return (N, 2) fixed-point picture coordinates of points in metres."""
        offset_m = np.atleast_2d(np.asarray(points_m, dtype=np.float64)) - self._centre_m
        pixels = offset_m * [self._pixels_per_m, -self._pixels_per_m]
        pixels += [self.width_px / 2 - 0.5, self.height_px / 2 - 0.5]
        rounded: npt.NDArray[np.int32] = np.rint(pixels * scale).astype(np.int32)
        return rounded

    def _draw_road(self, left_m: FloatArray, right_m: FloatArray, start_m: FloatArray) -> None:
        scale = _SUPERSAMPLING
        size = (self.width_px * scale, self.height_px * scale)
        large = cv2.resize(self.picture, size, interpolation=cv2.INTER_NEAREST)
        left, right = self._pixels(left_m, scale), self._pixels(right_m, scale)
        for i in range(len(left) - 1):
            quad = np.stack([left[i], left[i + 1], right[i + 1], right[i]])
            cv2.fillConvexPoly(large, quad, ROAD)
        for edge in (left, right):
            cv2.polylines(large, [edge], isClosed=False, color=EDGE, thickness=scale)
        start = self._pixels(start_m, scale)
        cv2.polylines(large, [start], isClosed=False, color=MARK, thickness=3 * scale)
        self.picture[:] = cv2.resize(
            large, (self.width_px, self.height_px), interpolation=cv2.INTER_AREA
        )

    def _extend_trail(self, frame: VideoFrame) -> None:
        self._points_m.append((frame.x_m, frame.y_m))
        self._speeds_mps.append(frame.command_speed_mps)
        low, high = self._range_mps
        speed = frame.command_speed_mps
        if speed < low or speed > high:
            # The colours mean the range seen so far, so a wider range recolours the whole trail.
            self._range_mps = (min(low, speed), max(high, speed))
            self.fixed[:] = self._road
            for i in range(1, len(self._points_m)):
                self._draw_segment(i)
        elif len(self._points_m) > 1:
            self._draw_segment(len(self._points_m) - 1)

    def _draw_segment(self, i: int) -> None:
        ends_m = self._points_m[i - 1 : i + 1]
        if not np.all(np.isfinite(ends_m)) or math.dist(*ends_m) > self._BREAK_M:
            return
        low, high = self._range_mps
        fraction = (self._speeds_mps[i] - low) / (high - low) if high > low else 1.0
        colour = tuple(float(c) for c in np.rint(speed_colours(fraction)[0] * 255))
        start, end = self._pixels(ends_m).tolist()
        cv2.line(self.fixed, start, end, colour, 2, cv2.LINE_AA, _SHIFT)

    def _draw_symbol(
        self, shape_px: FloatArray, at: VideoFrame | Obstacle, colour: tuple[int, int, int]
    ) -> None:
        if not all(map(math.isfinite, (at.x_m, at.y_m, at.yaw_rad))):
            return
        cos, sin = math.cos(at.yaw_rad), math.sin(at.yaw_rad)
        turned_m = shape_px @ np.array([[cos, sin], [-sin, cos]]) / self._pixels_per_m
        outline = self._pixels(turned_m + np.array([at.x_m, at.y_m]))
        cv2.fillPoly(self.picture, [outline], colour, cv2.LINE_AA, _SHIFT)
        cv2.polylines(self.picture, [outline], True, MARK, 1, cv2.LINE_AA, _SHIFT)


class ObservationPanel(Card):
    """What the network sees, enlarged without smoothing, its stack of pictures side by side.

    Args:
        picture: (H, W, 3) uint8, the part of the video's picture to paint.
    """

    _GAP_PX: Final = 8

    def __init__(self, picture: Picture) -> None:
        super().__init__(picture, "WHAT THE NETWORK SEES")

    def paint(self, frame: VideoFrame) -> None:
        """Paint one frame."""
        self.begin()
        rows, columns, layers = frame.observation.shape
        size = " \N{MULTIPLICATION SIGN} ".join(map(str, frame.observation.shape))
        self.small.draw(self.picture, size, (self.width_px - _PADDING_PX, 11), MUTED, "right")
        room = (self.width_px - 2 * _PADDING_PX, self.height_px - _TITLE_PX - _PADDING_PX)
        across, scale = self._arrange((rows, columns, layers), room)
        tile = (max(1, int(columns * scale)), max(1, int(rows * scale)))
        method = cv2.INTER_NEAREST if scale >= 1.0 else cv2.INTER_AREA
        down = -(-layers // across)
        left = (self.width_px - across * tile[0] - (across - 1) * self._GAP_PX) // 2
        top = _TITLE_PX + (room[1] - down * tile[1] - (down - 1) * self._GAP_PX) // 2
        for layer in range(layers):
            x = left + (layer % across) * (tile[0] + self._GAP_PX)
            y = top + (layer // across) * (tile[1] + self._GAP_PX)
            grey = np.ascontiguousarray(frame.observation[:, :, layer])
            large = cv2.resize(grey, tile, interpolation=method)
            self.picture[y : y + tile[1], x : x + tile[0]] = large[..., np.newaxis]

    def _arrange(self, shape: tuple[int, int, int], room_px: tuple[int, int]) -> tuple[int, float]:
        """Return how many layers stand side by side, and the enlargement, whole where it can be."""
        rows, columns, layers = shape
        best = (1, 0.0)
        for across in range(1, layers + 1):
            down = -(-layers // across)
            scale = min(
                (room_px[0] - (across - 1) * self._GAP_PX) / (across * columns),
                (room_px[1] - (down - 1) * self._GAP_PX) / (down * rows),
            )
            scale = math.floor(scale) if scale >= 1.0 else scale
            if scale > best[1]:
                best = (across, scale)
        return best[0], max(best[1], 1.0 / max(rows, columns))


class QValuePanel(Card):
    """The Q-value of every action as a bar, the chosen one in the accent colour.

    Q-values of neighbouring actions differ by little, so the bars show the recent range, not zero.

    Args:
        picture: (H, W, 3) uint8, the part of the video's picture to paint.
        action_names: (A,) names in the order of the actions.
    """

    _MIN_NAMED_ROW_PX: Final = 16
    _FORGETTING: Final = 0.02  # a frame; the range shrinks to the current one within seconds

    def __init__(self, picture: Picture, action_names: Sequence[str]) -> None:
        super().__init__(picture, "Q-VALUES")
        self._names = tuple(action_names)
        self._row_px = min(30, (self.height_px - _TITLE_PX - 10) // max(len(self._names), 1))
        self._named = self._row_px >= self._MIN_NAMED_ROW_PX
        self._low, self._high = math.nan, math.nan
        widest = max((self.small.width_px(name) for name in self._names), default=0)
        self._name_px = min(widest, self.width_px // 3) + 10 if self._named else 0
        self._labels = [self.small.fit(name, self._name_px - 10) for name in self._names]
        if self._named:
            for i, label in enumerate(self._labels):
                self._draw_label(i, label, MUTED)
        self.fixed = picture.copy()

    def bar_box_px(self, action: int) -> tuple[int, int, int, int]:
        """Return the (left, top, right, bottom) of the full bar of an action in the panel."""
        left = _PADDING_PX + self._name_px
        right = self.width_px - _PADDING_PX - (58 if self._named else 0)
        top = _TITLE_PX + action * self._row_px
        inset = max(1, self._row_px // 6)
        return left, top + inset, right, top + self._row_px - inset

    def paint(self, frame: VideoFrame) -> None:
        """Paint one frame."""
        self.begin()
        if 0 <= frame.action < len(self._names):
            name = self.small_bold.fit(self._names[frame.action], self.width_px // 2)
            right = (self.width_px - _PADDING_PX, 11)
            self.small_bold.draw(self.picture, name, right, ACCENT, "right")
        q_values = np.asarray(frame.q_values, dtype=np.float64)[: len(self._names)]
        if not np.isfinite(q_values).any():
            return
        self._follow_range(float(np.nanmin(q_values)), float(np.nanmax(q_values)))
        span = max(self._high - self._low, 1e-9)
        for i, q in enumerate(q_values):
            if math.isfinite(q):
                self._draw_bar(i, float(q), (q - self._low) / span, chosen=i == frame.action)

    def _follow_range(self, low: float, high: float) -> None:
        if math.isnan(self._low):
            self._low, self._high = low, high
        self._low = min(low, self._low + self._FORGETTING * (low - self._low))
        self._high = max(high, self._high + self._FORGETTING * (high - self._high))

    def _draw_bar(self, action: int, q: float, fraction: float, *, chosen: bool) -> None:
        left, top, right, bottom = self.bar_box_px(action)
        end = left + round((right - left) * (0.04 + 0.96 * min(max(fraction, 0.0), 1.0)))
        colour = ACCENT if chosen else EDGE
        self.picture[top:bottom, left:right] = GRID
        self.picture[top:bottom, left:end] = colour
        if self._named:
            if chosen:
                self._draw_label(action, self._labels[action], INK)
            position = (self.width_px - _PADDING_PX, self._text_top(action))
            ink = INK if chosen else MUTED
            self.small.draw(self.picture, _significant(q), position, ink, "right")

    def _draw_label(self, action: int, label: str, colour: tuple[int, int, int]) -> None:
        right = (_PADDING_PX + self._name_px - 10, self._text_top(action))
        self.small.draw(self.picture, label, right, colour, "right")

    def _text_top(self, action: int) -> int:
        return _TITLE_PX + action * self._row_px + (self._row_px - self.small.height_px) // 2


class FiguresPanel(Card):
    """A line of figures under their labels.

    Args:
        picture: (H, W, 3) uint8, the part of the video's picture to paint.
        labels: Of the figures.
        shares: Of the line that each gets.
        size_px: Height of the figures.
    """

    def __init__(
        self, picture: Picture, labels: Sequence[str], shares: Sequence[float], size_px: int
    ) -> None:
        super().__init__(picture)
        self.large = Font(size_px, bold=True)
        self.label = Font(12)
        self.lefts = [18 + int(self.width_px * sum(shares[:i])) for i in range(len(labels))]
        for label, left in zip(labels, self.lefts, strict=True):
            self.label.draw(picture, label, (left, 9), MUTED)
        self.fixed = picture.copy()


class StatusPanel(FiguresPanel):
    """One line of figures: lap time, commands, lateral error, lap.

    Args:
        picture: (H, W, 3) uint8, the part of the video's picture to paint.
    """

    _LABELS: Final = ("LAP TIME", "SPEED COMMAND", "YAW RATE COMMAND", "LATERAL ERROR", "LAP")
    _SHARES: Final = (0.17, 0.20, 0.24, 0.27, 0.12)

    def __init__(self, picture: Picture) -> None:
        super().__init__(picture, self._LABELS, self._SHARES, 22)

    def paint(self, frame: VideoFrame) -> None:
        """Paint one frame."""
        self.begin()
        texts = (
            _value(frame.lap_time_s, ".2f", "s"),
            _value(frame.command_speed_mps, ".1f", "m/s"),
            _value(frame.command_yaw_rate_radps, "+.2f", "rad/s"),
            self._side(frame.lateral_error_m),
            str(frame.lap) if frame.lap else _UNKNOWN,
        )
        for text, left in zip(texts, self.lefts, strict=True):
            number, _, unit = text.partition(" ")
            self.large.draw(self.picture, number, (left, 26), INK)
            unit_left = left + self.large.width_px(number) + 6
            self.small.draw(self.picture, unit, (unit_left, 35), MUTED)

    @staticmethod
    def _side(lateral_error_m: float) -> str:
        text = _value(abs(lateral_error_m) * 100, ".1f", "cm")
        if not math.isfinite(lateral_error_m):
            return text
        return f"{text} {'left' if lateral_error_m >= 0 else 'right'}"


def _value(value: float, form: str, unit: str) -> str:
    """Return a number with its unit, a dash for one that is not known."""
    return (
        f"{value:{form}} {unit}".replace("-", "\N{MINUS SIGN}")
        if math.isfinite(value)
        else _UNKNOWN
    )


def _significant(value: float) -> str:
    """Return a Q-value in at most five figures."""
    digits = 3 if abs(value) < 10 else 2 if abs(value) < 100 else 1
    return f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")
