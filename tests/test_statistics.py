"""Interquartile means and their intervals."""

import numpy as np
import pytest

from f1_rl import statistics
from f1_rl.statistics import (
    Estimate,
    estimate,
    estimate_curve,
    estimate_ratio,
    interquartile_mean,
)


def test_the_interquartile_mean_leaves_out_a_quarter_on_either_side():
    assert interquartile_mean([100.0, 1.0, 2.0, -50.0]) == 1.5
    assert interquartile_mean([7.0]) == 7.0
    np.testing.assert_allclose(interquartile_mean(np.arange(16.0).reshape(2, 8)), [3.5, 11.5])


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(100):
        interval = estimate(rng.normal(3.0, 1.0, 20))
        covered += interval.low <= 3.0 <= interval.high
        assert interval.low <= interval.value <= interval.high
    assert 82 <= covered <= 100


def test_the_same_samples_give_the_same_interval():
    samples = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0]
    assert estimate(samples) == estimate(samples)


def test_equal_samples_and_a_single_one_have_no_width():
    assert estimate([2.0, 2.0, 2.0]) == Estimate(2.0, 2.0, 2.0)
    assert estimate([2.5]) == Estimate(2.5, 2.5, 2.5)


def test_many_samples_are_resampled_in_parts_that_fit_the_memory():
    samples, sizes = np.random.default_rng(0).normal(size=4_000), []

    def noted_mean(values, axis):
        sizes.append(np.size(values))
        return np.mean(values, axis=axis)

    interval = estimate(samples, noted_mean)
    assert sum(sizes) > 40_000_000
    assert max(sizes) <= 10_000_000
    assert interval.low < interval.value < interval.high


def test_samples_that_are_resampled_in_parts_give_the_same_interval(monkeypatch):
    samples = np.random.default_rng(0).normal(size=100)
    at_once = estimate(samples)
    monkeypatch.setattr(statistics, "_DRAWN_AT_ONCE", 7_000)
    assert estimate(samples) == at_once


def test_a_ratio_of_pairs_is_exact_where_the_noise_is_common():
    below = np.array([10.0, 20.0, 15.0, 12.0])
    ratio = estimate_ratio(3.0 * below, below)
    np.testing.assert_allclose([ratio.value, ratio.low, ratio.high], 3.0)
    assert f"{ratio:.1f}" == "3.0 (3.0 to 3.0)"


def test_each_point_of_a_curve_is_estimated_as_a_figure_would_be():
    curves = np.random.default_rng(3).normal(5.0, 1.0, (12, 4))
    band = estimate_curve(curves)
    for point in range(4):
        single = estimate(curves[:, point])
        assert band.value[point] == single.value
        np.testing.assert_allclose(
            [band.low[point], band.high[point]], [single.low, single.high], atol=0.15
        )


def test_a_band_is_as_wide_as_whole_curves_differ():
    """Curves that differ by a constant alone give a band of the same width everywhere."""
    shape = np.array([0.0, 7.0, -3.0])
    band = estimate_curve(shape + np.array([[0.0], [1.0], [2.0], [5.0]]))
    np.testing.assert_allclose(np.ptp(band.high - band.low), 0.0, atol=1e-12)
    assert (band.high - band.low > 1.0).all()
    np.testing.assert_array_equal(estimate_curve([shape]).high, shape)
    with pytest.raises(ValueError, match="nothing"):
        estimate_curve(np.empty((0, 3)))


@pytest.mark.parametrize("pairs", [([], []), ([1.0], []), ([1.0, 2.0], [1.0])])
def test_what_cannot_be_estimated_is_refused(pairs):
    with pytest.raises(ValueError, match="pairs"):
        estimate_ratio(*pairs)
    with pytest.raises(ValueError, match="nothing"):
        estimate([])
