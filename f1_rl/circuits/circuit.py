"""A circuit: a closed centre line with a road around it and perhaps a painted line on it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from f1_rl.circuits.errors import CircuitError
from f1_rl.circuits.geometry import FloatArray, Poses, Projection, wrap_angle
from f1_rl.circuits.narrowing import narrowed
from f1_rl.circuits.resampling import resample_closed_line
from f1_rl.circuits.validation import (
    check_line,
    check_line_width,
    check_points,
    drop_closing_point,
)

DEFAULT_LINE_WIDTH_M = 0.10


@dataclass(frozen=True, eq=False, repr=False)
class Circuit:
    """A closed centre line, sampled uniformly by arc length, with a road and a painted line.

    Build one with :meth:`from_points`, which validates. Circuits are immutable, hashable,
    comparable by value, and can be pickled. The start line is at arc length zero.

    Attributes:
        name: What the circuit is called.
        x_m: (M,) centre line; the last sample is not the first again.
        y_m: (M,) centre line.
        heading_rad: (M,) direction of the centre line, in (-pi, pi].
        curvature_per_m: (M,) curvature of the centre line, positive in left turns.
        width_left_m: (M,) road to the left of the centre line.
        width_right_m: (M,) road to the right of the centre line.
        line_width_m: Width of the line painted on the centre line; zero if there is only a road.
        length_m: Length of the centre line.
    """

    name: str
    x_m: FloatArray
    y_m: FloatArray
    heading_rad: FloatArray
    curvature_per_m: FloatArray
    width_left_m: FloatArray
    width_right_m: FloatArray
    line_width_m: float
    length_m: float

    def __post_init__(self) -> None:
        """Make the arrays read-only, so that circuits can be shared."""
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    @classmethod
    def from_points(
        cls,
        name: str,
        x_m: npt.ArrayLike,
        y_m: npt.ArrayLike,
        width_left_m: npt.ArrayLike,
        width_right_m: npt.ArrayLike,
        line_width_m: float = DEFAULT_LINE_WIDTH_M,
        *,
        narrow: bool = False,
    ) -> Circuit:
        """Build a circuit whose centre line is a periodic cubic spline through points.

        Args:
            name: What to call the circuit.
            x_m: (P,) points in driving order; a last point that repeats the first is dropped.
            y_m: (P,) points.
            width_left_m: (P,) or one number, road to the left of the centre line.
            width_right_m: (P,) or one number, road to the right of the centre line.
            line_width_m: Width of the painted line; zero if there is only a road.
            narrow: Whether to narrow the road on the inner side of turns that are tighter than
                it is wide there, instead of refusing them.

        Returns:
            The circuit.

        Raises:
            CircuitError: If the points are no closed line, or its road overlaps itself.
        """
        columns = [
            np.asarray(column, dtype=np.float64)
            for column in (x_m, y_m, width_left_m, width_right_m)
        ]
        if columns[0].ndim != 1 or columns[1].shape != columns[0].shape:
            raise CircuitError(
                f"Circuit '{name}' needs as many x as y coordinates, got shapes "
                f"{columns[0].shape} and {columns[1].shape}."
            )
        try:
            table = np.column_stack([np.broadcast_to(c, columns[0].shape) for c in columns])
        except ValueError as error:
            raise CircuitError(
                f"Circuit '{name}' needs one width or one for each of its {len(columns[0])} "
                f"points, got {columns[2].size} to the left and {columns[3].size} to the right."
            ) from error
        table = table[: drop_closing_point(table[:, :2])]
        check_points(name, table[:, :2], table[:, 2:])
        check_line_width(name, line_width_m, table[:, 2:])
        line = resample_closed_line(table[:, :2], table[:, 2:])
        if narrow:
            line = narrowed(line)
        check_line(name, line)
        return cls(
            name=name,
            x_m=line.x_m,
            y_m=line.y_m,
            heading_rad=line.heading_rad,
            curvature_per_m=line.curvature_per_m,
            width_left_m=line.values[:, 0].copy(),
            width_right_m=line.values[:, 1].copy(),
            line_width_m=float(line_width_m),
            length_m=line.length_m,
        )

    def with_line(self, line_width_m: float) -> Circuit:
        """Return the same circuit with another line painted on it.

        Args:
            line_width_m: Width of the line; zero for none.

        Raises:
            CircuitError: If the line is wider than the road.
        """
        check_line_width(
            self.name, line_width_m, np.column_stack([self.width_left_m, self.width_right_m])
        )
        return replace(self, line_width_m=float(line_width_m))

    @property
    def spacing_m(self) -> float:
        """Distance along the centre line from one sample to the next."""
        return self.length_m / len(self.x_m)

    @cached_property
    def arc_length_m(self) -> FloatArray:
        """(M,) distance of each sample from the start line."""
        arc_length_m = np.arange(len(self.x_m)) * self.spacing_m
        arc_length_m.setflags(write=False)
        return arc_length_m

    @cached_property
    def min_radius_m(self) -> float:
        """Radius of the tightest turn of the centre line."""
        return 1.0 / float(np.abs(self.curvature_per_m).max())

    @cached_property
    def narrowest_half_width_m(self) -> float:
        """Least width of the road on either side of the centre line."""
        return float(min(self.width_left_m.min(), self.width_right_m.min()))

    @property
    def has_line(self) -> bool:
        """Whether a line is painted on the centre of the road."""
        return self.line_width_m > 0.0

    @cached_property
    def bounds_m(self) -> tuple[float, float, float, float]:
        """The box around the road: x_min, y_min, x_max, y_max."""
        left = self.pose_at(self.arc_length_m, self.width_left_m)
        right = self.pose_at(self.arc_length_m, -self.width_right_m)
        x_m, y_m = np.append(left.x_m, right.x_m), np.append(left.y_m, right.y_m)
        return float(x_m.min()), float(y_m.min()), float(x_m.max()), float(y_m.max())

    def pose_at(
        self,
        arc_length_m: npt.ArrayLike,
        lateral_m: npt.ArrayLike = 0.0,
        heading_error_rad: npt.ArrayLike = 0.0,
        direction: npt.ArrayLike = 1,
    ) -> Poses:
        """Return the poses that stand so relative to the circuit; the inverse of project.

        Args:
            arc_length_m: Distance from the start line in the driving direction; wraps around.
            lateral_m: Distance from the centre line, positive to the left as driven.
            heading_error_rad: Yaw minus the centre line's heading as driven.
            direction: +1 along the centre line, -1 against it.

        Returns:
            N poses, the arguments broadcast against each other.
        """
        arc_length, lateral, heading_error, sign = np.broadcast_arrays(
            *(
                np.atleast_1d(np.asarray(value, dtype=np.float64))
                for value in (arc_length_m, lateral_m, heading_error_rad, direction)
            )
        )
        nearest, offset = self._nearest_sample(sign * arc_length)
        curvature, heading = self.curvature_per_m[nearest], self.heading_rad[nearest]
        cos, sin = np.cos(heading), np.sin(heading)
        # A second-order step from the nearest sample errs by curvature^2 * offset^3 / 6, which is
        # some micrometres at the spacing used.
        across = 0.5 * curvature * offset**2
        x_m = self.x_m[nearest] + offset * cos - across * sin
        y_m = self.y_m[nearest] + offset * sin + across * cos
        heading = heading + offset * (curvature + 0.5 * offset * self._slopes[nearest, 0])
        x_m = x_m - sign * lateral * np.sin(heading)
        y_m = y_m + sign * lateral * np.cos(heading)
        turned = np.where(sign < 0.0, np.pi, 0.0)
        return Poses(x_m, y_m, wrap_angle(heading + turned + heading_error))

    def project(self, poses: Poses, direction: npt.ArrayLike = 1) -> Projection:
        """Find where poses are relative to the circuit.

        The nearest sample comes from a k-d tree; the foot of the perpendicular then from the
        osculating circle there, whose centre lies at (0, 1 / k) in the frame of the tangent.
        With (a, d) the pose in that frame and q = `|(k a, 1 - k d)|` the signed distance from the
        circle is (1 - q) / k and the foot is asin(k a / q) / k further along.

        Args:
            poses: N poses.
            direction: +1 if driving along the centre line, -1 against it; one number or (N,).

        Returns:
            The projection, as seen in the driving direction.
        """
        _, nearest = self._tree.query(np.column_stack([poses.x_m, poses.y_m]))
        x_m, y_m, cos, sin, heading, curvature, left, right = self._table[nearest].T
        dx, dy = poses.x_m - x_m, poses.y_m - y_m
        along, across = cos * dx + sin * dy, cos * dy - sin * dx
        q = np.hypot(curvature * along, 1.0 - curvature * across)
        # Expanded so that nothing divides by a curvature of zero.
        lateral = (2.0 * across - curvature * (along**2 + across**2)) / (1.0 + q)
        # asin(z) is z here: k a / q stays below 0.03. At the very centre of the circle q is zero
        # and every foot is as good.
        half_spacing = 0.5 * self.spacing_m
        offset = np.clip(along / np.maximum(q, 1e-9), -half_spacing, half_spacing)

        slopes = self._slopes[nearest].T
        arc_length = np.mod(nearest * self.spacing_m + offset, self.length_m)
        heading = heading + offset * (curvature + 0.5 * offset * slopes[0])
        curvature = curvature + offset * slopes[0]
        left, right = left + offset * slopes[1], right + offset * slopes[2]

        sign = np.asarray(direction, dtype=np.float64)
        backwards = sign < 0.0
        if backwards.any():
            arc_length = np.where(backwards, np.mod(-arc_length, self.length_m), arc_length)
            heading = heading + np.where(backwards, np.pi, 0.0)
            left, right = np.where(backwards, right, left), np.where(backwards, left, right)
            lateral, curvature = sign * lateral, sign * curvature
        # mod() of a number a rounding error below zero gives the length itself.
        arc_length[arc_length >= self.length_m] = 0.0
        return Projection(
            arc_length_m=arc_length,
            lateral_error_m=lateral,
            heading_error_rad=wrap_angle(poses.yaw_rad - heading),
            curvature_per_m=curvature,
            width_left_m=left,
            width_right_m=right,
        )

    def curvature_at(self, arc_length_m: npt.ArrayLike) -> FloatArray:
        """Return the curvature along the centre line, positive in left turns.

        Args:
            arc_length_m: Distances from the start line, any shape; they wrap around.

        Returns:
            Curvature in 1/m, same shape.
        """
        nearest, offset = self._nearest_sample(np.asarray(arc_length_m, dtype=np.float64))
        return np.asarray(self.curvature_per_m[nearest] + offset * self._slopes[nearest, 0])

    def half_widths_at(self, arc_length_m: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return the road to the left and to the right along the centre line.

        Args:
            arc_length_m: Distances from the start line, any shape; they wrap around.

        Returns:
            Half widths in metres, left and right, each of the same shape.
        """
        nearest, offset = self._nearest_sample(np.asarray(arc_length_m, dtype=np.float64))
        slopes = self._slopes[nearest]
        return (
            np.asarray(self.width_left_m[nearest] + offset * slopes[..., 1]),
            np.asarray(self.width_right_m[nearest] + offset * slopes[..., 2]),
        )

    def _nearest_sample(self, arc_length_m: FloatArray) -> tuple[npt.NDArray[np.intp], FloatArray]:
        """Return the sample nearest to each arc length and how far along from it that is."""
        position = arc_length_m / self.spacing_m
        rounded = np.rint(position)
        offset = (position - rounded) * self.spacing_m
        return np.mod(rounded, len(self.x_m)).astype(np.intp), offset

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(np.column_stack([self.x_m, self.y_m]))

    @cached_property
    def _table(self) -> FloatArray:
        """(M, 8) what project needs of a sample, side by side so that one gather fetches it."""
        cos, sin = np.cos(self.heading_rad), np.sin(self.heading_rad)
        columns = (self.x_m, self.y_m, cos, sin, self.heading_rad, self.curvature_per_m)
        return np.column_stack([*columns, self.width_left_m, self.width_right_m])

    @cached_property
    def _slopes(self) -> FloatArray:
        """(M, 3) change per metre of the curvature and of the widths left and right."""
        columns = np.column_stack([self.curvature_per_m, self.width_left_m, self.width_right_m])
        difference = np.roll(columns, -1, axis=0) - np.roll(columns, 1, axis=0)
        return np.asarray(difference / (2.0 * self.spacing_m))

    def __eq__(self, other: object) -> bool:
        """Two circuits are equal if name, centre line, widths and line width are."""
        if not isinstance(other, Circuit):
            return NotImplemented
        return all(
            np.array_equal(getattr(self, field.name), getattr(other, field.name))
            for field in fields(self)
        )

    def __hash__(self) -> int:
        """Agree with equality: hash the name, the size and the first sample."""
        first = (float(self.x_m[0]), float(self.y_m[0]))
        return hash((self.name, self.length_m, self.line_width_m, len(self.x_m), first))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the defining arrays only; trees and tables are rebuilt when needed."""
        return type(self), tuple(getattr(self, field.name) for field in fields(self))

    def __repr__(self) -> str:
        """Name the circuit with its size."""
        road_m = self.width_left_m + self.width_right_m
        line = f"line {self.line_width_m:.2f} m" if self.has_line else "no line"
        return (
            f"Circuit('{self.name}', {self.length_m:.1f} m, tightest radius "
            f"{self.min_radius_m:.2f} m, road {road_m.min():.1f} to {road_m.max():.1f} m, {line})"
        )
