"""Traffic: which boxes and slower cars are on the road, and where they begin."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import yaml

from f1_rl.circuits import Circuit, FloatArray, IntArray
from f1_rl.errors import did_you_mean
from f1_rl.simulation.car_parameters import CAR

Range = tuple[float, float]
Colour = tuple[int, int, int]

NO_TRAFFIC = "none"
"""Name of the scenario without obstacles."""

_BESIDE_M = 0.1
_MOST_DRAWS = 60
_ROUNDING_M = 1e-6


@dataclass(frozen=True)
class Traffic:
    """Obstacles on the road of each car's own world; the default is none.

    They are drawn anew whenever the car is placed. Boxes stand. Slower cars keep to one offset
    from the centre line and to one speed, which all of a world have in common: none catches
    another. Where they begin, any two obstacles are `spacing_m` apart along the road, and a slower
    car that later drives past a box neither touches it nor closes the road: what is left beside or
    between them is `passage_m` wide at the narrowest place of the circuit.

    Attributes:
        boxes: Boxes in each world.
        cars: Slower cars in each world; they have the size of the car that learns.
        box_size_m: Length, width and height of a box.
        car_speed_mps: Range of the slower cars' speed, drawn once for a world.
        lateral_m: Range of the distance between an obstacle's middle and the centre line.
        alternate: Whether obstacles stand to the left and to the right in turn, in their order
            along the road, instead of at random.
        spacing_m: Least distance between two of them along the road, where they begin.
        start_clear_m: Road before and behind the car's own place where none begins; with a seed,
            of the start line, and cars begin as far from all of them, where there is room.
        passage_m: Least width that is left to pass.
        box_colour: RGB of the boxes.
        car_colour: RGB of the slower cars' bodies.
        seed: Of places and speeds, then always the same, from the start line on and in the
            circuit's own direction; none: drawn by the simulator, from the car's place on and in
            its direction.
    """

    boxes: int = 0
    cars: int = 0
    box_size_m: tuple[float, float, float] = (0.4, 0.4, 0.3)
    car_speed_mps: Range = (1.5, 2.5)
    lateral_m: Range = (0.0, 0.9)
    alternate: bool = False
    spacing_m: float = 8.0
    start_clear_m: float = 8.0
    passage_m: float = 0.9
    box_colour: Colour = (180, 130, 75)
    car_colour: Colour = (215, 220, 230)
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.boxes < 0 or self.cars < 0:
            raise ValueError(f"Traffic boxes {self.boxes}, cars {self.cars}: give 0 or more")
        if not all(0.0 < side < math.inf for side in self.box_size_m):
            raise ValueError(f"Traffic box_size_m {self.box_size_m}: give three lengths > 0")
        for name in ("car_speed_mps", "lateral_m"):
            low, high = getattr(self, name)
            if not 0.0 <= low <= high < math.inf:
                raise ValueError(f"Traffic {name} ({low}, {high}): give (low, high) from 0 upwards")
        for name in ("spacing_m", "start_clear_m", "passage_m"):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise ValueError(f"Traffic {name} {getattr(self, name)}: give metres >= 0")
        for name in ("box_colour", "car_colour"):
            if not all(0 <= level <= 255 for level in getattr(self, name)):
                raise ValueError(f"Traffic {name} {getattr(self, name)}: give levels of 0 to 255")
        if self.seed is not None and self.seed < 0:
            raise ValueError(f"Traffic seed {self.seed}: give 0 or more, or none")

    @property
    def count(self) -> int:
        """Obstacles in each world, M: first the boxes, then the cars."""
        return self.boxes + self.cars

    @property
    def sizes_m(self) -> FloatArray:
        """(M, 3) length, width and height of the obstacles."""
        box, car = self.box_size_m, (CAR.length_m, CAR.width_m, CAR.height_m)
        return np.array([box] * self.boxes + [car] * self.cars, dtype=np.float64).reshape(-1, 3)

    def check(self, circuit: Circuit) -> None:
        """Refuse a circuit on which the obstacles have no room.

        Args:
            circuit: The circuit.

        Raises:
            ValueError: If it is too short for them, or its road too narrow.
        """
        if not self.count:
            return
        needed_m = (self.count - 1) * self.spacing_m + 2 * self.start_clear_m
        if needed_m > circuit.length_m:
            raise ValueError(
                f"Traffic of {self.count} obstacles needs {needed_m:.0f} m of road, and "
                f"{circuit.name} has {circuit.length_m:.0f} m: give fewer or a smaller spacing_m"
            )
        place_obstacles(self, circuit, np.random.default_rng(0))


EMPTY_ROAD = Traffic()
"""No obstacles."""


@dataclass(frozen=True)
class Placement:
    """Where the M obstacles of a world begin; first the boxes, then the cars.

    Attributes:
        arc_length_m: (M,) place of their middles along the circuit, in the driving direction.
        lateral_m: (M,) offset from the centre line, positive to the left as driven.
        speed_mps: (M,) along the circuit; 0 of the boxes.
    """

    arc_length_m: FloatArray
    lateral_m: FloatArray
    speed_mps: FloatArray


def place_obstacles(
    traffic: Traffic, circuit: Circuit, rng: np.random.Generator, start_m: float = 0.0
) -> Placement:
    """Draw where the obstacles of one world begin.

    Args:
        traffic: What there is.
        circuit: The road.
        rng: Source of randomness.
        start_m: Arc length of the place that is left free, in the driving direction.

    Returns:
        Their places.

    Raises:
        ValueError: If the road is too narrow for the passage that the traffic promises.
    """
    count, spacing_m = traffic.count, traffic.spacing_m
    room_m = circuit.length_m - 2 * traffic.start_clear_m - (count - 1) * spacing_m
    ahead_m = np.sort(rng.random(count)) * room_m + np.arange(count) * spacing_m
    arc_length_m = np.mod(start_m + traffic.start_clear_m + ahead_m, circuit.length_m)
    order = rng.permutation(count)
    alternating = rng.choice((-1.0, 1.0)) * (-1.0) ** order if traffic.alternate else None
    lateral_m = _draw_laterals(traffic, circuit, rng, alternating)
    speed_mps = np.zeros(count)
    speed_mps[traffic.boxes :] = rng.uniform(*traffic.car_speed_mps)
    return Placement(arc_length_m[order], lateral_m, speed_mps)


def clear_places(
    traffic: Traffic, circuit: Circuit, arc_length_m: FloatArray, direction: IntArray
) -> FloatArray:
    """Move places on, as driven, to the next where no obstacle of seeded traffic begins near.

    Near is `start_clear_m`, or half the longest way between two where that is less.

    Args:
        traffic: Obstacles, with a seed.
        circuit: The road.
        arc_length_m: (K,) in the driving direction.
        direction: (K,) +1 along the centre line, -1 against it.

    Returns:
        (K,) in the driving direction, below the circuit's length.
    """
    length_m = circuit.length_m
    placed = place_obstacles(traffic, circuit, np.random.default_rng(traffic.seed))
    begin_m = np.sort(placed.arc_length_m)
    longest_m = np.diff(begin_m, append=begin_m[0] + length_m).max()
    near_m = min(traffic.start_clear_m, 0.5 * longest_m)
    ahead_m = np.mod(direction[:, None] * begin_m - arc_length_m[:, None], length_m)
    # Where it is, or just far enough behind one of them.
    onward_m = np.pad(np.mod(ahead_m + near_m, length_m), ((0, 0), (1, 0)))
    apart_m = np.mod(ahead_m[:, None] - onward_m[:, :, None], length_m)
    apart_m = np.minimum(apart_m, length_m - apart_m).min(axis=2)
    onward_m[apart_m < near_m - _ROUNDING_M] = np.inf
    return np.asarray(np.mod(arc_length_m + onward_m.min(axis=1), length_m))


def _draw_laterals(
    traffic: Traffic, circuit: Circuit, rng: np.random.Generator, sides: FloatArray | None
) -> FloatArray:
    """Draw the offset of all cars, then those of boxes that leave room beside it.

    Args:
        traffic: What there is.
        circuit: The road.
        rng: Source of randomness.
        sides: (M,) +1 or -1 where each obstacle is to be; none: at random.

    Returns:
        (M,) offsets.
    """
    edge_m = circuit.narrowest_half_width_m
    half_m = traffic.sizes_m[:, 1] / 2
    lateral_m = np.zeros(traffic.count)
    lane = [traffic.count - 1] if traffic.cars else []
    # A lane in the middle may leave no place for boxes, so another is drawn then.
    for _ in range(_MOST_DRAWS):
        for obstacle in (*lane, *range(traffic.boxes)):
            beside = sorted({obstacle, *lane})
            for _ in range(_MOST_DRAWS):
                side = rng.choice((-1.0, 1.0)) if sides is None else sides[obstacle]
                lateral_m[obstacle] = side * rng.uniform(*traffic.lateral_m)
                if _leaves(traffic.passage_m, edge_m, lateral_m[beside], half_m[beside]):
                    break
            else:
                break
        else:
            lateral_m[traffic.boxes :] = lateral_m[-1:]
            return lateral_m
    raise ValueError(
        f"Traffic with lateral_m {traffic.lateral_m} leaves no passage of {traffic.passage_m} m on "
        f"{circuit.name}, whose road is {2 * edge_m:.1f} m wide at its narrowest: give a smaller "
        "passage_m, or another lateral_m"
    )


def _leaves(passage_m: float, edge_m: float, middle_m: FloatArray, half_m: FloatArray) -> bool:
    """Return whether obstacles side by side are on the road, apart, and leave a passage.

    Args:
        passage_m: Its least width.
        edge_m: Half the road's width.
        middle_m: (K,) offsets of their middles.
        half_m: (K,) half their widths.
    """
    low, high = np.sort(middle_m - half_m), np.sort(middle_m + half_m)
    gaps = np.append(low, edge_m) - np.append(-edge_m, high)
    apart = (gaps[1:-1] >= _BESIDE_M).all()
    return bool(apart and min(gaps[0], gaps[-1]) >= 0.0 and gaps.max() >= passage_m)


@cache
def _scenarios() -> dict[str, Traffic]:
    text = resources.files("f1_rl.simulation").joinpath("traffic.yaml").read_text(encoding="utf-8")
    return {name: Traffic(**_tuples(fields)) for name, fields in yaml.safe_load(text).items()}


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()}


def traffic_names() -> tuple[str, ...]:
    """Return the names of the scenarios, `none` first."""
    return tuple(_scenarios())


def traffic_name(traffic: str | Traffic) -> str:
    """Return what to call traffic: its scenario, or `own` where it has no name."""
    return traffic if isinstance(traffic, str) else "own"


def load_traffic(traffic: str | Traffic) -> Traffic:
    """Find a scenario by name.

    Args:
        traffic: Its name, or traffic, which is returned as it is.

    Raises:
        ValueError: If there is none of that name.
    """
    if isinstance(traffic, Traffic):
        return traffic
    if traffic not in _scenarios():
        known = _scenarios()
        raise ValueError(
            f"Traffic {traffic!r} is unknown{did_you_mean(traffic, known)}: "
            f"choose one of {', '.join(known)}"
        )
    return _scenarios()[traffic]
