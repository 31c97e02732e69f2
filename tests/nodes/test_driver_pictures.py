"""What the driver draws: of the newest decision, only if wanted, and without holding up the car."""

import math
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from processes import until

from f1_rl.circuits import load_circuit
from f1_rl.nodes.dashboard import Dashboard, Progress, circuit_of_map
from f1_rl.nodes.illustrator import Glance, Illustrator
from f1_rl.nodes.limiter import Command
from f1_rl.nodes.pilot import Pilot
from f1_rl.reporting.camera_overlay import HEAT_COLOUR, ROW_COLOUR
from f1_rl.reporting.palette import DARK, rgb
from f1_rl.reporting.video_panels import ROAD

POLICY = Path(__file__).parents[1] / "data" / "policy"
ACCENT = np.array(rgb(DARK["accent"]))


@pytest.fixture(scope="module")
def pilot() -> Pilot:
    pytest.importorskip("ai_edge_litert")
    from f1_rl.policy import load_policy

    return Pilot(load_policy(POLICY))


def glance_of(pilot: Pilot, picture: np.ndarray, **changes: Any) -> Glance:
    decision = pilot.decide(picture, first=True)
    values: dict[str, Any] = {
        "picture": picture,
        "observations": pilot.observations,
        "decision": decision,
        "sent": Command(4.0, 0.5),
        "holds": (),
        "stamp_ns": 7,
        "frame_id": "camera",
        "pose": None,
    }
    return Glance(**{**values, **changes})


class Sink:
    """Takes pictures while it is open; drawing waits where it is held."""

    def __init__(self, wanted: bool = True) -> None:
        self.wanted = wanted
        self.pictures: list[np.ndarray] = []
        self.stamps_ns: list[int] = []
        self.go_on = threading.Event()
        self.go_on.set()

    def due(self, now_s: float) -> bool:
        return self.wanted

    def publish(self, picture: np.ndarray, stamp_ns: int, frame_id: str) -> None:
        self.pictures.append(picture.copy())
        self.stamps_ns.append(stamp_ns)
        self.go_on.wait(20.0)


class Studio:
    """An illustrator with two sinks, and what it warned of."""

    def __init__(self, pilot: Pilot, debug: bool = True, dashboard: bool = True) -> None:
        self.debug, self.dashboard = Sink(debug), Sink(dashboard)
        self.warnings: list[str] = []
        self.illustrator = Illustrator(
            pilot, self.debug, self.dashboard, circuit="", warn=self.warnings.append
        )

    def __enter__(self) -> "Studio":
        return self

    def __exit__(self, *_: object) -> None:
        self.debug.go_on.set()
        self.dashboard.go_on.set()
        self.illustrator.close()


def test_both_pictures_show_where_the_decision_comes_from(
    pilot: Pilot, pictures: list[np.ndarray]
) -> None:
    with Studio(pilot) as studio:
        studio.illustrator.show(lambda: glance_of(pilot, pictures[3]), 0.0)
        until(lambda: bool(studio.dashboard.pictures), 20.0, lambda: studio.warnings)
    debug, dashboard = studio.debug.pictures[0], studio.dashboard.pictures[0]

    assert (debug.shape, dashboard.shape) == ((480, 640, 3), (720, 1280, 3))
    assert (debug[list(pilot.preprocessing.view.rows), :4] == ROW_COLOUR).all()
    for picture in (debug[245:370, 60:580], dashboard[330:470, 60:790]):
        assert np.abs(picture.astype(int) - HEAT_COLOUR).sum(axis=-1).min() < 230
    assert studio.dashboard.stamps_ns == [7]
    assert studio.warnings == []


def test_nothing_is_looked_at_or_drawn_for_nobody(pilot: Pilot) -> None:
    with Studio(pilot, debug=False, dashboard=False) as studio:
        studio.illustrator.show(lambda: pytest.fail("nobody wants a picture"), 0.0)
    assert studio.debug.pictures == studio.dashboard.pictures == []


def test_whoever_decides_never_waits_and_the_newest_moment_is_drawn(
    pilot: Pilot, pictures: list[np.ndarray]
) -> None:
    moments = [glance_of(pilot, pictures[0], stamp_ns=i) for i in range(5)]
    with Studio(pilot, dashboard=False) as studio:
        studio.debug.go_on.clear()
        studio.illustrator.show(lambda: moments[0], 0.0)
        until(lambda: len(studio.debug.pictures) == 1, 20.0, lambda: studio.warnings)
        for moment in moments[1:]:
            studio.illustrator.show(lambda moment=moment: moment, 0.0)
        assert len(studio.debug.pictures) == 1
        studio.debug.go_on.set()
        until(lambda: len(studio.debug.pictures) == 2, 20.0, lambda: studio.warnings)
    assert studio.debug.stamps_ns == [0, 4]


def test_an_error_while_drawing_is_told_once_and_ends_the_pictures_alone(
    pilot: Pilot, pictures: list[np.ndarray]
) -> None:
    broken = replace(glance_of(pilot, pictures[0]), picture=pictures[0][:200, :200])
    with Studio(pilot) as studio:
        for _ in range(3):
            studio.illustrator.show(lambda: broken, 0.0)
        until(lambda: bool(studio.warnings), 20.0)
    assert len(studio.warnings) == 1
    assert "no pictures are drawn any more, the car is driven on: " in studio.warnings[0]


def test_the_dashboard_shows_where_the_car_is_and_why_it_is_held(
    pilot: Pilot, pictures: list[np.ndarray]
) -> None:
    circuit = load_circuit("simple")
    pose = circuit.pose_at(30.0, 0.3)
    place = (float(pose.x_m[0]), float(pose.y_m[0]), float(pose.yaw_rad[0]))
    glance = glance_of(pilot, pictures[0], pose=place)
    map_part = (slice(16, 306), slice(848, 1264))

    bare = Dashboard(pilot, circuit).paint(glance_of(pilot, pictures[0]), None).copy()
    shown = Dashboard(pilot, circuit).paint(glance, None).copy()
    held = Dashboard(pilot, circuit).paint(glance_of(pilot, pictures[0], holds=("x",)), None)

    assert (shown[map_part] == ACCENT).all(axis=-1).sum() > 30
    assert not (bare[map_part] == ACCENT).all(axis=-1).any()
    assert (held[80:106, 20:826] == ACCENT).all(axis=-1).mean() > 0.9
    without_map = Dashboard(pilot, None).paint(glance, None)
    assert (shown[map_part] == ROAD).all(axis=-1).sum() > 2000
    assert not (without_map[map_part] == ROAD).all(axis=-1).any()


@pytest.mark.parametrize("direction", [1, -1])
def test_laps_are_counted_from_where_the_car_was_seen_first(direction: int) -> None:
    circuit = load_circuit("simple")
    progress = Progress(circuit)
    places = []
    for i in range(60):
        driven_m = 50.0 + i * circuit.length_m / 40
        pose = circuit.pose_at(driven_m, 0.2, 0.0, direction)
        pose_now = (float(pose.x_m[0]), float(pose.y_m[0]), float(pose.yaw_rad[0]))
        places.append(progress.follow(pose_now, 100.0 + i))

    assert [place.lap for place in places] == [1] * 40 + [2] * 20
    assert [place.lap_time_s for place in places[39:42]] == [39.0, 0.0, 1.0]
    assert all(math.isclose(place.lateral_error_m, 0.2, abs_tol=0.02) for place in places)


def test_a_map_that_cannot_be_had_is_told_in_a_sentence(pilot: Pilot) -> None:
    warnings: list[str] = []
    task = pilot.policy.task_settings

    assert circuit_of_map("", task, warnings.append) == load_circuit(task.circuits[0])
    assert circuit_of_map("nowhere", task, warnings.append) is None
    assert len(warnings) == 1
    assert "the dashboard has no map: " in warnings[0]
    assert warnings[0].endswith("; set the parameter dashboard_circuit to one.")
