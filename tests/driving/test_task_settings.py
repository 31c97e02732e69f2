"""The settings of the driving task: ranges of circuits, and what is refused."""

import pytest

from f1_rl.circuits import CircuitError, circuit_names, load_circuit, write_circuit_csv
from f1_rl.driving.environment import load_circuits, make_simulator
from f1_rl.driving.settings import TaskSettings, expand_circuit_names, told_circuits, vehicle_of
from f1_rl.settings import SettingsError, build_settings
from f1_rl.simulation import Camera, KinematicCar, SingleTrackCar, Variation


def test_ranges_of_random_circuits_are_written_out():
    assert expand_circuit_names(["oval", "random-3:6", "random-9"]) == [
        "oval",
        "random-3",
        "random-4",
        "random-5",
        "random-9",
    ]


def test_all_stands_for_every_circuit_of_the_library():
    assert expand_circuit_names(["random-1", "all"]) == ["random-1", *circuit_names()]


def test_a_scale_behind_several_circuits_is_each_ones():
    assert expand_circuit_names(["random-3:5@0.5"]) == ["random-3@0.5", "random-4@0.5"]
    assert expand_circuit_names(["all@2"]) == [f"{name}@2" for name in circuit_names()]


def test_circuits_that_are_named_several_times_are_told_once():
    assert told_circuits(["serpent", "oval", "serpent"]) == "serpent (2 times), oval"


@pytest.mark.parametrize("name", ["random-5:5", "random-5:2", "random-0:1001"])
def test_empty_and_absurd_ranges_are_refused(name):
    with pytest.raises(SettingsError, match="choose a range of 1 to"):
        expand_circuit_names([name])


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"circuit": ["oval"]}, "no setting 'circuit'"),
        ({"camera": {"hight": 480}}, "no setting 'camera.hight'"),
        ({"variation": {"blur": [0, 1]}}, "no setting 'variation.blur'"),
        (
            {"observation": {"colums": 64}},
            "no setting 'observation.colums' \\(did you mean 'observation.columns'",
        ),
        ({"camera": {"width": 0}}, "camera: .*width"),
        ({"camera": {"horizontal_fov_rad": 4.0}}, "camera: .*horizontal_fov_rad"),
        ({"variation": {"brightness": [2.0, 1.0]}}, "variation: .*brightness"),
        (
            {"variation": {"brightness": [1.0]}},
            "variation.brightness is a list; give a list of 2 entries",
        ),
        ({"circuits": []}, "circuits is a list; give a list of at least 1 entry"),
        ({"circuits": "oval"}, "circuits is 'oval'; give a list"),
        ({"control_period_ms": 0}, "control_period_ms is 0; give a whole number of at least 1"),
        ({"control_period_ms": 12.5}, "control_period_ms is 12.5; give a whole number"),
        ({"circuit_scale": -1.0}, "circuit_scale is -1.0; give a number above 0"),
        ({"vehicle": "lorry"}, "vehicle is 'lorry'; give one of kinematic, single_track"),
        ({"rewards": {"progress": float("nan")}}, "rewards.progress is nan; give a number that is"),
        ({"rewards": {"progress": float("inf")}}, "rewards.progress is inf; give a number that is"),
        ({"rewards": {"progress": "much"}}, "rewards.progress is 'much'; give a number"),
        ({"endings": {"laps": 0}}, "endings.laps is 0; give a whole number of at least 1"),
        (
            {"endings": {"time_limit_s": float("inf")}},
            "endings.time_limit_s is inf; give a number that is finite",
        ),
        ({"starts": {"direction": "left"}}, "starts.direction"),
        ({"observation": {"channel": "infrared"}}, "observation.channel"),
        ({"observation": {"frame_stack": 0}}, "observation.frame_stack"),
    ],
)
def test_settings_that_do_not_exist_or_fit_are_refused_by_name(values, reason):
    with pytest.raises(SettingsError, match=reason) as caught:
        build_settings(TaskSettings, values)
    assert str(caught.value).count("\n") == 0


def test_settings_survive_being_written_out():
    settings = build_settings(
        TaskSettings,
        {
            "circuits": ["oval", "random-1:3"],
            "camera": {"width": 320, "height": 240, "pitch_rad": 0.1},
            "variation": {"brightness": [0.8, 1.1]},
            "endings": {"off_road_margin_m": None, "laps": 2},
        },
    )
    again = build_settings(TaskSettings, settings.as_dict())
    assert again == settings
    assert isinstance(again.camera, Camera)
    assert again.variation == Variation(brightness=(0.8, 1.1))


def test_the_car_of_a_task_lags_as_the_settings_say():
    settings = build_settings(
        TaskSettings, {"vehicle": "single_track", "actuators": {"steering_lag_s": 0.08}}
    )
    car = vehicle_of(settings)
    assert isinstance(car, SingleTrackCar)
    assert (car.drive_lag_s, car.steering_lag_s) == (0.0, 0.08)
    assert make_simulator(settings, 1).vehicle == car
    assert vehicle_of(TaskSettings()) == KinematicCar()


def test_different_circuits_of_one_name_are_refused(tmp_path):
    paths = []
    for folder, name in (("a", "oval"), ("b", "simple")):
        paths.append(str(tmp_path / folder / "track.csv"))
        (tmp_path / folder).mkdir()
        write_circuit_csv(load_circuit(name), paths[-1])
    with pytest.raises(CircuitError, match=r"a/track\.csv and .*b/track\.csv .* named 'track'; re"):
        load_circuits(TaskSettings(circuits=tuple(paths)))


def test_one_circuit_named_twice_is_one_circuit():
    circuits = load_circuits(TaskSettings(circuits=("simple", "simple", "random-7", "random-007")))
    assert [circuit.name for circuit in circuits] == ["simple", "simple", "random-7", "random-7"]
