import numpy as np
import pytest

from f1_rl.simulation import Camera, View


def test_default_focal_length_is_that_of_the_gazebo_camera() -> None:
    assert Camera().focal_length_px == pytest.approx(320.25, abs=0.01)


def test_ground_distance_follows_the_pinhole_model() -> None:
    distance_m = Camera().ground_distance_m([239, 240, 300, 479])
    expected = [np.inf] + [320.2547 * 0.1 / (row + 0.5 - 240) for row in (240, 300, 479)]
    np.testing.assert_allclose(distance_m, expected, rtol=1e-5)


@pytest.mark.parametrize("pitch_rad", [0.0, 0.1, -0.05])
def test_row_at_is_the_inverse_of_ground_distance(pitch_rad: float) -> None:
    camera = Camera(pitch_rad=pitch_rad)
    distance_m = np.array([0.3, 1.0, 5.0, 20.0])
    np.testing.assert_allclose(
        camera.ground_distance_m(camera.row_at(distance_m)), distance_m, rtol=1e-9
    )


def test_looking_down_raises_the_horizon() -> None:
    assert Camera(pitch_rad=0.1).horizon_row < Camera().horizon_row == 240.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"width": 0},
        {"horizontal_fov_rad": np.pi},
        {"z_m": 0.0},
        {"near_m": 2.0, "far_m": 1.0},
        {"pitch_rad": 2.0},
        {"x_m": np.nan},
    ],
)
def test_camera_refuses_what_cannot_be(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong)).removesuffix("_m")):
        Camera(**wrong)  # type: ignore[arg-type]


def test_view_takes_rows_and_averages_columns_and_channels() -> None:
    frame = np.zeros((1, 4, 6, 3), dtype=np.uint8)
    frame[0, 2, :3, 0] = (10, 20, 60)
    frame[0, 2, 3:, 1] = 100
    view = View(rows=(2, 0), columns=2, channel_weights=((1.0, 0.0, 0.0), (0.0, 0.5, 0.5)))
    taken = view.take(frame)
    assert taken.shape == (1, *view.shape) == (1, 2, 2, 2)
    np.testing.assert_array_equal(taken[0, 0], [[30, 0], [0, 50]])
    assert not taken[0, 1].any()


def test_view_that_does_not_fit_the_picture_is_refused() -> None:
    red = ((1.0, 0.0, 0.0),)
    with pytest.raises(ValueError, match="row 480"):
        View((480,), 64, red).check(Camera())
    with pytest.raises(ValueError, match="7 columns"):
        View((300,), 7, red).check(Camera())
    with pytest.raises(ValueError, match="rows"):
        View((), 64, red)
