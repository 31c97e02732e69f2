"""Light and weather against known answers, and the view against the whole frame under each."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from f1_rl.circuits import Circuit, Poses
from f1_rl.simulation import PALETTES, Appearance, Camera, Renderer, Variation, View
from f1_rl.simulation.appearance import no_effects
from f1_rl.simulation.effects_kernels import (
    FOG_LEVEL,
    GLARE_WIDTH_RAD,
    LAMP_REACH_M,
    RAIN_LEVEL,
    RAIN_STREAKS,
    RAIN_VEIL,
    SUN_ELEVATION_RAD,
)

CAMERA = Camera()
CENTRE = 320
EVERYTHING = {
    "fog_per_m": 0.2,
    "darkness": 0.8,
    "shadow": 0.5,
    "rain": 0.7,
    "glare": 150.0,
    "kerb_m": 0.3,
    "field_of_view": 1.07,
}


@pytest.fixture(scope="module")
def renderer(circle: Circuit) -> Renderer:
    return Renderer([circle], CAMERA)


def under(count: int = 1, **effects: float) -> Appearance:
    """Some cars under effects; the sun is where the car on the circle's start line looks."""
    records = no_effects(count)
    records["sun_azimuth_rad"] = np.pi / 2
    for name, value in effects.items():
        records[name] = value
    return replace(Appearance.nominal(count), effects=records)


def painted(appearance: Appearance, *levels: float) -> Appearance:
    """The same with sky, grass, road and line in greys."""
    palette = np.repeat(np.array([levels], np.float32)[..., None], 3, axis=-1)
    return replace(appearance, palette=palette)


def picture(renderer: Renderer, poses: Poses, appearance: Appearance) -> np.ndarray:
    return renderer.frames([0], poses, appearance)[0].astype(float)


def middle_row(distance_m: float) -> int:
    return int(np.rint(CAMERA.row_at(distance_m)))


@pytest.mark.parametrize("row", [245, 250, 270, 320, 460])
def test_of_a_contrast_fog_leaves_the_exponential_of_the_distance(
    renderer: Renderer, circle: Circuit, row: int
) -> None:
    fog, here = under(fog_per_m=0.15), circle.pose_at(0.0)
    light, dark = (picture(renderer, here, painted(fog, 0, g, g, g))[row] for g in (220, 20))
    left = np.exp(-0.15 * CAMERA.ground_distance_m(row))
    np.testing.assert_allclose(light - dark, 200.0 * left, atol=1.01)
    np.testing.assert_allclose(dark, 20.0 * left + FOG_LEVEL * (1.0 - left), atol=1.01)


def test_fog_hides_the_sky(renderer: Renderer, circle: Circuit) -> None:
    fog = picture(renderer, circle.pose_at(0.0), under(fog_per_m=0.15))
    np.testing.assert_allclose(fog[:200], FOG_LEVEL, atol=1.0)


def test_at_night_the_lamps_light_the_road_nearby(renderer: Renderer, circle: Circuit) -> None:
    night = painted(under(darkness=0.9), 100, 200, 200, 200)
    seen = picture(renderer, circle.pose_at(0.0), night)
    np.testing.assert_allclose(seen[:200], 10.0, atol=0.51)
    for row in (middle_row(LAMP_REACH_M), 260, 400):
        lamps = 0.9 / (1.0 + (CAMERA.ground_distance_m(row) / LAMP_REACH_M) ** 2)
        np.testing.assert_allclose(seen[row, CENTRE], 200.0 * (0.1 + lamps), atol=1.0)
    assert seen[300, 0, 0] < 0.7 * seen[300, CENTRE, 0]


def test_shadows_lie_in_the_world_and_take_their_share(renderer: Renderer) -> None:
    shaded = painted(under(shadow=0.6, shadow_seed=7), 200, 200, 200, 200)

    def along_the_way(start_m: float, distances_m: np.ndarray) -> np.ndarray:
        """Shade straight ahead of a camera that drives along the line y = 0."""
        pose = Poses(np.array([start_m - CAMERA.x_m]), np.array([-CAMERA.y_m]), np.zeros(1))
        seen = picture(renderer, pose, shaded)
        return np.interp(distances_m, *(a[::-1] for a in (ahead_m, seen[rows, CENTRE, 0])))

    rows = np.arange(260, 480)
    ahead_m = CAMERA.ground_distance_m(rows)
    shades = []
    for start_m in np.arange(0.0, 30.0, 1.0):
        points_m = np.linspace(0.6, 0.9, 4)
        here = along_the_way(start_m, points_m)
        np.testing.assert_allclose(here, along_the_way(start_m - 0.5, points_m + 0.5), atol=6.0)
        shades.extend(here)
    assert min(shades) == pytest.approx(200.0 * 0.4, abs=1.0)
    assert max(shades) == pytest.approx(200.0, abs=1.0)


def test_rain_veils_the_picture_and_its_streaks_cover_their_share(
    renderer: Renderer, circle: Circuit
) -> None:
    def rain(seed: int) -> np.ndarray:
        falling = painted(under(rain=1.0), 50, 50, 50, 50)
        falling = replace(falling, noise_seed=np.array([seed], np.uint32))
        return picture(renderer, circle.pose_at(0.0), falling)[..., 0]

    seen = rain(1)
    veiled = 50.0 + RAIN_VEIL * (RAIN_LEVEL - 50.0)
    levels, counts = np.unique(seen, return_counts=True)
    assert len(levels) == 2
    assert levels[0] == pytest.approx(veiled, abs=0.6)
    assert counts[1] / counts.sum() == pytest.approx(RAIN_STREAKS, rel=0.1)
    np.testing.assert_array_equal(seen, rain(1))
    assert (seen != rain(2)).mean() > 0.1


def test_glare_stands_where_the_sun_does_and_falls_with_the_angle(
    renderer: Renderer, circle: Circuit
) -> None:
    black = painted(under(glare=200.0), 0, 0, 0, 0)
    seen = picture(renderer, circle.pose_at(0.0), black)[..., 0]
    row = int(240 - CAMERA.focal_length_px * np.tan(SUN_ELEVATION_RAD))
    brightest = np.argwhere(seen == seen.max()).mean(axis=0)
    np.testing.assert_allclose(brightest, (row, CENTRE), atol=1.0)
    assert seen[row, CENTRE] == pytest.approx(200.0, abs=1.0)
    aside = int(CENTRE + CAMERA.focal_length_px * np.tan(GLARE_WIDTH_RAD))
    assert seen[row, aside] == pytest.approx(100.0 * np.cos(GLARE_WIDTH_RAD), abs=1.5)
    away = circle.pose_at(0.0, 0.0, np.pi)
    assert picture(renderer, away, black)[:, 100:540].max() == 0.0


def test_glare_is_clipped_in_each_colour_before_channels_are_weighed(circle: Circuit) -> None:
    renderer, grey = Renderer([circle], CAMERA), View((200,), 640, ((0.299, 0.587, 0.114),))
    bright = under(glare=250.0)
    frame = renderer.frames([0], circle.pose_at(0.0), bright)[0, 200].astype(float)
    seen = renderer.view([0], circle.pose_at(0.0), bright, grey)[0, 0, :, 0]
    assert (frame == 255).any()
    np.testing.assert_allclose(seen, frame @ (0.299, 0.587, 0.114), atol=1.0)


def test_kerbs_lie_along_the_edge_in_blocks_of_a_metre(renderer: Renderer, circle: Circuit) -> None:
    # Across the road, looking outwards: the camera 1 m before the edge.
    pose = circle.pose_at(0.0, 0.95, -np.pi / 2)
    seen = picture(renderer, pose, under(kerb_m=0.3))
    nominal = picture(renderer, pose, under())
    edge_m = 1.5 + 0.95 - CAMERA.x_m
    kerb, beyond, before = (middle_row(edge_m + over) for over in (0.12, 0.7, -0.12))
    near_centre = slice(280, 360)
    assert (seen[kerb, near_centre, 0] > 190).all()
    np.testing.assert_array_equal(seen[before, near_centre], nominal[before, near_centre])
    np.testing.assert_array_equal(seen[beyond, near_centre], nominal[beyond, near_centre])


def test_blocks_of_kerbs_are_red_and_white_in_turn(circle: Circuit) -> None:
    """Followed along the outer edge, straight down as it were: a camera high above."""
    from_above = Camera(z_m=2.0, x_m=0.0, y_m=0.0, pitch_rad=1.2, far_m=10.0)
    renderer = Renderer([circle], from_above)
    down = int(from_above.row_at(2.0))
    red = []
    for arc_m in np.arange(0.0, circle.length_m, 0.25):
        # 2 m before the middle of the kerb, looking at it.
        pose = circle.pose_at(arc_m, -1.65 + 2.0, -np.pi / 2)
        colour = renderer.frames([0], pose, under(kerb_m=0.3))[0, down, 320].astype(int)
        assert colour[0] > 190
        red.append(colour[1] < 130)
    changes = np.flatnonzero(np.diff(np.array(red, int)))
    assert len(changes) == pytest.approx(round(circle.length_m), abs=2)
    assert np.diff(changes).min() >= 3


def test_without_a_line_or_with_one_worn_off_there_is_nothing_red(
    renderer: Renderer, circle: Circuit
) -> None:
    here = circle.pose_at(0.0)
    worn_off = Variation(line_fade=(1.0, 1.0)).sample(np.random.default_rng(0), 1)
    never_there = Renderer([circle.with_line(0.0)], CAMERA)
    plain = picture(never_there, here, under())
    np.testing.assert_allclose(picture(renderer, here, worn_off), plain, atol=1.0)
    assert plain[250:, :, 0].max() <= PALETTES["gazebo"][2][0]
    assert (picture(renderer, here, under())[250:, :, 0] == 255).any()


@pytest.mark.parametrize("factor", [0.9, 1.0, 1.1])
def test_the_field_of_view_moves_a_ground_point_to_the_column_it_should(
    renderer: Renderer, circle: Circuit, factor: float
) -> None:
    row, lateral_m = 300, -0.3
    seen = picture(renderer, circle.pose_at(0.0, lateral_m), under(field_of_view=factor))[row]
    focal = CENTRE / np.tan(factor * CAMERA.horizontal_fov_rad / 2)
    # Where the ray meets the height of the line, and the line's middle there, on a circle of 10 m.
    ahead_m = (CAMERA.z_m - 0.002) * focal / (row + 0.5 - 240)
    left_m = 10.0 - lateral_m - np.sqrt(10.0**2 - (ahead_m + CAMERA.x_m) ** 2) - CAMERA.y_m
    red = np.flatnonzero((seen[:, 0] > 200) & (seen[:, 1] < 50))
    assert red.mean() + 0.5 == pytest.approx(CENTRE - focal * left_m / ahead_m, abs=1.5)


@pytest.mark.parametrize("channel", [(1.0, 0.0, 0.0), (0.3, 0.4, 0.3)])
@pytest.mark.parametrize("name", [*EVERYTHING, "all"])
def test_the_view_equals_what_is_taken_from_whole_frames(
    circle: Circuit, renderer: Renderer, name: str, channel: tuple[float, float, float]
) -> None:
    chosen: dict[str, Any] = EVERYTHING if name == "all" else {name: EVERYTHING[name]}
    rng, count = np.random.default_rng(2), 12
    poses = circle.pose_at(
        rng.uniform(0.0, circle.length_m, count),
        rng.uniform(-1.4, 1.4, count),
        rng.uniform(-0.6, 0.6, count),
    )
    seen = under(count, **chosen)
    seen = replace(seen, noise_seed=rng.integers(0, 2**32, count, dtype=np.uint32))
    seen.effects["shadow_seed"] = np.arange(count)
    rows = np.unique(np.rint(CAMERA.row_at(np.geomspace(12.0, 0.3, 24)))).astype(int)
    view = View((200, *rows.tolist()), 64, (channel, (0.0, 0.0, 1.0)))
    index = np.zeros(count, np.int64)
    taken = view.take(renderer.frames(index, poses, seen)).astype(int)
    drawn = renderer.view(index, poses, seen, view)
    difference = np.abs(taken - drawn)
    assert difference.mean() < 0.4
    assert difference.mean(axis=(1, 2, 3)).max() < 1.0
    # The effect is there to be compared.
    assert (drawn != renderer.view(index, poses, under(count), view)).mean() > 0.003


def test_effects_of_one_car_leave_the_others_alone(circle: Circuit, renderer: Renderer) -> None:
    poses, index = circle.pose_at(np.arange(3) * 5.0), np.zeros(3, np.int64)
    clear = renderer.frames(index, poses, under(3))
    mixed = under(3)
    mixed.effects["rain"][1] = mixed.effects["kerb_m"][1] = 0.5
    seen = renderer.frames(index, poses, mixed)
    np.testing.assert_array_equal(seen[[0, 2]], clear[[0, 2]])
    assert (seen[1] != clear[1]).mean() > 0.5


def test_effects_are_drawn_in_their_ranges_and_as_often_as_asked() -> None:
    ranges: Any = dict.fromkeys(("fog_per_m", "darkness", "shadow", "rain", "kerb_m"), (0.1, 0.4))
    variation = Variation(**ranges, glare=(50.0, 100.0), effect_probability=0.25)
    drawn = variation.sample(np.random.default_rng(3), 4000)
    for name in (*ranges, "glare"):
        low, high = getattr(variation, name)
        values = drawn.effects[name]
        there = values > 0.0
        assert there.mean() == pytest.approx(0.25, abs=0.03), name
        assert low <= values[there].min() + 1e-6
        assert values.max() <= high + 1e-6
    assert np.ptp(drawn.effects["sun_azimuth_rad"]) > 6.0


def test_effects_leave_what_was_drawn_before_there_were_any() -> None:
    plain = replace(Variation.domain(), fog_per_m=(0.0, 0.0)).sample(np.random.default_rng(4), 5)
    foggy = replace(Variation.domain(), fog_per_m=(0.1, 0.2)).sample(np.random.default_rng(4), 5)
    for name in ("palette", "brightness", "camera_offset", "noise_seed"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(foggy, name))


def test_palettes_are_drawn_by_name() -> None:
    drawn = Variation(palettes=("snow", "desert")).sample(np.random.default_rng(5), 200)
    snowy = (drawn.palette == np.array(PALETTES["snow"])).all(axis=(1, 2))
    sandy = (drawn.palette == np.array(PALETTES["desert"])).all(axis=(1, 2))
    assert (snowy | sandy).all()
    assert 60 < snowy.sum() < 140


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"rain": (0.0, 1.5)}, "rain .* from 0 to 1"),
        ({"fog_per_m": (-0.1, 0.0)}, "fog_per_m .* from 0 upwards"),
        ({"field_of_view": (0.4, 1.0)}, "field_of_view .* 0.5 to 1.5"),
        ({"effect_probability": 2.0}, "effect_probability .* 0 to 1"),
        ({"palettes": ("snwo",)}, "did you mean 'snow'"),
        ({"palettes": ()}, "at least one"),
    ],
)
def test_effects_out_of_range_are_refused(wrong: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Variation(**wrong)
