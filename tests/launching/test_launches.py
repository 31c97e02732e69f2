"""What each launch starts, from what was asked for: nothing is started here."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from f1_rl.launching import LAUNCHES, Argument, LaunchError, NodeProcess, Plan, Program, simulators
from f1_rl.launching.arguments import split_words
from f1_rl.launching.drive import DRIVE
from f1_rl.launching.record import RECORD
from f1_rl.launching.replay import REPLAY
from f1_rl.launching.simulate import SIMULATE
from f1_rl.launching.train import TRAIN
from f1_rl.nodes.simulator_parameters import SimulatorParameters
from f1_rl.simulation import NO_TRAFFIC, Traffic

ALL = [pytest.param(launch, id=launch.name) for launch in LAUNCHES.values()]


def plan(name: str, *words: str) -> Plan:
    return LAUNCHES[name].plan(split_words(words))


def node(plan: Plan, place: int = 0) -> NodeProcess:
    process = plan.processes[place]
    assert isinstance(process, NodeProcess)
    return process


def test_the_description_needs_neither_ros_nor_its_launch_packages(repository: Path) -> None:
    program = (
        "import sys, f1_rl.launching.supervisor\n"
        "print({'rclpy', 'launch', 'launch_ros', 'tensorflow'} & set(sys.modules))"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], cwd=repository, check=True, capture_output=True, text=True
    )
    assert told.stdout.strip() == "set()"


def test_every_launch_has_a_launch_file(repository: Path) -> None:
    files = {path.name for path in (repository / "launch").glob("*.py")}
    assert files == {f"{name}.launch.py" for name in LAUNCHES}


@pytest.mark.parametrize("launch", ALL)
def test_every_argument_has_a_description_and_a_default_it_allows(launch) -> None:
    names = [argument.name for argument in launch.arguments]
    assert len(set(names)) == len(names)
    for argument in launch.arguments:
        assert argument.description.endswith(".")
        argument.read(argument.default_text())


def test_without_arguments_the_parameter_file_decides() -> None:
    simulator = node(plan("simulate"))
    assert simulator.full_name == "/simulator"
    assert simulator.params_file is not None
    assert simulator.params_file.name == "simulator.yaml"
    assert not simulator.parameters
    assert plan("simulate").labels == ("simulator-1",)


def test_values_become_parameters_of_their_type() -> None:
    simulator = node(plan("simulate", "rate:=2", "seed:=3", "compressed:=true", "circuit:=oval"))
    assert dict(simulator.parameters) == {
        "rate": 2.0,
        "seed": 3,
        "compressed": True,
        "circuit": "oval",
    }
    assert isinstance(simulator.parameters["rate"], float)


@pytest.mark.parametrize("text", ["car1", "/car1", "/car1/"])
def test_a_namespace_may_be_written_with_slashes(text: str) -> None:
    assert node(plan("simulate", f"namespace:={text}")).full_name == "/car1/simulator"


def test_of_two_values_the_last_counts() -> None:
    assert node(plan("simulate", "seed:=1", "seed:=2")).parameters["seed"] == 2


def test_a_drive_starts_the_driver_alone_unless_a_simulator_is_asked_for() -> None:
    assert plan("drive").labels == ("driver-1",)
    both = plan("drive", "simulator:=embedded", "circuit:=oval", "namespace:=a")
    assert both.labels == ("driver-1", "simulator-2")
    assert [node(both, place).full_name for place in (0, 1)] == ["/a/driver", "/a/simulator"]
    assert dict(node(both, 1).parameters) == {"circuit": "oval"}
    assert dict(node(both, 0).parameters) == {"dashboard_circuit": "oval"}


def test_the_simulator_speaks_as_the_driver_listens() -> None:
    words = ("image_transport:=compressed", "command_type:=twist_stamped", "use_sim_time:=true")
    simulator = node(plan("drive", "simulator:=embedded", *words), 1)
    assert dict(simulator.parameters) == {
        "compressed": True,
        "stamped_commands": True,
        "publish_clock": True,
    }
    assert dict(simulator.remappings) == {"clock": "/clock"}


def test_training_goes_in_lock_step_on_the_trainers_circuit_with_its_camera() -> None:
    both = plan("train", "circuit:=oval", "width:=64", "height:=48", "seed:=7", "steps:=100")
    trainer, simulator = node(both), node(both, 1)
    assert both.main is trainer
    assert both.labels == ("trainer-1", "simulator-2")
    scene = {"circuit": "oval", "width": 64, "height": 48}
    assert dict(trainer.parameters) == {**scene, "traffic": "none", "seed": 7, "steps": 100}
    assert dict(simulator.parameters) == {**scene, "traffic": ("none",), "start_paused": True}


def test_each_of_several_cars_has_a_simulator_in_a_namespace_of_its_own() -> None:
    three = plan("train", "instances:=3", "namespace:=lab")
    namespaces = ("/lab/car1", "/lab/car2", "/lab/car3")
    assert node(three).parameters["namespaces"] == namespaces
    assert node(three).full_name == "/lab/trainer"
    assert tuple(node(three, place).namespace for place in (1, 2, 3)) == namespaces
    assert plan("train", "instances:=3", "simulator:=none").labels == ("trainer-1",)


def test_a_drive_shows_what_the_policy_learned_to_see() -> None:
    policy = Path(__file__).parents[1] / "data" / "policy"
    words = (f"policy:={policy}", "simulator:=embedded")
    shown = dict(node(plan("drive", *words), 1).parameters)
    assert (shown["circuit"], shown["width"], shown["height"]) == ("simple", 640, 480)
    assert node(plan("drive", *words, "circuit:=oval"), 1).parameters["circuit"] == "oval"
    with pytest.raises(LaunchError, match="is no policy folder"):
        plan("drive", "policy:=/nowhere", "simulator:=embedded")


@pytest.mark.parametrize(("learned", "first"), [("all", "simple"), ("random-3:9", "random-3")])
def test_a_drive_shows_the_first_of_many_circuits(tmp_path: Path, learned: str, first: str) -> None:
    policy = tmp_path / "policy"
    shutil.copytree(Path(__file__).parents[1] / "data" / "policy", policy)
    manifest = policy / "policy.yaml"
    text = manifest.read_text()
    assert "  - simple\n" in text
    manifest.write_text(text.replace("  - simple\n", f"  - {learned}\n"))
    shown = node(plan("drive", f"policy:={policy}", "simulator:=embedded"), 1).parameters
    assert shown["circuit"] == first


def test_the_car_is_the_same_for_trainer_and_simulator() -> None:
    both = plan("train", "car:=ackermann")
    assert node(both).parameters["car"] == "ackermann"
    assert node(both, 1).parameters["vehicle"] == "single_track"
    assert node(plan("simulate", "car:=kinematic")).parameters == {"vehicle": "kinematic"}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("GZ_PARTITION", raising=False)
    return tmp_path / "cache"


def program(plan: Plan, place: int) -> Program:
    process = plan.processes[place]
    assert isinstance(process, Program)
    return process


def test_training_in_gazebo_steps_a_world_of_the_circuit_through_the_bridge(cache: Path) -> None:
    three = plan("train", "simulator:=gazebo", "circuit:=oval", "seed:=4", "car:=ackermann")
    assert three.labels == ("trainer-1", "gazebo-2", "bridge-3")
    assert node(three).parameters["clockwork"] == "gazebo"
    server, bridge = program(three, 1), program(three, 2)
    assert server.command[:2] == ("gz", "sim")
    assert {"-s", "--headless-rendering"} <= set(server.command)
    assert "-r" not in server.command, "it begins paused"
    world = Path(server.command[-1])
    assert world.is_relative_to(cache)
    text = world.read_text()
    assert "<real_time_factor>0" in text
    assert "f1_ackermann" in text
    car = (world.parents[1] / "models" / "f1_ackermann" / "model.sdf").read_text()
    assert "<width>192</width>" in car
    assert server.environment["GZ_SIM_RESOURCE_PATH"].split(":")[0] == str(
        world.parents[1] / "models"
    )
    assert server.environment["GZ_PARTITION"] == bridge.environment["GZ_PARTITION"]
    assert bridge.package == "ros_gz_bridge"
    assert "world/f1/control@ros_gz_interfaces/srv/ControlWorld" in bridge.command
    assert any(word.endswith("config/bridge.yaml") for word in bridge.command)


def test_gazebos_instances_have_namespaces_and_partitions_of_their_own(cache: Path) -> None:
    two = plan("train", "simulator:=gazebo", "instances:=2", "gui:=true")
    assert two.labels == ("trainer-1", "gazebo-2", "bridge-3", "window-4", "gazebo-5", "bridge-6")
    assert node(two).parameters["namespaces"] == ("/car1", "/car2")
    partitions = [program(two, place).environment["GZ_PARTITION"] for place in range(1, 6)]
    assert partitions[0] == partitions[1] == partitions[2] != partitions[3] == partitions[4]
    assert "__ns:=/car2" in program(two, 5).command


def test_gazebo_draws_without_the_filter_in_which_software_opengl_hangs(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MESA_EXTENSION_OVERRIDE", raising=False)
    asked = {}
    for own in ("", "-GL_ARB_debug_output"):
        if own:
            monkeypatch.setenv("MESA_EXTENSION_OVERRIDE", own)
        server = program(plan("train", "simulator:=gazebo"), 1)
        asked[own] = server.environment["MESA_EXTENSION_OVERRIDE"].split()
    assert asked[""] == ["-GL_EXT_texture_filter_anisotropic"]
    assert asked["-GL_ARB_debug_output"] == ["-GL_ARB_debug_output", *asked[""]]


def test_a_drive_in_gazebo_runs_in_real_time_with_the_policys_camera(cache: Path) -> None:
    policy = Path(__file__).parents[1] / "data" / "policy"
    three = plan("drive", f"policy:={policy}", "simulator:=gazebo")
    assert three.labels == ("driver-1", "gazebo-2", "bridge-3")
    assert "-r" in program(three, 1).command
    world = Path(program(three, 1).command[-1])
    assert "<real_time_factor>1" in world.read_text()


def test_traffic_is_in_gazebos_world_and_told_to_the_trainer(cache: Path, repository: Path) -> None:
    crowded = plan("train", "simulator:=gazebo", "traffic:=mixed")
    assert node(crowded).parameters["traffic"] == "mixed"
    text = Path(program(crowded, 1).command[-1]).read_text()
    assert (text.count('<model name="box_'), text.count("<actor name=")) == (4, 2)
    empty = plan("train", "simulator:=gazebo", "preset:=traffic")
    assert node(empty).parameters["traffic"] == "none"
    assert "<actor" not in Path(program(empty, 1).command[-1]).read_text()
    own = ("simulator:=gazebo", f"world:={repository}/worlds/oval.sdf", "width:=640", "height:=480")
    assert "traffic" not in node(plan("train", *own)).parameters
    assert node(plan("train", *own, "traffic:=boxes")).parameters["traffic"] == "boxes"
    with pytest.raises(LaunchError, match="Traffic 'rush_hour' is unknown"):
        plan("train", "simulator:=gazebo", "traffic:=rush_hour")


def test_traffic_is_on_the_simulators_road_and_told_to_the_trainer() -> None:
    crowded = plan("train", "traffic:=mixed", "instances:=2")
    assert node(crowded).parameters["traffic"] == "mixed"
    assert [node(crowded, i).parameters["traffic"] for i in (1, 2)] == [("mixed",)] * 2
    empty = plan("train", "preset:=traffic")
    assert node(empty).parameters["traffic"] == "none"
    assert node(empty, 1).parameters["traffic"] == ("none",)
    assert node(plan("simulate", "traffic:=boxes")).parameters["traffic"] == ("boxes",)
    assert "traffic" not in node(plan("simulate")).parameters
    elsewhere = plan("train", "simulator:=none", "traffic:=boxes")
    assert node(elsewhere).parameters["traffic"] == "boxes"
    assert "traffic" not in node(plan("train", "simulator:=none")).parameters
    for launch in ("train", "simulate"):
        with pytest.raises(LaunchError, match="Traffic 'rush_hour' is unknown"):
            plan(launch, "traffic:=rush_hour")


def test_a_run_that_goes_on_does_so_in_its_own_traffic(run: Path, cache: Path) -> None:
    task = "task: {traffic: {boxes: 2, cars: 1, seed: 8}}"
    (run / "config.yaml").write_text(f"{task}\nenv_options: {{ros: {{clockwork: gazebo}}}}")
    text = Path(
        program(plan("train", f"resume:={run}", "simulator:=gazebo"), 1).command[-1]
    ).read_text()
    assert (text.count('<model name="box_'), text.count("<actor name=")) == (2, 1)
    (run / "config.yaml").write_text(task)
    road = SimulatorParameters(
        traffic=node(plan("train", f"resume:={run}"), 1).parameters["traffic"]
    )
    assert road.read_traffic() == Traffic(boxes=2, cars=1, seed=8)
    with pytest.raises(LaunchError, match="traffic cannot be changed in a run that is resumed"):
        plan("train", f"resume:={run}", "simulator:=gazebo", "traffic:=boxes")


def test_gazebos_world_may_be_that_of_a_perturbation(cache: Path, repository: Path) -> None:
    night = plan("simulate", "simulator:=gazebo", "perturbation:=night")
    world = Path(program(night, 0).command[-1])
    car = (world.parents[1] / "models" / "f1_kinematic" / "model.sdf").read_text()
    assert "spot" in car, "its lamps"
    with pytest.raises(LaunchError, match=r"fog: .* has no counterpart in Gazebo"):
        plan("simulate", "simulator:=gazebo", "perturbation:=fog")
    with pytest.raises(LaunchError, match="perturbation means nothing with simulator:=embedded"):
        plan("simulate", "perturbation:=night")
    own = f"world:={repository / 'worlds' / 'oval.sdf'}"
    with pytest.raises(LaunchError, match="leave world out"):
        plan("simulate", "simulator:=gazebo", "perturbation:=night", own)


def test_a_world_of_ones_own_is_used_if_it_fits(repository: Path, tmp_path: Path) -> None:
    world = repository / "worlds" / "oval.sdf"
    words = ("simulator:=gazebo", f"world:={world}", "width:=640", "height:=480")
    assert program(plan("train", *words), 1).command[-1] == str(world)
    with pytest.raises(LaunchError, match="camera is 640 x 480, and 192 x 144 is needed"):
        plan("train", "simulator:=gazebo", f"world:={world}")
    with pytest.raises(LaunchError, match="its car is kinematic, and ackermann is asked for"):
        plan("train", *words, "car:=ackermann")
    with pytest.raises(LaunchError, match="leave circuit or world out"):
        plan("simulate", *words, "circuit:=simple")
    assert program(plan("simulate", *words), 0).command[-1] == str(world)
    for text, sentence in (
        ("<sdf><world name='moon'/></sdf>", "is named 'moon', and the bridge's services"),
        ("<sdf><world name='f1'/></sdf>", "includes no car named 'f1'"),
        ("<sdf/>", "has no world"),
        ("<sdf>", "cannot be read"),
    ):
        other = tmp_path / "worlds" / "other.sdf"
        other.parent.mkdir(exist_ok=True)
        other.write_text(text)
        with pytest.raises(LaunchError, match=sentence):
            plan("train", "simulator:=gazebo", f"world:={other}")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    config = tmp_path / "run" / "config.yaml"
    config.parent.mkdir()
    config.write_text(
        "task: {circuits: [harbour], circuit_scale: 0.5, camera: {width: 80, height: 60}}"
    )
    return config.parent


def test_a_resumed_run_finds_circuit_and_camera_as_it_left_them(run: Path) -> None:
    both = plan("train", f"resume:={run}", "steps:=500")
    assert dict(node(both).parameters) == {"resume": str(run), "steps": 500}
    assert dict(node(both, 1).parameters) == {
        "circuit": "harbour",
        "circuit_scale": 0.5,
        "width": 80,
        "height": 60,
        "horizontal_fov_rad": 1.57,
        "traffic": ("none",),
        "start_paused": True,
    }


def test_the_simulators_show_circuit_and_camera_of_the_preset(tmp_path: Path) -> None:
    preset = tmp_path / "small.yaml"
    preset.write_text("task: {circuit_scale: 0.25, camera: {horizontal_fov_rad: 1.9}}")
    shown = node(plan("train", f"preset:={preset}", "circuit:=oval"), 1).parameters
    assert (shown["circuit"], shown["circuit_scale"]) == ("oval", 0.25)
    assert (shown["width"], shown["horizontal_fov_rad"]) == (192, 1.9)
    with pytest.raises(LaunchError, match="preset:=no cannot be used: "):
        plan("train", "preset:=no")


def test_a_resumed_run_finds_the_car_that_it_began_with(run: Path, cache: Path) -> None:
    (run / "config.yaml").write_text("task: {vehicle: single_track}")
    assert node(plan("train", f"resume:={run}"), 1).parameters["vehicle"] == "single_track"
    (run / "config.yaml").write_text(
        "{task: {vehicle: single_track}, env_options: {ros: {clockwork: gazebo}}}"
    )
    resumed = plan("train", f"resume:={run}", "simulator:=gazebo")
    assert "f1_ackermann" in Path(program(resumed, 1).command[-1]).read_text()


def test_a_resumed_runs_simulators_are_in_absolute_namespaces(run: Path) -> None:
    (run / "config.yaml").write_text("env_options: {namespaces: ['', car1, /lab/car2]}")
    resumed = plan("train", f"resume:={run}")
    assert [node(resumed, i).namespace for i in (1, 2, 3)] == ["/", "/car1", "/lab/car2"]


def test_a_run_is_resumed_with_the_simulator_it_began_with(run: Path) -> None:
    (run / "config.yaml").write_text("env_options: {ros: {clockwork: gazebo}, namespaces: [/a]}")
    with pytest.raises(LaunchError, match=r"learns from cars of simulator:=gazebo"):
        plan("train", f"resume:={run}")
    assert plan("train", f"resume:={run}", "simulator:=none").labels == ("trainer-1",)


@pytest.mark.parametrize("word", ["circuit:=oval", "width:=64", "preset:=embedded", "seed:=1"])
def test_what_a_resumed_run_has_settled_cannot_be_asked_for(run: Path, word: str) -> None:
    with pytest.raises(LaunchError, match=r"cannot be changed in a run that is resumed; leave it"):
        plan("train", f"resume:={run}", word)


def test_a_resumed_run_on_several_circuits_needs_another_simulator(run: Path) -> None:
    (run / "config.yaml").write_text("task: {circuits: [oval, simple]}")
    with pytest.raises(LaunchError, match="learns on 2 circuits"):
        plan("train", f"resume:={run}")
    assert plan("train", f"resume:={run}", "simulator:=none").labels == ("trainer-1",)


@pytest.mark.parametrize(
    ("name", "word", "sentence"),
    [
        ("drive", "polciy:=x", "there is no argument 'polciy'; write 'policy'."),
        ("drive", "zzz:=x", "there is no argument 'zzz'; there are policy, "),
        ("drive", "policy", "'policy' is no argument; write name:=value, as in namespace:=car1."),
        (
            "drive",
            "simulator:=gz",
            "simulator:=gz cannot be used: choose embedded or gazebo or none.",
        ),
        ("drive", "max_speed_mps:=quick", "max_speed_mps:=quick cannot be used: give a number."),
        ("drive", "max_speed_mps:=inf", "max_speed_mps:=inf cannot be used: give a number."),
        ("drive", "shadow:=yes", "shadow:=yes cannot be used: choose true or false."),
        (
            "drive",
            "circuit:=oval",
            "circuit means nothing with simulator:=none; ",
        ),
        ("drive", "params_file:=/no.yaml", "params_file:=/no.yaml cannot be used: there is no "),
        ("drive", "log_level:=", "log_level:= cannot be used: choose debug or info or warn "),
        ("simulate", "seed:=1.5", "seed:=1.5 cannot be used: give a whole number."),
        ("simulate", "circuit:=ovla", "circuit:=ovla cannot be used: There is no circuit 'ovla'"),
        ("simulate", "namespace:=car-1", "namespace:=car-1 cannot be used: write names of "),
        ("record", "topics:=,", "topics:=, cannot be used: it names no topic; give names with "),
        ("train", "instances:=9", "instances:=9 cannot be used: choose 1 or 2 "),
        ("train", "instances:=", "instances:= cannot be used: choose 1 or 2 "),
        ("train", "width:=", "width:= cannot be used: give a value, such as 192."),
        ("train", "gui:=true", "gui means nothing with simulator:=embedded; leave it out, or add "),
        ("train", "car:=boat", "car:=boat cannot be used: choose kinematic or ackermann."),
        ("train", "circuit:=", "circuit:= cannot be used: give a value, such as simple."),
        (
            "train",
            "resume:=/nowhere",
            "resume:=/nowhere cannot be used: /nowhere: is no run folder",
        ),
    ],
)
def test_what_cannot_be_started_is_refused_in_one_sentence(
    name: str, word: str, sentence: str
) -> None:
    with pytest.raises(LaunchError) as refused:
        plan(name, word)
    assert str(refused.value).startswith(sentence)
    assert str(refused.value).endswith(".")


def test_a_program_that_is_not_installed_is_named(tmp_path: Path, monkeypatch) -> None:
    with pytest.raises(LaunchError, match="the simulator needs the program 'no-such-gz'"):
        Program("the simulator", ("no-such-gz", "sim")).command_line()
    bridge = Program("bridge", ("parameter_bridge", "x"), package="ros_gz_bridge")
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    with pytest.raises(LaunchError, match="of the ROS package 'ros_gz_bridge'; install it"):
        bridge.command_line()
    marker = tmp_path / "share" / "ament_index" / "resource_index" / "packages" / "ros_gz_bridge"
    program = tmp_path / "lib" / "ros_gz_bridge" / "parameter_bridge"
    for path in (marker, program):
        path.parent.mkdir(parents=True)
        path.touch()
    assert bridge.command_line() == [str(program), "x"]


def test_an_argument_that_must_have_a_value_cannot_be_empty() -> None:
    with pytest.raises(LaunchError, match="give a value, such as 160"):
        Argument("width", "Columns.", "160", kind=int).read("")
    assert Argument("seed", "Seed.", kind=int).read("") is None


def test_launches_are_found_by_their_names() -> None:
    assert LAUNCHES == {
        "simulate": SIMULATE,
        "drive": DRIVE,
        "train": TRAIN,
        "record": RECORD,
        "replay": REPLAY,
    }


def test_a_real_car_has_its_camera_and_its_actuators_beside_the_driver() -> None:
    real = plan(
        "drive",
        *("policy:=run", "camera_calibration:=camera.yaml", "actuators:=car.yaml"),
        *("actuators_output:=twist", "max_speed_mps:=0.8", "deadman:=true"),
    )
    assert real.labels == ("driver-1", "actuators-2")
    assert dict(node(real).parameters) == {
        "policy": "run",
        "camera_calibration": "camera.yaml",
        "deadman": True,
    }
    actuators = node(real, 1)
    assert dict(actuators.parameters) == {
        "car": "car.yaml",
        "output": "twist",
        "max_speed_mps": 0.8,
    }
    assert actuators.params_file is not None
    assert actuators.params_file.name == "actuators.yaml"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("actuators_output:=joy",), "give its file with actuators:=FILE"),
        (("actuators:=car.yaml", "simulator:=embedded"), "leave simulator or actuators out"),
    ],
)
def test_actuators_without_a_real_car_are_refused(words: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(LaunchError, match=sentence):
        plan("drive", *words)


def test_no_traffic_is_called_as_the_simulation_calls_it():
    assert simulators.NO_TRAFFIC == NO_TRAFFIC
