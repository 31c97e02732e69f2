"""The circuits of the library, measured and drawn."""

import numpy as np

from f1_rl.circuits import Circuit, circuit_definition, circuit_names, load_circuit
from f1_rl.circuits.library import DEFAULT_CIRCUIT
from f1_rl.reporting.outline import outline_of
from generate import markdown

_INTRODUCTION = f"""
`--circuit NAME` takes one of these, the CSV file of [one of your own](../guides/circuits.md),
`random-7` for a random one with that seed, or `random-0:20` for a range of them; without it, it is
`{DEFAULT_CIRCUIT}`. Lengths and widths are in metres; the radius is the centre line's tightest.
"""
# Metres between the points that are drawn.
_SPACING_M = 0.5
_MARGIN_M = 3.0


def page() -> str:
    """Return the page of all circuits."""
    rows = []
    for name in circuit_names():
        circuit = load_circuit(name)
        widths_m = circuit.width_left_m + circuit.width_right_m
        rows.append(
            [
                f"**{name}**<br>{circuit_definition(name).description}",
                f"![{name} from above]({name}.svg)",
                f"{circuit.length_m:.0f}",
                _range(float(widths_m.min()), float(widths_m.max())),
                f"{circuit.min_radius_m:.1f}",
                "yes" if circuit.has_line else "no",
            ]
        )
    headings = ["circuit", "from above", "length m", "width m", "radius m", "line"]
    return markdown.page("Circuits", _INTRODUCTION, markdown.table(headings, rows))


def pictures() -> dict[str, str]:
    """Return an SVG picture of each circuit by its name: road, line and start from above."""
    return {name: _draw(load_circuit(name)) for name in circuit_names()}


def _draw(circuit: Circuit) -> str:
    outline = outline_of(circuit)
    every = max(1, round(_SPACING_M * len(circuit.x_m) / circuit.length_m))
    low = np.minimum(outline.left_m.min(axis=0), outline.right_m.min(axis=0)) - _MARGIN_M
    high = np.maximum(outline.left_m.max(axis=0), outline.right_m.max(axis=0)) + _MARGIN_M
    width, height = high - low
    # SVG's y axis points down.
    centre = np.stack([circuit.x_m, circuit.y_m], axis=1)
    left, right, middle = (
        _path((points[::every] - low) * (1, -1) + (0, height))
        for points in (outline.left_m, outline.right_m, centre)
    )
    start = _path((outline.start_m - low) * (1, -1) + (0, height), closed=False)
    line = f'<path d="{middle}" fill="none" stroke="#e00000" stroke-width="0.7"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.1f} {height:.1f}" '
        'width="200">\n'
        f'<path d="{left} {right}" fill="#8d9299" fill-rule="evenodd"/>\n'
        f"{line if circuit.has_line else ''}\n"
        f'<path d="{start}" stroke="#1b6ac9" stroke-width="2"/>\n</svg>\n'
    )


def _path(points: np.ndarray, *, closed: bool = True) -> str:
    steps = " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f"M{steps}{' Z' if closed else ''}"


def _range(low: float, high: float) -> str:
    return f"{low:.1f}" if f"{low:.1f}" == f"{high:.1f}" else f"{low:.1f} to {high:.1f}"
