"""The worlds of named perturbations: what of them is written, and what Gazebo has nothing like."""

from xml.etree.ElementTree import Element

import numpy as np
import pytest
from gazebo_helpers import WrittenWorld, floats, number

from f1_rl.circuits import load_circuit
from f1_rl.driving.perturbations import NOMINAL, perturbations
from f1_rl.gazebo import WorldSettings, perturbation_names, perturbed, world_files
from f1_rl.gazebo.lights import tree_places
from f1_rl.gazebo.looks import Look
from f1_rl.gazebo.sdf import drawn_colour
from f1_rl.settings import SettingsError
from f1_rl.simulation import PALETTES, Camera
from f1_rl.simulation.effects_kernels import KERB_RED, KERB_WHITE

CIRCUIT = load_circuit("simple")
REFUSED = ("fog", "rain", "noise_blur", "image_delay", "dropped_frames", "action_delay")


def written(name: str, **settings) -> WrittenWorld:
    chosen = perturbed(WorldSettings(render_engine="ogre", **settings), name)
    return WrittenWorld.read(world_files(CIRCUIT, chosen), "simple")


def diffuse(world: WrittenWorld, name: str) -> list[float]:
    (visual,) = (v for v in world.circuit.iter("visual") if v.get("name") == name)
    assert floats(visual, "material/emissive") == []
    return floats(visual, "material/diffuse")


def sun(world: WrittenWorld) -> Element:
    light = world.world.find("light[@type='directional']")
    assert light is not None
    return light


def camera(world: WrittenWorld) -> Element:
    sensor = world.car.find(".//sensor[@type='camera']")
    assert sensor is not None
    return sensor


def light_on_level_ground(world: WrittenWorld) -> float:
    """Of white light, and of red, which the sun has all of."""
    aslant = -floats(sun(world), "direction")[2]
    power = number(sun(world), "intensity") * floats(sun(world), "diffuse")[0]
    return floats(world.world, "scene/ambient")[0] + power * aslant


def test_the_nominal_world_is_what_it_is_without_perturbations():
    settings = WorldSettings()
    assert perturbed(settings, NOMINAL) is settings


@pytest.mark.parametrize("name", REFUSED)
def test_what_gazebo_has_nothing_like_is_refused_in_a_sentence(name):
    sentence = rf"^{name}: variation\.\w+ has no counterpart in Gazebo: .*\.$"
    with pytest.raises(SettingsError, match=sentence):
        perturbed(WorldSettings(), name)


def test_all_other_perturbations_make_worlds_that_differ():
    others = [name for name in perturbation_names() if name not in REFUSED]
    assert len(set(others) & set(perturbations())) >= 12
    worlds = {
        "".join(world_files(CIRCUIT, perturbed(WorldSettings(), name)).values()) for name in others
    }
    assert len(worlds) == len(others)


def test_an_unknown_perturbation_is_refused_with_the_nearest_name():
    with pytest.raises(SettingsError, match=r"no perturbation 'nigth' \(did you mean 'night'\?\)"):
        perturbed(WorldSettings(), "nigth")


def test_by_day_a_sun_draws_the_colours_at_their_level_and_trees_cast_shadows():
    day = written("daylight")
    assert light_on_level_ground(day) == pytest.approx(1.0, abs=1e-4)
    assert sun(day).findtext("cast_shadows") == "true"
    assert day.world.findtext("scene/shadows") == "true"
    trees = day.world.findall("model[@name='trees']//visual")
    assert {visual.findtext("cast_shadows") for visual in trees} == {"true"}
    road = drawn_colour(PALETTES["gazebo"][2], "ogre")
    assert diffuse(day, "road") == pytest.approx(road)


def test_shadows_are_of_more_trees_and_take_the_share_of_light_that_they_take_embedded():
    day, shadows = written("daylight"), written("shadows")
    count = [len(world.world.findall("model//visual")) for world in (day, shadows)]
    assert count[1] > 3 * count[0]
    assert floats(shadows.world, "scene/ambient")[0] == pytest.approx(0.4)
    assert light_on_level_ground(shadows) == pytest.approx(1.0, abs=1e-4)


def test_by_night_there_is_no_sun_but_lamps_on_the_car():
    night = written("night")
    assert night.world.find("light") is None
    assert night.world.find("model[@name='trees']") is None
    assert floats(night.world, "scene/ambient")[0] == pytest.approx(0.05)
    lamps = night.car.findall("link[@name='base_link']/light[@type='spot']")
    assert len(lamps) == 2
    assert all(floats(lamp, "direction")[0] > 0.0 for lamp in lamps)
    assert written("daylight").car.find(".//light") is None


def test_a_low_sun_stands_where_the_seed_says_and_the_road_mirrors_it():
    low = written("glare")
    assert -floats(sun(low), "direction")[2] == pytest.approx(np.sin(0.12), abs=1e-5)
    (road,) = (v for v in low.circuit.iter("visual") if v.get("name") == "road")
    (grass,) = (v for v in low.circuit.iter("visual") if v.get("name") == "grass")
    assert floats(road, "material/specular")[0] > 0.5 > floats(grass, "material/specular")[0]
    elsewhere = written("glare", variation_seed=1)
    assert floats(sun(elsewhere), "direction") != floats(sun(low), "direction")


def test_underexposed_is_half_the_light():
    dark = written("underexposed")
    assert light_on_level_ground(dark) == pytest.approx(0.5, abs=1e-4)
    sky = [0.5 * level / 255 for level in PALETTES["gazebo"][0]]
    assert floats(dark.world, "scene/background")[:3] == pytest.approx(sky, abs=0.003)


@pytest.mark.parametrize("name", ["desert", "snow"])
def test_palettes_are_those_of_the_embedded_simulator(name):
    world = written(name)
    for visual, colour in zip(("grass", "road", "line"), PALETTES[name][1:], strict=True):
        assert diffuse(world, visual) == pytest.approx(drawn_colour(colour, "ogre"))


def test_lines_fade_or_are_not_there():
    faded = np.array(diffuse(written("faded_line"), "line")[:3]) * 255
    _, _, road, line = (np.array(colour) for colour in PALETTES["gazebo"])
    np.testing.assert_allclose(faded, line + 0.8 * (road - line), atol=0.6)
    names = {visual.get("name") for visual in written("no_line").circuit.iter("visual")}
    assert "road" in names
    assert "line" not in names


def test_kerbs_are_red_and_white_and_along_all_of_the_road():
    world = written("kerbs")
    colours = {
        name: np.array(diffuse(world, name)[:3]) * 255 for name in ("kerb_dark", "kerb_light")
    }
    np.testing.assert_allclose(colours["kerb_dark"], KERB_RED, atol=0.01)
    np.testing.assert_allclose(colours["kerb_light"], KERB_WHITE, atol=0.01)
    area_m2 = 0.0
    for name in colours:
        points, triangles = world.mesh(f"circuit_simple/meshes/{name}.obj")
        a, b, c = (points[triangles[:, corner], :2] for corner in range(3))
        area_m2 += 0.5 * np.abs(np.cross(b - a, c - a)).sum()
    assert area_m2 == pytest.approx(2 * CIRCUIT.length_m * (0.3 + 0.01), rel=0.03)


def test_the_camera_is_mounted_askew_and_sees_more_or_noise():
    plain = Camera()
    for name, place, value in (
        ("camera_high", 2, plain.z_m + 0.02),
        ("camera_down", 4, 0.02),
        ("camera_up", 4, -0.02),
        ("camera_aside", 5, 0.035),
    ):
        expected = [plain.x_m, plain.y_m, plain.z_m, 0.0, 0.0, 0.0]
        expected[place] = value
        assert floats(camera(written(name)), "pose") == pytest.approx(expected, abs=1e-6)
    wide = number(camera(written("field_of_view")), "camera/horizontal_fov")
    assert wide == pytest.approx(1.06 * plain.horizontal_fov_rad, abs=1e-5)
    noise = camera(written("noise")).find("camera/noise")
    assert noise is not None
    assert number(noise, "stddev") == pytest.approx(15 / 255, abs=1e-6)
    assert camera(written("daylight")).find("camera/noise") is None


def test_no_tree_stands_on_or_near_the_road():
    for name in ("simple", "serpent", "hairpins"):
        circuit = load_circuit(name)
        light = Look.of(perturbed(WorldSettings(), "shadows")).light
        assert light is not None
        places = tree_places(circuit, light)
        assert len(places) > 20
        left = circuit.pose_at(circuit.arc_length_m, circuit.width_left_m)
        right = circuit.pose_at(circuit.arc_length_m, -circuit.width_right_m)
        for edge in (left, right):
            points = np.stack([edge.x_m, edge.y_m], axis=1)
            gaps_m = np.linalg.norm(places[:, None] - points[None], axis=2).min(axis=1)
            assert gaps_m.min() > 0.9


def test_boxes_would_glow_and_are_refused_in_a_world_that_is_lit():
    with pytest.raises(SettingsError, match="boxes glow in every light"):
        perturbed(WorldSettings(traffic="boxes"), "night")
