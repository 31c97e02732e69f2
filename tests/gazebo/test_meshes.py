import numpy as np
import pytest
from gazebo_helpers import read_obj

from f1_rl.circuits import circuit_names, load_circuit
from f1_rl.gazebo.meshes import KERB_WIDTH_M, kerb_meshes, line_mesh, road_mesh
from f1_rl.gazebo.worlds import BARRIER_DISTANCE_M, barrier_corners, circuit_meshes

CIRCUITS = [name for name in circuit_names() if name != "grand_tour"]


@pytest.fixture(scope="module", params=CIRCUITS)
def circuit(request):
    return load_circuit(request.param)


def test_every_triangle_shows_its_upper_side(circuit):
    for mesh in circuit_meshes(circuit).values():
        assert mesh.areas_m2.min() > 1e-3
        assert len(np.unique(np.sort(mesh.triangles, axis=1), axis=0)) == len(mesh.triangles)


def test_road_and_line_cover_the_length_times_the_width(circuit):
    width_m = (circuit.width_left_m + circuit.width_right_m).mean()
    assert road_mesh(circuit).areas_m2.sum() == pytest.approx(circuit.length_m * width_m, rel=1e-3)
    if circuit.has_line:
        area_m2 = circuit.length_m * circuit.line_width_m
        assert line_mesh(circuit).areas_m2.sum() == pytest.approx(area_m2, rel=1e-3)


def test_the_road_is_one_closed_ribbon_with_two_edges(circuit):
    triangles = road_mesh(circuit).triangles
    sides = np.concatenate([triangles[:, [a, (a + 1) % 3]] for a in range(3)])
    _, uses = np.unique(np.sort(sides, axis=1), axis=0, return_counts=True)
    corners = triangles.max() + 1
    assert len(triangles) == corners
    assert (uses == 1).sum() == corners
    assert (uses == 2).sum() == corners
    assert uses.max() == 2


def test_the_edges_of_the_road_lie_on_the_circuit_within_a_millimetre(circuit):
    points = road_mesh(circuit).points_m
    for first, width_m in ((0, circuit.width_left_m), (1, -circuit.width_right_m)):
        polygon = points[first::2]
        edge = circuit.pose_at(circuit.arc_length_m, width_m)
        nearest = np.full(len(edge), np.inf)
        for start, end in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
            along = end - start
            offset = np.stack([edge.x_m, edge.y_m], axis=1) - start
            share = np.clip(offset @ along / (along @ along), 0.0, 1.0)
            nearest = np.minimum(nearest, np.hypot(*(offset - share[:, None] * along).T))
        assert nearest.max() < 1e-3


def test_kerbs_lie_on_the_grass_side_of_the_edges_of_corners(circuit):
    light, dark = kerb_meshes(circuit)
    assert len(light.triangles) > 0
    assert len(dark.triangles) > 0
    for mesh in (light, dark):
        x_m, y_m = mesh.points_m.T
        from_edge = np.inf
        for side, width_m in ((1, circuit.width_left_m), (-1, circuit.width_right_m)):
            edge = circuit.pose_at(circuit.arc_length_m, side * width_m)
            gap = np.hypot(x_m[:, None] - edge.x_m, y_m[:, None] - edge.y_m).min(axis=1)
            from_edge = np.minimum(from_edge, gap)
        # The edge is known at points a tenth of a metre apart.
        assert from_edge.max() < KERB_WIDTH_M + 0.02
        # Half of the corners are the kerbs' outer edges.
        assert np.median(from_edge) > 0.005


def test_the_barrier_goes_around_everything_with_room(circuit):
    corners = barrier_corners(circuit)
    sides = np.roll(corners, -1, axis=0) - corners
    inwards = np.stack([-sides[:, 1], sides[:, 0]], axis=1)
    inwards /= np.linalg.norm(inwards, axis=1, keepdims=True)
    road = road_mesh(circuit).points_m
    distance = ((road[:, None] - corners) * inwards).sum(axis=-1)
    assert distance.min() == pytest.approx(BARRIER_DISTANCE_M, abs=1e-3)
    turns = sides[:, 0] * np.roll(sides, -1, axis=0)[:, 1]
    turns -= sides[:, 1] * np.roll(sides, -1, axis=0)[:, 0]
    assert turns.min() > 0.0


def test_the_file_holds_the_mesh(circuit):
    mesh = road_mesh(circuit)
    text = mesh.as_obj("road")
    corners, triangles = read_obj(text)
    np.testing.assert_allclose(corners[:, :2], mesh.points_m, atol=5.1e-5)
    np.testing.assert_array_equal(triangles, mesh.triangles)
    assert not corners[:, 2].any()
    assert "vn 0 0 1\n" in text
    assert "-0 " not in text
