"""Boxes in the picture: where the geometry puts them, and the same in frames and in views."""

import numpy as np
import pytest
from numpy.typing import NDArray

from f1_rl.circuits import Circuit, Poses
from f1_rl.simulation import Appearance, Camera, Renderer, Simulator, Traffic, View
from f1_rl.simulation.effects_kernels import FOG_LEVEL, LAMP_REACH_M
from f1_rl.simulation.scenery import WHEEL_BAND_M, WHEEL_COLOUR, Scenery

CAMERA = Camera()
FOCAL = CAMERA.focal_length_px
ORIGIN = Poses(np.zeros(1), np.zeros(1), np.zeros(1))
BOX = Traffic(boxes=1, box_size_m=(0.4, 0.6, 0.3), box_colour=(200, 100, 50))
END = np.array(BOX.box_colour)


@pytest.fixture(scope="module")
def renderer(circle: Circuit) -> Renderer:
    return Renderer([circle], CAMERA)


def at(*places: tuple[float, float, float], traffic: Traffic = BOX) -> Scenery:
    return Scenery.of_traffic(traffic, np.array([places], dtype=float))


def frame(
    renderer: Renderer, scenery: Scenery | None, blur_px: float = 0.0, **effects: float
) -> NDArray[np.uint8]:
    appearance = Appearance.nominal(1)
    appearance.blur_px[:] = blur_px
    for name, strength in effects.items():
        appearance.effects[name] = strength
    picture: NDArray[np.uint8] = renderer.frames([0], ORIGIN, appearance, scenery)[0]
    return picture


def is_colour(picture: NDArray[np.uint8], colour: object) -> NDArray[np.bool_]:
    return np.asarray((np.abs(picture.astype(int) - np.asarray(colour)) <= 1).all(axis=-1))


def test_a_box_straight_ahead_covers_the_pixels_of_its_end(renderer: Renderer) -> None:
    """Its end is 3 m before the eye, 0.6 m wide, from 0.1 m below the eye to 0.2 m above."""
    x_m = CAMERA.x_m + 3.0 + 0.2
    seen = is_colour(frame(renderer, at((x_m, CAMERA.y_m, 0.0))), END)
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    top, bottom = 240 - FOCAL * 0.2 / 3.0, 240 + FOCAL * 0.1 / 3.0
    left, right = 320 - FOCAL * 0.3 / 3.0, 320 + FOCAL * 0.3 / 3.0
    # A pixel that is covered in part has another colour.
    assert (rows[0], rows[-1]) == (np.ceil(top), np.floor(bottom) - 1)
    assert (columns[0], columns[-1]) == (np.ceil(left), np.floor(right) - 1)
    assert seen[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()


def test_fog_pales_a_box_by_its_distance_also_above_the_horizon(renderer: Renderer) -> None:
    scenery = at((CAMERA.x_m + 5.0, CAMERA.y_m, 0.0))
    seen = frame(renderer, scenery, fog_per_m=0.2)
    clear = np.exp(-0.2 * 5.0)
    expected = clear * END + (1.0 - clear) * FOG_LEVEL
    for row in (235, 242):
        np.testing.assert_allclose(seen[row, 320], expected, atol=1.5)


def test_at_night_the_lamps_light_a_box_by_its_distance(renderer: Renderer) -> None:
    near, far = (
        frame(renderer, at((CAMERA.x_m + ahead_m, CAMERA.y_m, 0.0)), darkness=1.0)[238, 320]
        for ahead_m in (3.0, LAMP_REACH_M)
    )
    np.testing.assert_allclose(near, END / (1.0 + (3.0 / LAMP_REACH_M) ** 2), atol=1.5)
    np.testing.assert_allclose(far, 0.5 * END, atol=1.5)


def test_a_lens_that_sees_more_shows_a_box_smaller(renderer: Renderer) -> None:
    scenery = at((CAMERA.x_m + 3.2, CAMERA.y_m, 0.0))
    seen = is_colour(frame(renderer, scenery, field_of_view=1.1), END)
    focal = 320 / np.tan(1.1 * CAMERA.horizontal_fov_rad / 2)
    columns = np.flatnonzero(seen.any(axis=0))
    left, right = 320 - focal * 0.3 / 3.0, 320 + focal * 0.3 / 3.0
    assert (columns[0], columns[-1]) == (np.ceil(left), np.floor(right) - 1)


def test_a_column_that_is_covered_in_part_is_mixed_in_that_share(renderer: Renderer) -> None:
    width_m = 100.25 / FOCAL * 3.0
    traffic = Traffic(boxes=1, box_size_m=(0.4, 2 * width_m, 0.3), box_colour=(200, 100, 50))
    scenery = at((CAMERA.x_m + 3.2, CAMERA.y_m, 0.0), traffic=traffic)
    with_box, without = frame(renderer, scenery), frame(renderer, None)
    expected = 0.75 * without[230, 420] + 0.25 * END
    np.testing.assert_allclose(with_box[230, 420], expected, atol=1.0)
    np.testing.assert_array_equal(with_box[230, 421], without[230, 421])


def test_side_and_top_have_shades_of_their_own() -> None:
    tall = Renderer([ring_far_away()], Camera(z_m=1.0, x_m=0.0, y_m=0.0))
    seen = tall.frames([0], ORIGIN, Appearance.nominal(1), at((2.0, 1.0, 0.0)))[0]
    for shade in (1.0, 0.8, 1.15):
        assert is_colour(seen, np.minimum(END * shade, 255).astype(int)).sum() > 200


def ring_far_away() -> Circuit:
    angle = np.linspace(0.0, 2 * np.pi, 400, endpoint=False)
    return Circuit.from_points(
        "far", 200 + 10 * np.cos(angle), 10 * np.sin(angle), np.full(400, 1.0), np.full(400, 1.0)
    )


def test_the_nearer_box_hides_the_farther_one(renderer: Renderer) -> None:
    traffic = Traffic(boxes=1, cars=1, box_size_m=(0.4, 0.4, 0.3))
    near, far = (2.0, CAMERA.y_m, 0.0), (6.0, CAMERA.y_m, 0.0)
    box_first = frame(renderer, at(near, far, traffic=traffic))
    car_first = frame(renderer, at(far, near, traffic=traffic))
    assert not is_colour(box_first, WHEEL_COLOUR).any()
    assert not is_colour(car_first, traffic.box_colour)[225:245].any()
    assert is_colour(car_first, WHEEL_COLOUR).any()


def test_a_car_is_dark_as_high_as_its_wheels_are(renderer: Renderer) -> None:
    traffic = Traffic(cars=1)
    distance_m = 2.0
    x_m = CAMERA.x_m + distance_m + traffic.sizes_m[0, 0] / 2
    picture = frame(renderer, at((x_m, CAMERA.y_m, 0.0), traffic=traffic))
    dark = np.flatnonzero(is_colour(picture, WHEEL_COLOUR)[:, 320])
    # A row is looked at on four lines, so edges are right to an eighth of a row.
    first, end = (240 + FOCAL * low / distance_m for low in (CAMERA.z_m - WHEEL_BAND_M, CAMERA.z_m))
    assert dark[0] == np.ceil(first - 0.125)
    assert dark[-1] == np.floor(end + 0.125) - 1
    assert is_colour(picture, traffic.car_colour)[dark[0] - 2, 320]


def test_what_is_behind_or_beyond_sight_is_not_drawn(renderer: Renderer) -> None:
    nothing = frame(renderer, None)
    for place in ((-3.0, 0.0, 0.0), (70.0, 0.0, 0.0)):
        np.testing.assert_array_equal(frame(renderer, at(place)), nothing)


def test_a_box_beside_the_camera_is_cut_at_the_near_plane(renderer: Renderer) -> None:
    """A long wall 0.5 m to the right, from behind the eye onwards: half the picture's right."""
    wall = Traffic(boxes=1, box_size_m=(20.0, 0.2, 5.0), box_colour=(200, 100, 50))
    picture = frame(renderer, at((0.0, CAMERA.y_m - 0.6, 0.0), traffic=wall))
    side = is_colour(picture, (END * 0.8).astype(int))
    end_m = 10.0 - CAMERA.x_m
    first = int(np.ceil(320 + FOCAL * 0.5 / end_m))
    assert side[240, first:].all()
    assert not side[:, : first - 1].any()


def test_blur_widens_the_edge_and_keeps_the_amount(renderer: Renderer) -> None:
    scenery = at((CAMERA.x_m + 3.2, CAMERA.y_m, 0.0))
    sharp = frame(renderer, scenery)[230].astype(int) - frame(renderer, None)[230]
    blurred = frame(renderer, scenery, 4.0)[230].astype(int) - frame(renderer, None, 4.0)[230]
    assert abs(sharp.sum() - blurred.sum()) < 0.02 * abs(sharp).sum()
    assert np.count_nonzero(blurred.any(axis=-1)) > np.count_nonzero(sharp.any(axis=-1))


@pytest.mark.parametrize("weights", [((1.0, 0.0, 0.0),), ((1.0, 0, 0), (0, 1.0, 0), (0, 0, 1.0))])
def test_view_equals_what_is_taken_from_whole_frames(
    circle: Circuit, weights: tuple[tuple[float, float, float], ...]
) -> None:
    cars = Simulator([circle], 30, traffic="mixed", seed=2)
    boxes = cars.obstacles.poses_m[np.arange(30), np.arange(30) % 6]
    ahead_m = np.linspace(0.9, 7.0, 30)
    here = circle.project(Poses(*boxes.T))
    cars._motion.x_m, cars._motion.y_m, cars._motion.yaw_rad = vars(
        circle.pose_at(here.arc_length_m - ahead_m, 0.3)
    ).values()
    view = View(tuple(range(242, 340, 3)), 64, weights)
    taken = view.take(np.stack([cars.frame(car) for car in range(30)])).astype(int)
    difference = np.abs(taken - cars.view(view))
    assert difference.mean() < 0.3
    assert difference.mean(axis=(1, 2, 3)).max() < 1.0
    plain = cars.renderer.view(cars.circuit_index, cars.poses, cars.appearance, view)
    assert (np.abs(taken - plain).max(axis=(1, 2, 3)) > 20).sum() > 20


def test_sceneries_of_another_number_are_refused(renderer: Renderer) -> None:
    with pytest.raises(ValueError, match=r"1 poses.*2 sceneries"):
        renderer.frames([0], ORIGIN, Appearance.nominal(1), Scenery.empty(2))
