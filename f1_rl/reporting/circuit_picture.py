"""Pictures of a circuit: from above, and as the car's camera sees it."""

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from f1_rl.circuits import Circuit
from f1_rl.reporting.outline import Outline, outline_of
from f1_rl.simulation import Appearance, Camera, Renderer

Picture = npt.NDArray[np.uint8]

# Of the larger side of the circuit.
_ARROW_SHARE = 0.08


def draw_from_above(circuit: Circuit) -> Picture:
    """Return road, line, start and driving direction from above, `(H, W, 3)` RGB."""
    outline = outline_of(circuit)
    figure = Figure(figsize=(10, 7), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    # Around one edge and back around the other, whichever of them is the outer one.
    ring = [*outline.left_m, outline.left_m[0], outline.right_m[0], *outline.right_m[::-1]]
    axes.fill(*np.array(ring).T, color="#8d9299", linewidth=0)
    for edge in (outline.left_m, outline.right_m):
        axes.plot(*np.vstack([edge, edge[:1]]).T, color="#5c6066", linewidth=0.8)
    if circuit.has_line:
        x_m, y_m = circuit.x_m, circuit.y_m
        axes.plot([*x_m, x_m[0]], [*y_m, y_m[0]], color="#e00000", linewidth=1.0)
    _draw_start(axes, outline, float(circuit.heading_rad[0]))
    axes.set_aspect("equal")
    axes.set_xlabel("x (m)")
    axes.set_ylabel("y (m)")
    axes.set_title(
        f"{circuit.name}: {circuit.length_m:.0f} m, tightest radius {circuit.min_radius_m:.1f} m"
    )
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba(), np.uint8)[..., :3]


def _draw_start(axes: Axes, outline: Outline, heading_rad: float) -> None:
    """Draw the start line, and beside the road, inside the circuit, where one drives from there."""
    axes.plot(*outline.start_m.T, color="black", linewidth=3.0)
    right_m, left_m = outline.start_m
    inside_m = outline.centre_m.mean(axis=0)
    near, far = sorted((left_m, right_m), key=lambda edge: float(np.hypot(*(edge - inside_m))))
    length_m = _ARROW_SHARE * float(np.ptp(outline.centre_m, axis=0).max())
    aside = (near - far) / np.hypot(*(near - far))
    tail = near + 0.35 * length_m * aside
    tip = tail + length_m * np.array([np.cos(heading_rad), np.sin(heading_rad)])
    arrow = {"arrowstyle": "-|>,head_length=0.7,head_width=0.35", "lw": 2.0, "color": "black"}
    axes.annotate("", xy=tip, xytext=tail, arrowprops=arrow)
    x_m, y_m = (tail + tip) / 2 + 0.35 * length_m * aside
    axes.text(x_m, y_m, "start", ha="center", va="center")


def draw_from_car(circuit: Circuit, arc_length_m: float, camera: Camera | None = None) -> Picture:
    """Return what the camera of a car on the centre line sees, `(H, W, 3)` RGB."""
    renderer = Renderer([circuit], Camera() if camera is None else camera)
    pose = circuit.pose_at(np.array([arc_length_m]))
    picture = renderer.frames(np.zeros(1, np.int64), pose, Appearance.nominal(1))[0]
    return np.asarray(picture, np.uint8)
