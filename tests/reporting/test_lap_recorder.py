"""A recorded lap: every control period has its row, its reward terms, and its frame."""

import csv
from pathlib import Path

import av
import msgspec
import numpy as np
import pytest

from f1_rl.circuits import load_circuit
from f1_rl.policy import load_policy
from f1_rl.reporting.camera_overlay import HEAT_COLOUR
from f1_rl.reporting.lap_obstacles import OBSTACLES_FILE, read_met_obstacles
from f1_rl.reporting.lap_recorder import record_lap
from f1_rl.simulation import Traffic
from f1_rl.simulation.traffic import place_obstacles

pytestmark = pytest.mark.tensorflow

POLICY = Path(__file__).parents[1] / "data" / "policy"


def test_the_trace_has_the_reward_terms_and_the_video_shows_why(tmp_path: Path) -> None:
    policy = load_policy(POLICY)
    rewards = {"centred_progress": 1.0, "lateral_error": 0.5, "steering_change": 0.2}
    settings = msgspec.structs.replace(policy.task_settings, rewards=rewards)
    trace, video = tmp_path / "lap.csv", tmp_path / "lap.mp4"

    record_lap(policy, settings, trace, video)

    with trace.open() as file:
        rows = list(csv.DictReader(file))
    terms = np.array([[float(row[f"reward_{name}"]) for name in rewards] for row in rows])
    total = np.array([float(row["reward"]) for row in rows])
    np.testing.assert_allclose(terms.sum(axis=1), total, atol=2e-6)
    assert terms[:, 0].min() > 0.0 > terms[:, 1:].max(axis=0).min()
    with av.open(str(video)) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(pictures) == len(rows)
    road = pictures[len(rows) // 2][330:500, 60:790].astype(np.int64)
    assert np.abs(road - HEAT_COLOUR).sum(axis=-1).min() < 200


def test_boxes_are_kept_where_they_stand(tmp_path: Path) -> None:
    policy = load_policy(POLICY)
    settings = msgspec.structs.replace(
        policy.task_settings, traffic=Traffic(boxes=3, lateral_m=(0.8, 0.9), seed=1)
    )
    record_lap(policy, settings, obstacles_path=tmp_path / OBSTACLES_FILE)
    circuit = load_circuit(settings.circuits[0])
    placed = place_obstacles(settings.traffic, circuit, np.random.default_rng(1))
    expected = circuit.pose_at(placed.arc_length_m, placed.lateral_m)
    boxes = read_met_obstacles(tmp_path)
    assert [box.kind for box in boxes] == ["box"] * 3
    np.testing.assert_allclose([box.x_m for box in boxes], expected.x_m, atol=1e-3)
    np.testing.assert_allclose([box.y_m for box in boxes], expected.y_m, atol=1e-3)
