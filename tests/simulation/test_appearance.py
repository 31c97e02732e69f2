from dataclasses import replace

import numpy as np
import pytest

from f1_rl.circuits import Circuit
from f1_rl.simulation import NOMINAL_PALETTE, Appearance, Camera, Renderer, Variation


@pytest.fixture(scope="module")
def renderer(circle: Circuit) -> Renderer:
    return Renderer([circle], Camera())


def frame(renderer: Renderer, circle: Circuit, **changes: np.ndarray) -> np.ndarray:
    appearance = replace(Appearance.nominal(1), **changes)
    return renderer.frames([0], circle.pose_at(0.0), appearance)[0].astype(int)


def as_single(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float32)


def test_no_variation_is_the_nominal_appearance() -> None:
    drawn, nominal = Variation().sample(np.random.default_rng(0), 3), Appearance.nominal(3)
    for name in ("palette", "brightness", "noise_sigma", "blur_px", "camera_offset"):
        np.testing.assert_array_equal(getattr(drawn, name), getattr(nominal, name))
        assert getattr(drawn, name).dtype == getattr(nominal, name).dtype


def test_samples_fill_their_ranges_and_stay_inside() -> None:
    variation = Variation.domain()
    drawn = variation.sample(np.random.default_rng(1), 2000)
    columns = {
        "brightness": drawn.brightness,
        "noise_sigma": drawn.noise_sigma,
        "blur_px": drawn.blur_px,
        "camera_height_m": drawn.camera_offset[:, 0],
        "camera_pitch_rad": drawn.camera_offset[:, 1],
        "camera_yaw_rad": drawn.camera_offset[:, 2],
    }
    for name, values in columns.items():
        low, high = getattr(variation, name)
        margin = 0.01 * (high - low)
        assert low - 1e-6 <= values.min() <= low + margin, name
        assert high + 1e-6 >= values.max() >= high - margin, name
    shift = drawn.palette[:, 2] - np.array(NOMINAL_PALETTE[2])
    assert 0.95 * variation.colour_shift < np.abs(shift).max() <= variation.colour_shift
    delay_ms = variation.sample_action_delay_ms(np.random.default_rng(2), 2000)
    assert (delay_ms.min(), delay_ms.max()) == (0, 50)


def test_equal_seeds_give_equal_appearances() -> None:
    first, second = (Variation.domain().sample(np.random.default_rng(5), 4) for _ in range(2))
    other = Variation.domain().sample(np.random.default_rng(6), 4)
    np.testing.assert_array_equal(first.palette, second.palette)
    np.testing.assert_array_equal(first.noise_seed, second.noise_seed)
    assert (first.palette != other.palette).any()


def test_domain_keeps_the_line_redder_than_the_road(renderer: Renderer, circle: Circuit) -> None:
    drawn = Variation.domain().sample(np.random.default_rng(7), 5000)
    red = np.minimum(drawn.palette[..., 0] * drawn.brightness[:, None], 255)
    assert (red[:, 3] - red[:, 2]).min() > 60


def test_brightness_scales_colours_and_clips(renderer: Renderer, circle: Circuit) -> None:
    bright = frame(renderer, circle, brightness=as_single(1.5))
    plain = frame(renderer, circle)
    road = (plain == NOMINAL_PALETTE[2]).all(-1)
    # All but pixels with a trace of something else in them.
    assert (bright[road] == (147, 147, 156)).all(-1).mean() > 0.99
    assert bright[0, 0].tolist() == [230, 255, 255]


def test_palette_colours_what_it_names(renderer: Renderer, circle: Circuit) -> None:
    palette = np.array([[(1, 2, 3), (10, 20, 30), (40, 50, 60), (70, 80, 90)]], dtype=np.float32)
    drawn = frame(renderer, circle, palette=palette)
    colours, counts = np.unique(drawn.reshape(-1, 3), axis=0, return_counts=True)
    most = {tuple(colour) for colour in colours[np.argsort(counts)[-4:]].tolist()}
    assert most == {(1, 2, 3), (10, 20, 30), (40, 50, 60), (70, 80, 90)}


def test_noise_changes_with_its_seed_only(renderer: Renderer, circle: Circuit) -> None:
    def noisy(seed: int) -> np.ndarray:
        sigma = as_single(5.0)
        seeds = np.array([seed], dtype=np.uint32)
        return frame(renderer, circle, noise_sigma=sigma, noise_seed=seeds)

    np.testing.assert_array_equal(noisy(1), noisy(1))
    difference = noisy(1) - noisy(2)
    assert difference.std() == pytest.approx(5 * np.sqrt(2), rel=0.1)


def test_blur_widens_edges_and_keeps_the_mean(renderer: Renderer, circle: Circuit) -> None:
    sharp, blurred = frame(renderer, circle), frame(renderer, circle, blur_px=as_single(8.0))
    row = 320
    partial = [
        int(((image[row, :, 0] > 103) & (image[row, :, 0] < 250)).sum())
        for image in (sharp, blurred)
    ]
    assert partial[0] <= 4
    assert partial[1] >= 10
    assert blurred[row, :, 0].mean() == pytest.approx(sharp[row, :, 0].mean(), abs=0.5)


def test_camera_offsets_move_the_picture(renderer: Renderer, circle: Circuit) -> None:
    def moved(height_m: float, pitch_rad: float, yaw_rad: float) -> np.ndarray:
        offset = np.array([[height_m, pitch_rad, yaw_rad]], dtype=np.float32)
        return frame(renderer, circle, camera_offset=offset)

    def line_middle(image: np.ndarray, row: int) -> float:
        return float(np.flatnonzero(image[row, :, 0] > 180).mean())

    plain = frame(renderer, circle)
    down = moved(0.0, 0.03, 0.0)
    first_ground = [int(np.argmax(image[:, 0, 2] < 150)) for image in (plain, down)]
    assert first_ground[0] - first_ground[1] == pytest.approx(320.25 * np.tan(0.03), abs=1.1)
    # Looking to the left moves what is ahead to the right.
    shift = line_middle(moved(0.0, 0.0, 0.05), 300) - line_middle(plain, 300)
    assert shift == pytest.approx(320.25 * np.tan(0.05), rel=0.15)

    def line_width(image: np.ndarray) -> int:
        return int((image[300, :, 0] > 180).sum())

    # At the same row a higher camera sees ground farther away.
    assert line_width(moved(0.05, 0.0, 0.0)) / line_width(plain) == pytest.approx(1 / 1.5, rel=0.1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"brightness": (1.2, 0.8)},
        {"noise_sigma": (-1.0, 1.0)},
        {"action_delay_s": (0.0, np.inf)},
        {"colour_shift": -1.0},
    ],
)
def test_impossible_ranges_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Variation(**wrong)  # type: ignore[arg-type]
