import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from gazebo_helpers import ROOT, WrittenWorld, checked_in, floats, number, plugin

from f1_rl.circuits import circuit_names, load_circuit, read_circuit_csv
from f1_rl.gazebo import WorldSettings, world_files, write_world
from f1_rl.gazebo.library import BRIDGE_FILE, library_files
from f1_rl.gazebo.settings import rate_hz
from f1_rl.settings import SettingsError, build_settings
from f1_rl.simulation import Camera

CENTRE_LINE = ROOT / "tests" / "data" / "circuits" / "gazebo_centreline.csv"


@pytest.fixture(scope="module")
def stored() -> dict[str, str]:
    return checked_in("worlds", "models")


def written(name: str = "oval", **settings) -> WrittenWorld:
    return WrittenWorld.read(world_files(load_circuit(name), WorldSettings(**settings)), name)


def test_writing_the_library_again_gives_the_same_bytes(stored):
    fresh = library_files()
    assert fresh.pop(BRIDGE_FILE) == (ROOT / BRIDGE_FILE).read_text("utf-8")
    assert fresh.keys() == stored.keys()
    assert all(text == stored[name] for name, text in fresh.items()), "make worlds"


def test_every_circuit_has_a_world_and_nothing_is_large(stored):
    assert {f"worlds/{name}.sdf" for name in circuit_names()} <= stored.keys()
    assert sum(map(len, stored.values())) < 6_000_000
    assert max(map(len, stored.values())) < 400_000


@pytest.mark.parametrize("name", circuit_names())
def test_a_world_holds_its_circuit_and_the_car_on_the_start_line(name, stored):
    world = WrittenWorld.read(stored, name)
    assert world.circuit.get("name") == f"circuit_{name}"
    assert world.circuit.findtext("static") == "true"
    visuals = {visual.get("name") for visual in world.circuit.iter("visual")}
    circuit = load_circuit(name)
    assert {"grass", "road", "kerb_light", "kerb_dark"} <= visuals
    assert ("line" in visuals) == circuit.has_line
    pose = floats(world.world.findall("include")[1], "pose")
    start = circuit.pose_at(0.0)
    np.testing.assert_allclose(
        [pose[0], pose[1], pose[5]], [start.x_m[0], start.y_m[0], start.yaw_rad[0]], atol=1e-5
    )
    assert pose[2:5] == [0.0, 0.0, 0.0]


def test_what_is_seen_of_a_barrier_is_what_is_hit(stored):
    world = WrittenWorld.read(stored, "simple")
    hulls = {hull.get("name"): hull for hull in world.circuit.iter("collision")}
    walls = [v for v in world.circuit.iter("visual") if v.get("name").startswith("barrier")]
    assert len(walls) == 24
    for wall in walls:
        hull = hulls[f"{wall.get('name')}_collision"]
        assert floats(hull, "pose") == floats(wall, "pose")
        assert floats(hull, "geometry/box/size") == floats(wall, "geometry/box/size")
    ground = hulls["ground_collision"].find("geometry/plane")
    assert floats(ground, "normal") == [0.0, 0.0, 1.0]


def test_the_settings_reach_the_files():
    camera = Camera(width=160, height=120, far_m=40.0)
    world = written(
        car="ackermann",
        camera=camera,
        physics_step_ms=4,
        frame_period_ms=40,
        odometry_period_ms=20,
        real_time_factor=0.0,
        render_engine="ogre",
        gui=False,
    )
    assert world.car.get("name") == "f1_ackermann"
    assert number(world.world, "physics/max_step_size") == 0.004
    assert number(world.world, "physics/real_time_factor") == 0.0
    assert world.engine == "ogre"
    assert plugin(world.world, "SceneBroadcaster") is None
    sensor = world.car.find(".//sensor[@type='camera']")
    assert number(sensor, "update_rate") == 25.0
    assert (number(sensor, "camera/image/width"), number(sensor, "camera/image/height")) == (
        160,
        120,
    )
    assert number(sensor, "camera/clip/far") == 40.0
    assert number(plugin(world.car, "OdometryPublisher"), "odom_publish_frequency") == 50.0


def test_a_window_needs_the_scene_and_training_does_not():
    assert plugin(written(gui=True).world, "SceneBroadcaster") is not None
    assert plugin(written(gui=False).world, "SceneBroadcaster") is None


def test_a_rate_is_turned_back_into_its_period():
    for period_ms in range(1, 1001):
        rate = rate_hz(period_ms)
        # As gz-sensors does it, and as the odometry publisher does.
        assert int(1.0 / rate * 1000) == period_ms
        assert (period_ms - 1) * 1_000_000 < int(1e9 * (1.0 / rate)) <= period_ms * 1_000_000


@pytest.mark.parametrize("period_ms", [3, 7, 30, 33, 49])
def test_the_written_rates_are_exact(period_ms):
    world = written(physics_step_ms=1, odometry_period_ms=1, frame_period_ms=period_ms)
    rate = number(world.car.find(".//sensor[@type='camera']"), "update_rate")
    assert int(1.0 / rate * 1000) == period_ms


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"frame_period_ms": 33}, "frame_period_ms 33 must be a multiple of odometry_period_ms 10"),
        ({"odometry_period_ms": 5}, "odometry_period_ms 5 must be a multiple of physics_step_ms 2"),
        ({"physics_step_ms": 0}, "physics_step_ms"),
        ({"physics_step_ms": 0.5}, "physics_step_ms"),
        ({"real_time_factor": -1.0}, "real_time_factor"),
        ({"render_engine": "vulkan"}, "render_engine"),
        ({"car": "hover"}, "car"),
    ],
)
def test_settings_that_make_no_world_are_refused(changes, reason):
    with pytest.raises(SettingsError, match=reason):
        build_settings(WorldSettings, changes)


def test_an_imported_circuit_becomes_a_world_of_its_own(tmp_path):
    circuit = read_circuit_csv(CENTRE_LINE, scale=2.0)
    path = write_world(circuit, WorldSettings(), tmp_path)
    assert path == tmp_path / "worlds" / "gazebo_centreline.sdf"
    files = {
        file.relative_to(tmp_path).as_posix(): file.read_text("utf-8")
        for file in tmp_path.rglob("*")
        if file.is_file()
    }
    world = WrittenWorld.read(files, "gazebo_centreline")
    assert world.world.get("name") == "f1"


def test_a_name_that_cannot_be_a_files_is_refused(tmp_path):
    source = tmp_path / "my track.csv"
    source.write_bytes(CENTRE_LINE.read_bytes())
    with pytest.raises(SettingsError, match="'my track' cannot name a world"):
        world_files(read_circuit_csv(source), WorldSettings())


def parser() -> str | None:
    return shutil.which("gz") or shutil.which("ign")


@pytest.mark.skipif(parser() is None, reason="neither gz nor ign (ignition-tools) is installed")
@pytest.mark.parametrize(
    "path",
    sorted([*ROOT.glob("worlds/*.sdf"), *ROOT.glob("models/*/model.sdf")]),
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_the_parser_of_gazebo_finds_no_fault(path: Path, monkeypatch):
    monkeypatch.setenv("SDF_PATH", str(ROOT / "models"))
    monkeypatch.setenv("GZ_SIM_RESOURCE_PATH", str(ROOT / "models"))
    outcome = subprocess.run(
        [parser(), "sdf", "-k", path], capture_output=True, text=True, check=False
    )
    assert "Valid." in outcome.stdout
    complaints = [line for line in outcome.stderr.splitlines() if "backward" not in line]
    assert complaints == []
