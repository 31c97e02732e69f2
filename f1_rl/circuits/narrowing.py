"""Roads that would overlap themselves in a tight turn, narrowed until they do not."""

from dataclasses import replace

import numpy as np

from f1_rl.circuits.geometry import FloatArray
from f1_rl.circuits.resampling import SampledLine

# Of a turn's radius, how wide the road on its inner side may be.
_WIDEST_SHARE = 0.9
# How fast the road narrows towards such a turn, metres of width a metre of way.
_TAPER = 0.3


def narrowed(line: SampledLine) -> SampledLine:
    """Return a line whose road ends short of the centre of every turn.

    Where a turn is tighter than the road on its inner side is wide, that side becomes 0.9 radii
    wide there and narrows evenly towards the turn and from it; all other widths stay.

    Args:
        line: The sampled centre line; its values are the half widths left and right, (M, 2).
    """
    inner = np.stack([line.curvature_per_m, -line.curvature_per_m], axis=1).clip(min=0.0)
    widest_m = np.divide(_WIDEST_SHARE, inner, out=np.full_like(inner, np.inf), where=inner > 0.0)
    widest_m[widest_m >= line.values] = np.inf
    step_m = line.length_m / len(line.x_m)
    tapered = [_tapered(column, _TAPER * step_m) for column in widest_m.T]
    return replace(line, values=np.minimum(line.values, np.column_stack(tapered)))


def _tapered(limits: FloatArray, slope: float) -> FloatArray:
    """Return the largest values below periodic limits (M,) that rise by a slope at most."""
    rising = slope * np.arange(2 * len(limits))
    both = limits
    for _ in range(2):  # forwards, then backwards
        twice = np.concatenate([both, both])
        both = (np.minimum.accumulate(twice - rising) + rising)[len(limits) :][::-1]
    return both
