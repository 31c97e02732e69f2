import multiprocessing
import os
import pickle
import threading
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from f1_rl.circuits import Circuit, Poses, load_circuit, random_circuit
from f1_rl.simulation import (
    NOMINAL_PALETTE,
    Appearance,
    Camera,
    Renderer,
    Variation,
    View,
    ground,
)

ROWS = tuple(int(row) for row in np.unique(np.round(Camera().row_at(np.geomspace(12, 0.3, 24)))))
RED = View(ROWS, 64, ((1.0, 0.0, 0.0),))
COLOUR = View(ROWS, 64, ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.3, 0.4, 0.3)))
COARSE = View(tuple(range(232, 320, 4)), 32, ((0.3, 0.6, 0.1),))
SKY, GRASS, ROAD, LINE = NOMINAL_PALETTE


@pytest.fixture(scope="module")
def circuits() -> list[Circuit]:
    return [load_circuit("simple"), random_circuit(0), random_circuit(1)]


@pytest.fixture(scope="module")
def renderer(circuits: list[Circuit]) -> Renderer:
    return Renderer(circuits, Camera())


def scatter(circuits: list[Circuit], count: int, seed: int) -> tuple[NDArray[np.int64], Poses]:
    rng = np.random.default_rng(seed)
    index = rng.integers(0, len(circuits), count)
    poses = [
        circuits[i].pose_at(
            rng.uniform(0, circuits[i].length_m),
            rng.uniform(-1.5, 1.5),
            rng.uniform(-0.8, 0.8),
            rng.choice([-1, 1]),
        )
        for i in index
    ]
    return index, Poses(
        np.concatenate([p.x_m for p in poses]),
        np.concatenate([p.y_m for p in poses]),
        np.concatenate([p.yaw_rad for p in poses]),
    )


def straights(gap_m: float, **widths: float) -> Circuit:
    """Two parallel straights, one towards +x at y = 0, one back at y = gap."""
    radius_m = gap_m / 2
    along = np.arange(0.0, 40.0, 0.1)
    turn = np.arange(0.1 / radius_m, np.pi, 0.1 / radius_m)
    x_m = [along, 40 + radius_m * np.sin(turn), 40 - along, -radius_m * np.sin(turn)]
    y_m = [
        np.zeros_like(along),
        radius_m * (1 - np.cos(turn)),
        np.full_like(along, gap_m),
        radius_m * (1 + np.cos(turn)),
    ]
    x, y = np.concatenate(x_m), np.concatenate(y_m)
    left, right = (np.full(len(x), widths.get(side, 1.0)) for side in ("left", "right"))
    return Circuit.from_points("straights", x, y, left, right, line_width_m=0.1)


def one_pose(x_m: float, y_m: float, yaw_rad: float) -> Poses:
    return Poses(np.array([x_m]), np.array([y_m]), np.array([yaw_rad]))


@pytest.mark.parametrize("view", [RED, COLOUR, COARSE])
@pytest.mark.parametrize("varied", [False, True])
def test_view_equals_what_is_taken_from_whole_frames(
    circuits: list[Circuit], renderer: Renderer, view: View, varied: bool
) -> None:
    index, poses = scatter(circuits, 40, seed=3)
    appearance = Appearance.nominal(40)
    if varied:
        appearance = Variation.domain().sample(np.random.default_rng(4), 40)
        appearance = replace(appearance, noise_sigma=np.zeros(40, dtype=np.float32))
    taken = view.take(renderer.frames(index, poses, appearance)).astype(int)
    difference = np.abs(taken - renderer.view(index, poses, appearance, view))
    assert difference.mean() < 0.3
    assert difference.mean(axis=(1, 2, 3)).max() < 1.0


def test_noise_of_the_view_has_the_statistics_of_averaged_frame_noise(
    circuits: list[Circuit], renderer: Renderer
) -> None:
    index, poses = scatter(circuits, 40, seed=5)
    clean = Appearance.nominal(40)
    noisy = replace(
        clean,
        noise_sigma=np.full(40, 8.0, dtype=np.float32),
        noise_seed=np.arange(40, dtype=np.uint32),
    )
    plain = RED.take(renderer.frames(index, poses, clean)).astype(float)
    taken = RED.take(renderer.frames(index, poses, noisy)) - plain
    drawn = renderer.view(index, poses, noisy, RED) - plain
    road, line = plain == ROAD[0], plain == LINE[0]
    assert drawn[road].std() == pytest.approx(taken[road].std(), rel=0.03)
    assert drawn[road].std() == pytest.approx(8 / np.sqrt(10), rel=0.05)
    # The line's red cannot exceed 255, which pulls its mean down.
    assert taken[line].mean() < -3.0
    assert drawn[line].mean() == pytest.approx(taken[line].mean(), abs=0.2)


def test_noise_of_frames_is_normal_and_independent_between_channels(
    renderer: Renderer, circuits: list[Circuit]
) -> None:
    index, poses = scatter(circuits, 1, seed=6)
    noisy = replace(Appearance.nominal(1), noise_sigma=np.array([6.0], dtype=np.float32))
    sky = renderer.frames(index, poses, noisy)[0, :230].reshape(-1, 3) - np.array(SKY, dtype=float)
    np.testing.assert_allclose(sky.mean(axis=0), 0.0, atol=0.1)
    np.testing.assert_allclose(sky.std(axis=0), 6.0, rtol=0.02)
    np.testing.assert_allclose(np.corrcoef(sky.T), np.eye(3), atol=0.02)
    kurtosis = np.mean(sky**4, axis=0) / sky.var(axis=0) ** 2
    np.testing.assert_allclose(kurtosis, 3.0, atol=0.4)


def test_colours_stand_where_the_geometry_puts_them() -> None:
    renderer = Renderer([straights(12.0, left=2.0, right=1.0)], Camera())
    poses = one_pose(10.0, 0.0, 0.0)
    frame = renderer.frames([0], poses, Appearance.nominal(1))[0]
    camera = Camera()
    assert tuple(frame[100, 320]) == SKY
    row = 300
    ahead_m = camera.ground_distance_m(row)
    for lateral_m, colour in (
        (1.95, ROAD),
        (2.05, GRASS),
        (-0.95, ROAD),
        (-1.05, GRASS),
        (0.045, LINE),
        (0.055, ROAD),
        (-0.045, LINE),
        (-0.055, ROAD),
    ):
        height_m = camera.z_m - (0.002 if abs(lateral_m) < 0.5 else 0.0)
        depth_m = ahead_m * height_m / camera.z_m
        column = 320 + camera.focal_length_px * (camera.y_m - lateral_m) / depth_m
        if 0 <= column < 640:
            assert tuple(frame[row, int(column)]) == colour, lateral_m
    assert 0 <= 320 + camera.focal_length_px * (camera.y_m - 0.055) / ahead_m < 640


def test_background_shows_beyond_the_far_depth(circle: Circuit) -> None:
    poses = circle.pose_at(0.0)
    near_sighted = Renderer([circle], Camera(far_m=2.0)).frames([0], poses, Appearance.nominal(1))
    last_row = int(Camera().row_at(2.0))
    assert (near_sighted[0, : last_row - 1] == SKY).all()
    assert not (near_sighted[0, last_row + 2 :] == SKY).all(axis=-1).any()


def test_no_line_appears_where_the_sides_of_two_straights_meet() -> None:
    """Half way between them the signed distance jumps from one side to the other."""
    circuit = straights(5.0)
    renderer = Renderer([circuit], Camera())
    poses = one_pose(10.0, 2.5, 0.0)
    frame = renderer.frames([0], poses, Appearance.nominal(1))[0]
    middle = frame[280:, 200:440].astype(int)
    assert (middle == GRASS).all()


def test_circuit_without_a_line_shows_only_road() -> None:
    plain = replace(straights(12.0), line_width_m=0.0)
    frame = Renderer([plain], Camera()).frames([0], one_pose(10.0, 0.0, 0.0), Appearance.nominal(1))
    assert frame[0, 250:, :, 0].max() <= ROAD[0]


def test_far_from_every_circuit_there_is_grass(renderer: Renderer) -> None:
    frame = renderer.frames([0], one_pose(1e4, -1e4, 1.0), Appearance.nominal(1))[0]
    assert (frame[242:] == GRASS).all()


def test_result_does_not_depend_on_threads_or_batch(circuits: list[Circuit]) -> None:
    index, poses = scatter(circuits, 16, seed=7)
    appearance = Variation.domain().sample(np.random.default_rng(8), 16)
    serial, parallel = (Renderer(circuits, Camera(), threads=threads) for threads in (1, 3))
    batch = serial.view(index, poses, appearance, COLOUR)
    np.testing.assert_array_equal(batch, parallel.view(index, poses, appearance, COLOUR))
    np.testing.assert_array_equal(
        serial.frames(index[:2], poses[:2], appearance[:2]),
        parallel.frames(index[:2], poses[:2], appearance[:2]),
    )
    np.testing.assert_array_equal(
        batch[5:6], serial.view(index[5:6], poses[5:6], appearance[5:6], COLOUR)
    )


def test_renderer_may_be_used_by_several_threads_at_once(circuits: list[Circuit]) -> None:
    renderer = Renderer(circuits, Camera(), threads=2)
    index, poses = scatter(circuits, 16, seed=9)
    expected = renderer.view(index, poses, Appearance.nominal(16), RED)
    results: list[bool] = []

    def draw_often() -> None:
        for _ in range(20):
            view = renderer.view(index, poses, Appearance.nominal(16), RED)
            results.append(bool((view == expected).all()))

    threads = [threading.Thread(target=draw_often) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 60


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
def test_renderer_draws_in_a_forked_process(circuits: list[Circuit]) -> None:
    """As in Gymnasium's AsyncVectorEnv, after the parent's helping threads have started."""
    renderer = Renderer(circuits, Camera(), threads=2)
    index, poses = scatter(circuits, 16, seed=13)
    expected = renderer.view(index, poses, Appearance.nominal(16), RED)

    def draw_again() -> None:
        view = renderer.view(index, poses, Appearance.nominal(16), RED)
        os._exit(0 if (view == expected).all() else 1)

    child = multiprocessing.get_context("fork").Process(target=draw_again)
    child.start()
    child.join(timeout=20)
    code = child.exitcode
    child.kill()
    assert code == 0


def test_pickled_renderer_draws_the_same(circuits: list[Circuit], renderer: Renderer) -> None:
    index, poses = scatter(circuits, 16, seed=10)
    appearance = Appearance.nominal(16)
    expected = renderer.view(index, poses, appearance, RED)
    copy = pickle.loads(pickle.dumps(renderer))
    np.testing.assert_array_equal(copy.view(index, poses, appearance, RED), expected)


def test_view_draws_into_a_given_array(circuits: list[Circuit], renderer: Renderer) -> None:
    index, poses = scatter(circuits, 4, seed=11)
    out = np.empty((4, *RED.shape), dtype=np.uint8)
    assert renderer.view(index, poses, Appearance.nominal(4), RED, out=out) is out
    np.testing.assert_array_equal(out, renderer.view(index, poses, Appearance.nominal(4), RED))
    with pytest.raises(ValueError, match="give \\(4, "):
        renderer.view(index, poses, Appearance.nominal(4), RED, out=out[:3])


def test_mismatched_arguments_are_refused(circuits: list[Circuit], renderer: Renderer) -> None:
    index, poses = scatter(circuits, 4, seed=12)
    with pytest.raises(ValueError, match="same number"):
        renderer.view(index[:3], poses, Appearance.nominal(4), RED)
    with pytest.raises(ValueError, match="3 circuits"):
        renderer.view(index * 0 + 3, poses, Appearance.nominal(4), RED)
    with pytest.raises(ValueError, match="circuit"):
        Renderer([], Camera())


def test_grid_grows_coarser_before_a_large_circuit_takes_too_much_memory(
    circle: Circuit, monkeypatch: pytest.MonkeyPatch
) -> None:
    fine = ground.build_distance_field(circle)
    assert fine.cell_m == 0.1
    monkeypatch.setattr(ground, "_MOST_CELLS", 20_000)
    coarse = ground.build_distance_field(circle)
    assert coarse.values.size < 21_000
    assert coarse.cell_m > 0.2


def test_distance_field_holds_the_distances_to_line_and_edge() -> None:
    circuit = straights(12.0, left=2.0, right=1.0)
    field = ground.build_distance_field(circuit)
    rows, columns = field.values.shape
    x_m = field.origin_x_m + np.arange(columns) * field.cell_m
    y_m = field.origin_y_m + np.arange(rows)[:, None] * field.cell_m
    lateral_m = (field.values << 16 >> 16) * field.unit_m
    inside_m = (field.values >> 16) * field.unit_m
    beside = np.broadcast_to((x_m > 5) & (x_m < 35) & (np.abs(y_m) < 4.5), lateral_m.shape)
    y_m = np.broadcast_to(y_m, lateral_m.shape)[beside]
    np.testing.assert_allclose(lateral_m[beside], y_m, atol=2e-3)
    expected = np.where(y_m > 0, 2.0 - y_m, 1.0 + y_m)
    np.testing.assert_allclose(inside_m[beside], expected, atol=2e-3)
