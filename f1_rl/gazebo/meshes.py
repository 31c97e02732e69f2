"""The flat meshes of a circuit: road, line and kerbs, as Wavefront OBJ text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from f1_rl.circuits import Circuit, FloatArray, IntArray

_CHORD_ERROR_M = 0.0005
"""By how much an edge of the mesh may lie beside the curve; a pixel shows a few millimetres."""

_LONGEST_STEP_M = 4.0
_DECIMALS = 4

KERB_WIDTH_M = 0.18
_KERB_OVERLAP_M = 0.01
"""Kerbs reach below the road, so that no grass shows between."""

_KERB_BLOCK_M = 1.0
_KERB_STEPS = 3
_KERB_CURVATURE_PER_M = 0.05
# Where the kerb's outer edge would turn back on itself there is none.
_SHARPEST_KERB = 0.9


@dataclass(frozen=True)
class Mesh:
    """Triangles in a horizontal plane, seen from above counter-clockwise.

    Attributes:
        points_m: (V, 2) x and y of the corners.
        triangles: (T, 3) which corners.
    """

    points_m: FloatArray
    triangles: IntArray

    @property
    def areas_m2(self) -> FloatArray:
        """(T,) area of each triangle, positive where it is seen from above."""
        a, b, c = (self.points_m[self.triangles[:, corner]] for corner in range(3))
        (ux, uy), (vx, vy) = (b - a).T, (c - a).T
        return np.asarray(0.5 * (ux * vy - uy * vx))

    def as_obj(self, name: str) -> str:
        """Return the mesh as an OBJ file.

        Args:
            name: Of the mesh and of its material in the file that `material_library` makes.
        """
        lines = [f"mtllib {MATERIAL_FILE}", f"o {name}"]
        lines += [f"v {_decimal(x)} {_decimal(y)} 0" for x, y in self.points_m]
        lines += ["vn 0 0 1", f"usemtl {name}"]
        lines += [f"f {a}//1 {b}//1 {c}//1" for a, b, c in self.triangles + 1]
        return "\n".join(lines) + "\n"


MATERIAL_FILE = "circuit.mtl"


def material_library(colours: dict[str, tuple[int, int, int]]) -> str:
    """Return the materials that the OBJ files name, for other programs than Gazebo.

    Gazebo takes the colours of the model and would only complain of a missing file.

    Args:
        colours: Red, green and blue, 0 to 255, by name.
    """
    entries = [
        f"newmtl {name}\nKd {' '.join(f'{level / 255:.4f}' for level in colour)}\n"
        for name, colour in colours.items()
    ]
    return "\n".join(entries)


def road_mesh(circuit: Circuit) -> Mesh:
    """Return the road."""
    return _ribbon(circuit, circuit.width_left_m, -circuit.width_right_m)


def line_mesh(circuit: Circuit) -> Mesh:
    """Return the painted line, of a circuit that has one."""
    half = np.full(len(circuit.x_m), circuit.line_width_m / 2)
    return _ribbon(circuit, half, -half)


def kerb_meshes(
    circuit: Circuit,
    kerb_m: float = KERB_WIDTH_M,
    least_curvature_per_m: float = _KERB_CURVATURE_PER_M,
) -> tuple[Mesh, Mesh]:
    """Return the kerbs beside the road's edges, in two alternating colours.

    Args:
        circuit: Whose road it is.
        kerb_m: How wide they are.
        least_curvature_per_m: Of the corners that have them; 0: they are everywhere.
    """
    blocks = max(2, 2 * round(circuit.length_m / (2 * _KERB_BLOCK_M)))
    edges = np.linspace(0.0, circuit.length_m, blocks * _KERB_STEPS + 1)
    of_block = edges[np.arange(blocks)[:, None] * _KERB_STEPS + np.arange(_KERB_STEPS + 1)]
    curvature = circuit.curvature_at(of_block)
    left_m, right_m = circuit.half_widths_at(of_block)
    meshes: tuple[list[Mesh], list[Mesh]] = ([], [])
    for block in range(blocks):
        if np.abs(curvature[block]).mean() < least_curvature_per_m:
            continue
        for side, width_m in ((1, left_m[block]), (-1, right_m[block])):
            outer_m = width_m + kerb_m
            if (side * curvature[block] * outer_m).max() > _SHARPEST_KERB:
                continue
            strip = _strip(
                _beside(circuit, of_block[block], side * outer_m),
                _beside(circuit, of_block[block], side * (width_m - _KERB_OVERLAP_M)),
            )
            meshes[block % 2].append(strip if side > 0 else _flipped(strip))
    return _joined(meshes[0]), _joined(meshes[1])


def _ribbon(circuit: Circuit, left_m: FloatArray, right_m: FloatArray) -> Mesh:
    """Return the closed strip between two offsets of the centre line, positive to the left."""
    arc_length_m = circuit.arc_length_m
    left = _beside(circuit, arc_length_m, left_m)
    right = _beside(circuit, arc_length_m, right_m)
    longest = max(1, int(_LONGEST_STEP_M / circuit.spacing_m))
    kept = _thinned(np.stack([left, right]), longest)
    points = np.stack([left[kept], right[kept]], axis=1).reshape(-1, 2)
    count = len(kept)
    near = 2 * np.arange(count)
    far = 2 * ((np.arange(count) + 1) % count)
    return Mesh(points, _quads(near, near + 1, far, far + 1))


def _thinned(edges: FloatArray, longest: int) -> IntArray:
    """Return which samples of closed curves to keep so that the chords stay on the curves.

    Args:
        edges: (E, M, 2) curves, sampled alike.
        longest: Most samples that one chord spans.
    """
    count = edges.shape[1]
    wrapped = np.concatenate([edges, edges[:, : longest + 1]], axis=1)
    kept, here = [], 0
    while here < count:
        kept.append(here)
        step = 1
        while step < longest and here + step < count and _chord_holds(wrapped, here, step + 1):
            step += 1
        here += step
    return np.array(kept, dtype=np.int64)


def _chord_holds(edges: FloatArray, first: int, step: int) -> bool:
    """Say whether each curve lies near enough to the chord over it.

    A quarter, half and three quarters of the way along are looked at: in the middle alone, a curve
    that turns to the other side there would seem straight.
    """
    between = first + np.array([step // 4, step // 2, (3 * step) // 4])
    start = edges[:, first]
    chord, offset = edges[:, first + step] - start, edges[:, between] - start[:, None]
    beside = chord[:, None, 0] * offset[..., 1] - chord[:, None, 1] * offset[..., 0]
    allowed = _CHORD_ERROR_M * np.hypot(chord[:, 0], chord[:, 1])
    return bool((np.abs(beside) <= allowed[:, None]).all())


def _beside(circuit: Circuit, arc_length_m: FloatArray, lateral_m: npt.ArrayLike) -> FloatArray:
    poses = circuit.pose_at(arc_length_m, lateral_m)
    return np.stack([poses.x_m, poses.y_m], axis=1)


def _strip(left: FloatArray, right: FloatArray) -> Mesh:
    points = np.stack([left, right], axis=1).reshape(-1, 2)
    near = 2 * np.arange(len(left) - 1)
    return Mesh(points, _quads(near, near + 1, near + 2, near + 3))


def _quads(left: IntArray, right: IntArray, next_left: IntArray, next_right: IntArray) -> IntArray:
    """Return the triangles of quadrangles between a left and a right edge."""
    halves = np.stack([[left, right, next_right], [left, next_right, next_left]])
    return np.asarray(halves.transpose(2, 0, 1).reshape(-1, 3))


def _flipped(mesh: Mesh) -> Mesh:
    return Mesh(mesh.points_m, mesh.triangles[:, ::-1])


def _joined(meshes: Sequence[Mesh]) -> Mesh:
    if not meshes:
        return Mesh(np.zeros((0, 2)), np.zeros((0, 3), dtype=np.int64))
    firsts = np.cumsum([0, *(len(mesh.points_m) for mesh in meshes[:-1])])
    return Mesh(
        np.concatenate([mesh.points_m for mesh in meshes]),
        np.concatenate(
            [mesh.triangles + first for mesh, first in zip(meshes, firsts, strict=True)]
        ),
    )


def _decimal(value: float) -> str:
    """Return metres to a tenth of a millimetre, without trailing zeros and without -0."""
    text = f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
