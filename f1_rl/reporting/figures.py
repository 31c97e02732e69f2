"""Matplotlib figures as inline SVG that takes its colours from the page's style sheet.

A figure is drawn with stand-in colours, one for each role of the palette, and the stand-ins become
CSS variables in the SVG. So one drawing serves light and dark, and its text uses the page's font.
"""

from __future__ import annotations

import html
import io
import re
from typing import Any, Final

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from f1_rl.reporting.palette import LIGHT

# Colours that nothing else uses; never pure black, which Matplotlib leaves out of the SVG.
STAND_INS: Final = {role: f"#0a{i:02x}f{i % 10}" for i, role in enumerate(LIGHT)}
_FONT_PX: Final = 11
_STYLE: Final[dict[str, Any]] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "font.family": "DejaVu Sans",
    "font.size": _FONT_PX,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": _FONT_PX,
    "axes.labelcolor": STAND_INS["muted"],
    "axes.titlecolor": STAND_INS["ink"],
    "axes.edgecolor": STAND_INS["grid"],
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.useoffset": False,
    "grid.color": STAND_INS["grid"],
    "grid.linewidth": 0.8,
    "xtick.color": STAND_INS["grid"],
    "ytick.color": STAND_INS["grid"],
    "xtick.labelcolor": STAND_INS["muted"],
    "ytick.labelcolor": STAND_INS["muted"],
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "text.color": STAND_INS["ink"],
    "legend.frameon": False,
    "legend.fontsize": 10,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
}


def new_figure(width_px: int, height_px: int, *, automatic_layout: bool = True) -> Figure:
    """Return an empty figure, one point of which becomes one pixel of the page.

    Args:
        width_px: Width.
        height_px: Height.
        automatic_layout: Whether Matplotlib makes room for labels; else axes lie as they are put.

    Returns:
        The figure.
    """
    with matplotlib.rc_context(_STYLE):
        return Figure(
            figsize=(width_px / 72, height_px / 72),
            layout="constrained" if automatic_layout else None,
        )


def style() -> Any:
    """Return the context in which axes take the page's style; Matplotlib's own is untouched."""
    return matplotlib.rc_context(_STYLE)


def label_plainly(axis: Any) -> None:
    """Label the ticks of a logarithmic axis with numbers, not with powers of ten as formulas.

    The style writes formulas as their source.

    Args:
        axis: `axes.xaxis` or `axes.yaxis`, its scale already set.
    """
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.set_minor_formatter(NullFormatter())


def inline_svg(figure: Figure, key: str, description: str) -> str:
    """Turn a figure into an `<svg>` element.

    Args:
        figure: The figure.
        key: A word that no other figure of the page has; it keeps the elements' ids apart.
        description: What the figure shows, for those who do not see it.

    Returns:
        The element, without references to anything outside it.
    """
    text = io.StringIO()
    no_metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": key}):
        figure.savefig(text, format="svg", metadata=no_metadata)
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<!--.*?-->|<style.*?</style>", "", svg, flags=re.DOTALL)
    view_box = re.search(r'viewBox="[^"]*"', svg)
    label = html.escape(description, quote=True)
    opening = f'<svg {view_box.group() if view_box else ""} role="img" aria-label="{label}">'
    svg = opening + svg[svg.index(">") + 1 :]
    svg = svg.replace("xlink:href", "href")
    svg = re.sub(r'\bid="', f'id="{key}-', svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{key}-", svg)
    for role, colour in STAND_INS.items():
        svg = svg.replace(colour, f"var(--{role})")
    # The page's own font, in Matplotlib's sizes.
    svg = svg.replace("'DejaVu Sans'", "var(--font)").replace("DejaVu Sans", "var(--font)")
    return re.sub(r"\n\s*", "\n", svg)
