"""How sure the policy is along a lap, and which of its moments are picked out."""

from pathlib import Path

import numpy as np
import pytest

from f1_rl.circuits.circuit import Circuit
from f1_rl.reporting.decisions import decision_margin, smoothed, telling_moments
from f1_rl.reporting.run_folder import FloatArray, Lap, read_run


def lap_of(q_values: FloatArray, circuit: Circuit | None = None, **columns: FloatArray) -> Lap:
    """Return a lap along the centre line at 6 m/s with the given Q-values."""
    count = len(q_values)
    names = [f for f in Lap.__dataclass_fields__ if f not in ("q_values", "reward_terms")]
    values = {name: np.zeros(count) for name in names}
    values["time_s"] = 0.05 * np.arange(1, count + 1)
    values["arc_length_m"] = 0.3 * np.arange(count)
    if circuit is not None:
        poses = circuit.pose_at(values["arc_length_m"])
        values.update(x_m=poses.x_m, y_m=poses.y_m, yaw_rad=poses.yaw_rad)
    return Lap(q_values=q_values, reward_terms={}, **{**values, **columns})


def test_the_margin_is_the_lead_in_the_policys_own_scale() -> None:
    q_values = np.array([[5.0, 4.0, 1.0], [5.0, 5.0, 1.0], [0.0, 4.0, 2.0], [8.0, 7.0, 0.0]])

    margin = decision_margin(lap_of(q_values))

    # The medians of best minus worst, 4, 4, 4 and 8: the scale is 4.
    np.testing.assert_allclose(margin, [0.25, 0.0, 0.5, 0.25])
    np.testing.assert_allclose(decision_margin(lap_of(1e3 * q_values - 7.0)), margin)


def test_what_has_no_two_q_values_has_no_margin() -> None:
    assert np.isnan(decision_margin(lap_of(np.ones((4, 1))))).all()
    assert np.isnan(decision_margin(lap_of(np.empty((4, 0))))).all()
    assert np.isnan(decision_margin(lap_of(np.ones((4, 3))))).all()
    gap = np.array([[1.0, 0.0], [np.nan, 0.0], [3.0, 0.0]])
    np.testing.assert_allclose(decision_margin(lap_of(gap)), [0.5, np.nan, 1.5])


def test_smoothing_averages_half_a_second_and_skips_what_is_not_known() -> None:
    lap = lap_of(np.ones((41, 2)))
    values = np.zeros(41)
    values[20], values[30] = 11.0, np.nan

    mean = smoothed(lap, values)

    np.testing.assert_array_equal(np.flatnonzero(mean), np.arange(15, 26))
    np.testing.assert_allclose(mean[15:25], 1.0)
    assert np.isfinite(mean).all()


def test_the_moments_are_those_that_stand_out(circuit: Circuit) -> None:
    count = int(circuit.length_m / 0.3)
    lead = np.full(count, 0.5)
    lead[200:215] = 0.0
    lead[300:315] = 0.9
    q_values = np.stack([lead, np.zeros(count), np.full(count, -1.0)], axis=1)
    error_m = np.zeros(count)
    error_m[71] = -0.8
    lap = lap_of(q_values, circuit, lateral_error_m=error_m)

    moments = {m.title: m for m in telling_moments(lap, circuit, ("left", "straight"))}

    assert 200 <= moments["Where it hesitates most"].index < 215
    assert 300 <= moments["Where it is surest"].index < 315
    assert moments["Farthest from the centre line"].index == 71
    corner = moments["In the tightest corner"].index
    curvature = abs(float(circuit.curvature_at(lap.arc_length_m[corner])[()]))
    assert curvature == pytest.approx(1.0 / circuit.min_radius_m, rel=0.03)
    assert moments["Farthest from the centre line"].text == (
        "At 21 m, after 3.6 s, 80 cm from the centre line: “left” (0.500) before “straight” "
        "(0.000)."
    )


def test_two_reasons_for_the_same_moment_are_one_moment(circuit: Circuit) -> None:
    lead = np.full(100, 0.5)
    lead[50:65] = 0.1
    q_values = np.stack([lead, np.zeros(100)], axis=1)
    error_m = np.zeros(100)
    error_m[57] = 0.4

    titles = [
        m.title for m in telling_moments(lap_of(q_values, None, lateral_error_m=error_m), None, ())
    ]

    assert titles[0] == "Where it hesitates most, and farthest from the centre line"
    assert len(titles) == 2


def test_a_trace_without_q_values_has_the_moments_of_the_car_alone(whole_run: Path) -> None:
    lap = read_run(whole_run).lap
    assert lap is not None
    bare = Lap(**{**vars(lap), "q_values": np.empty((len(lap), 0))})

    assert [m.title for m in telling_moments(bare, None, ())] == ["Farthest from the centre line"]
