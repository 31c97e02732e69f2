"""Pictures of a circuit: from above, and as the car's camera sees it."""

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from f1_rl.circuits import Circuit
from f1_rl.reporting.outline import outline_of
from f1_rl.simulation import Appearance, Camera, Renderer

Picture = npt.NDArray[np.uint8]


def draw_from_above(circuit: Circuit) -> Picture:
    """Return the road, its line and the start from above, `(H, W, 3)` RGB."""
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
    axes.plot(*outline.start_m.T, color="black", linewidth=2.0)
    axes.set_aspect("equal")
    axes.set_xlabel("x (m)")
    axes.set_ylabel("y (m)")
    axes.set_title(
        f"{circuit.name}: {circuit.length_m:.0f} m, tightest radius {circuit.min_radius_m:.1f} m"
    )
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba(), np.uint8)[..., :3]


def draw_from_car(circuit: Circuit, arc_length_m: float, camera: Camera | None = None) -> Picture:
    """Return what the camera of a car on the centre line sees, `(H, W, 3)` RGB."""
    renderer = Renderer([circuit], Camera() if camera is None else camera)
    pose = circuit.pose_at(np.array([arc_length_m]))
    picture = renderer.frames(np.zeros(1, np.int64), pose, Appearance.nominal(1))[0]
    return np.asarray(picture, np.uint8)
