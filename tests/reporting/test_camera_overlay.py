"""The overlay lies where the observation was taken from, and leaves the rest of the picture."""

import numpy as np
import pytest

from f1_rl.driving.observation import ObservationSettings, Preprocessing
from f1_rl.reporting.camera_overlay import (
    HEAT_COLOUR,
    ROW_COLOUR,
    camera_overlay,
    spread_over_camera,
)
from f1_rl.simulation import Camera

GREY = np.full((480, 640, 3), 90, np.uint8)


def preprocessing(**changes):
    return Preprocessing(ObservationSettings(**changes), Camera())


@pytest.mark.parametrize("changes", [{}, {"rows": 12, "columns": 32, "channel": "rgb"}])
def test_a_place_is_drawn_on_the_pixels_that_it_is_made_of(changes):
    reducer = preprocessing(**changes)
    rows, columns, _ = reducer.frame_shape
    share = 640 // columns
    plain = reducer.apply(GREY)
    for row, column in ((0, 0), (rows // 2, columns - 1), (rows - 1, columns // 2)):
        only = np.zeros((rows, columns))
        only[row, column] = 1.0
        spread = spread_over_camera(reducer, only)
        peak = spread >= spread.max() - 1e-6
        painted = GREY.copy()
        painted[peak] = 255

        changed = np.argwhere((reducer.apply(painted) != plain).any(axis=-1))

        np.testing.assert_array_equal(changed, [(row, column)])
        assert (spread[reducer.view.rows[row]] > 0.0).sum() <= 3 * share


def test_the_sky_and_what_lies_nearer_than_the_last_row_stay_as_they_are():
    reducer = preprocessing()
    drawn = camera_overlay(GREY, reducer, np.ones((24, 64)))
    first, last = reducer.view.rows[0], reducer.view.rows[-1]

    np.testing.assert_array_equal(drawn[:first], GREY[:first])
    np.testing.assert_array_equal(drawn[last + 1 :], GREY[last + 1 :])
    assert (drawn[first : last + 1] != 90).any(axis=-1).all()
    assert (GREY == 90).all()


def test_every_row_of_the_observation_is_marked_at_both_edges():
    reducer = preprocessing()
    drawn = camera_overlay(GREY, reducer)
    marked = np.flatnonzero((drawn[:, 0] == ROW_COLOUR).all(axis=-1))

    np.testing.assert_array_equal(marked, reducer.view.rows)
    np.testing.assert_array_equal(drawn[:, 0], drawn[:, -1])


def test_where_it_matters_more_the_colour_is_stronger_in_any_unit():
    reducer = preprocessing()
    saliency = np.zeros((24, 64))
    saliency[20:, 10], saliency[20:, 40] = 1.0, 0.25
    row = reducer.view.rows[22]
    columns = [105, 405, 555]
    for unit in (1.0, 1e-6):
        drawn = camera_overlay(GREY, reducer, saliency * unit)[row, columns].astype(int)
        distance = np.abs(drawn - np.array(HEAT_COLOUR)).sum(axis=1)
        assert distance[0] < distance[1] < distance[2]


def test_where_nothing_matters_only_the_rows_are_drawn():
    reducer = preprocessing()

    drawn = camera_overlay(GREY, reducer, np.zeros((24, 64)))

    np.testing.assert_array_equal(drawn, camera_overlay(GREY, reducer))


def test_what_does_not_fit_is_refused():
    reducer = preprocessing()
    with pytest.raises(ValueError, match=r"camera's size \(480, 640\)"):
        camera_overlay(GREY[:240], reducer)
    with pytest.raises(ValueError, match="do not fit 24 rows x 64"):
        camera_overlay(GREY, reducer, np.zeros((12, 32)))
