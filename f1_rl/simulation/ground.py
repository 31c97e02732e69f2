"""The ground of circuits as signed distance fields, from which the camera's picture is drawn.

A texture has a fixed sharpness; the distance to an edge does not: interpolated between grid
points 0.1 m apart it places the edge of a smooth curve to a millimetre, at any zoom, and its
gradient tells how much of a pixel's footprint lies on either side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from f1_rl.circuits.geometry import Poses
from f1_rl.simulation.ground_kernels import sweep_centre_line

if TYPE_CHECKING:
    from f1_rl.circuits import Circuit

LINE_HEIGHT_M = 0.002
"""Height of the painted line above the road, as in the Gazebo worlds."""

GRASS_HEIGHT_M = -0.004
"""Height of the grass; the road hides the step, so only the line's height moves pixels."""

KERB_PERIOD_M = 2.0
"""Length of a red and a white block of a kerb together, as in the Gazebo worlds."""

_KERB_REACH_M = 1.2
"""Kerbs up to this width, less a cell, are striped."""

_CELL_M = 0.1
_MOST_CELLS = 25_000_000
_REACH_M = 4.0
"""How far beyond the road's edge distances are kept; farther out all is plainly grass."""

_FINEST_UNIT_M = 0.00025
_INT16_MAX = 32767

_IN_USE: WeakValueDictionary[tuple[Circuit, ...], _Fields] = WeakValueDictionary()


@dataclass(frozen=True)
class DistanceField:
    """Two distances on a grid over one circuit.

    Attributes:
        values: (H, W) int32; the low 16 bits hold the signed distance to the centre line
            (positive left), the high 16 bits the distance inside the road's edge (negative
            outside), both signed, in ``unit_m``.
        origin_x_m: x of the first column.
        origin_y_m: y of the first row.
        cell_m: Distance between neighbouring grid points.
        unit_m: Length of one step of the stored integers.
    """

    values: NDArray[np.int32]
    origin_x_m: float
    origin_y_m: float
    cell_m: float
    unit_m: float


def build_distance_field(circuit: Circuit) -> DistanceField:
    """Compute the distance field of a circuit.

    The grid is 0.1 m wide, coarser only where a circuit would need more than 25 million
    points (100 MB); the error of bilinear interpolation is cell^2 / (8 R) on a curve of
    radius R, 0.4 mm for 3 m.

    Args:
        circuit: The circuit.

    Returns:
        Its field; at least ``4 m`` beyond the road's edge are covered, and the values at the
        border of the grid are those of grass.
    """
    widest_m = float(max(circuit.width_left_m.max(), circuit.width_right_m.max()))
    reach_m = widest_m + _REACH_M
    unit_m = max(_FINEST_UNIT_M, reach_m / _INT16_MAX)
    low_x, low_y = circuit.x_m.min() - reach_m, circuit.y_m.min() - reach_m
    size_x, size_y = np.ptp(circuit.x_m) + 2 * reach_m, np.ptp(circuit.y_m) + 2 * reach_m
    cell_m = max(_CELL_M, float(np.sqrt(size_x * size_y / _MOST_CELLS)))
    shape = int(np.ceil(size_y / cell_m)) + 2, int(np.ceil(size_x / cell_m)) + 2

    points = np.stack([circuit.x_m - low_x, circuit.y_m - low_y], axis=-1) / cell_m
    tangents = np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)
    tangents /= np.linalg.norm(tangents, axis=-1, keepdims=True)
    normals = np.stack([-tangents[:, 1], tangents[:, 0]], axis=-1)
    lateral = np.full(shape, reach_m / cell_m, dtype=np.float32)
    inside = np.full(shape, -_REACH_M / cell_m, dtype=np.float32)
    sweep_centre_line(
        np.ascontiguousarray(points),
        np.ascontiguousarray(normals),
        np.asarray(circuit.width_left_m / cell_m, dtype=np.float64),
        np.asarray(circuit.width_right_m / cell_m, dtype=np.float64),
        reach_m / cell_m,
        lateral,
        inside,
    )
    scale = cell_m / unit_m
    values = _to_int16(inside, scale).astype(np.int32) << 16
    values |= _to_int16(lateral, scale).view(np.uint16)
    return DistanceField(values, float(low_x), float(low_y), cell_m, unit_m)


def _to_int16(lengths: NDArray[np.float32], scale: float) -> NDArray[np.int16]:
    lengths *= np.float32(scale)
    np.rint(lengths, out=lengths)
    return np.clip(lengths, -_INT16_MAX, _INT16_MAX, out=lengths).astype(np.int16)


class Ground:
    """The ground of several circuits, laid out for the drawing kernels.

    Grounds of the same roads share their distance fields as long as one of them is in use,
    whatever lines are painted there.

    Attributes:
        cells: All fields' values one after the other, int32.
        places: (num_circuits, 3) int64: index of a field's first value, its height and width.
        scales: (num_circuits, 5) float64: x and y of a field's first point in metres, points a
            metre, stored units a point's distance, half the line's width in stored units.
    """

    def __init__(self, circuits: Sequence[Circuit]) -> None:
        """Compute the fields, or take those that are in use.

        Args:
            circuits: At least one.

        Raises:
            ValueError: If there is none.
        """
        if not circuits:
            raise ValueError("Renderer without a circuit: give at least one")
        self._fields = _fields_of(tuple(circuit.with_line(0.0) for circuit in circuits))
        self.cells, self.places = self._fields.cells, self._fields.places
        widths_m = np.array([circuit.line_width_m for circuit in circuits])
        half_lines = widths_m / 2 / self._fields.units_m
        self.scales = np.column_stack([self._fields.scales, half_lines])

    @property
    def stripes(self) -> NDArray[np.uint16]:
        """Where along a red and a white block of a kerb each cell lies, (cells,) of 2^16.

        Zero where no kerb can be.
        """
        return self._fields.stripes


class _Fields:
    """The distance fields of several circuits, whatever lines are painted on them.

    Attributes:
        cells, places: As those of the ground.
        scales: (num_circuits, 4) float64, the first columns of the ground's.
        units_m: (num_circuits,) length of one step of the stored integers.
    """

    def __init__(self, circuits: Sequence[Circuit]) -> None:
        fields = [build_distance_field(circuit) for circuit in circuits]
        self._circuits = circuits
        sizes = [field.values.size for field in fields]
        firsts = np.cumsum([0, *sizes[:-1]])
        self.cells: NDArray[np.int32] = np.concatenate([field.values.ravel() for field in fields])
        self.cells.setflags(write=False)
        self.places = np.array(
            [(first, *field.values.shape) for first, field in zip(firsts, fields, strict=True)],
            dtype=np.int64,
        )
        self.scales = np.array(
            [(f.origin_x_m, f.origin_y_m, 1.0 / f.cell_m, f.cell_m / f.unit_m) for f in fields]
        )
        self.units_m = np.array([field.unit_m for field in fields])

    @cached_property
    def stripes(self) -> NDArray[np.uint16]:
        """See :attr:`Ground.stripes`."""
        stripes = np.zeros(self.cells.shape, dtype=np.uint16)
        layout = zip(self._circuits, self.places, self.scales, strict=True)
        for circuit, (first, height, width), (low_x, low_y, density, units) in layout:
            values = self.cells[first : first + height * width]
            outside_m = -(values >> 16) / (units * density)
            near = np.flatnonzero((outside_m > -2.0 / density) & (outside_m < _KERB_REACH_M))
            rows, columns = np.divmod(near, width)
            poses = Poses(low_x + columns / density, low_y + rows / density, np.zeros(len(near)))
            blocks = circuit.project(poses).arc_length_m / circuit.length_m
            blocks *= max(round(circuit.length_m / KERB_PERIOD_M), 1)
            stripes[first + near] = (np.mod(blocks, 1.0) * 65536).astype(np.int64) % 65536
        stripes.setflags(write=False)
        return stripes


def _fields_of(circuits: tuple[Circuit, ...]) -> _Fields:
    """Return the fields of circuits without lines, computed unless they are in use."""
    fields = _IN_USE.get(circuits)
    if fields is None:
        fields = _IN_USE[circuits] = _Fields(circuits)
    return fields
