"""TensorBoard's own reader finds scalars, histograms, pictures and hyper-parameters."""

import io
import math

import cv2
import numpy as np
import pytest
from learning_helpers import Quiet, tiny_settings
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata

from f1_rl.circuits import load_circuit
from f1_rl.driving.laps import Drive
from f1_rl.driving.metrics import DriveReport
from f1_rl.learning.evaluation import Evaluation, summarise_drives
from f1_rl.learning.finish import finish_training
from f1_rl.learning.progress import Progress
from f1_rl.learning.run_folder import RunFolderError
from f1_rl.learning.tensorboard import EventWriter
from f1_rl.learning.training import start_run
from f1_rl.reporting.driven_map import draw_driven_lines
from f1_rl.reporting.palette import DARK, rgb

pytestmark = pytest.mark.tensorflow

PROGRESS = Progress(120, 7, 1.0, 100.0, 3, 0, 5.0, 40.0, 0.5, math.nan, 2.0)


def read(folder) -> EventAccumulator:
    events = EventAccumulator(str(folder), size_guidance={"images": 0, "histograms": 0})
    events.Reload()
    return events


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run with its lap, what was told of it, and what TensorBoard reads."""
    path = tmp_path_factory.mktemp("runs") / "run"
    listener = Quiet()
    trainer = start_run(tiny_settings(seed=3), path, listener, device="cpu")
    trainer.run()
    trainer.close()
    finish_training(path)
    return path, listener, read(path / "events")


def test_scalars_are_by_environment_step(finished):
    _, listener, events = finished
    tags = set(events.Tags()["scalars"])
    assert {"training/loss", "training/episode_return", "evaluation/completion"} <= tags
    steps = [event.step for event in events.Scalars("evaluation/completion")]
    assert steps == [told[0].env_step for told in listener.evaluations]
    best = [told for told in listener.evaluations if told[2]]
    returns = events.Scalars("result/episode_return")
    assert [event.step for event in returns] == [told[0].env_step for told in best]


def test_the_values_that_were_acted_by_are_distributed_over_each_row(finished):
    _, listener, events = finished
    histograms = events.Histograms("training/q_values")
    acted = [progress.env_step for progress in listener.progress if progress.env_step]
    assert [event.step for event in histograms] == acted
    tiny = tiny_settings()
    assert all(event.histogram_value.num % tiny.training.num_envs == 0 for event in histograms)


def test_lines_are_drawn_of_each_evaluation_that_was_the_best(finished):
    _, listener, events = finished
    images = events.Images("best_evaluation/oval")
    steps = [told[0].env_step for told in listener.evaluations if told[2]]
    assert [event.step for event in images] == steps
    picture = cv2.imdecode(np.frombuffer(images[-1].encoded_image_string, np.uint8), 1)
    assert picture.shape == (images[-1].height, images[-1].width, 3)
    drawn = {tuple(colour[::-1]) for colour in picture.reshape(-1, 3).tolist()}
    assert rgb(DARK["road"]) in drawn


def test_the_lap_is_there_as_an_animation(finished):
    _, listener, events = finished
    (event,) = events.Images("lap")
    animation = Image.open(io.BytesIO(event.encoded_image_string))
    assert animation.format == "GIF"
    assert animation.n_frames > 5
    assert (event.height, event.width) == (animation.height, animation.width) == (270, 480)
    assert event.step in [told[0].env_step for told in listener.evaluations if told[2]]


def test_hyper_parameters_are_told_with_what_runs_are_compared_by(finished):
    _, _, events = finished
    content = events.summary_metadata[metadata.SESSION_START_INFO_TAG].plugin_data.content
    session = metadata.parse_session_start_info_plugin_data(content)
    assert session.group_name == "run"
    assert session.hparams["agent.gamma"].number_value == 0.9
    assert session.hparams["agent.algorithm"].string_value == "double_dqn"
    assert session.hparams["task.circuits"].string_value == "oval"
    assert session.hparams["agent.network.kernels"].string_value == "(3, 3)"
    assert session.hparams["seed"].number_value == 3
    assert not any("camera" in name or "log_every" in name for name in session.hparams)
    content = events.summary_metadata[metadata.EXPERIMENT_TAG].plugin_data.content
    experiment = metadata.parse_experiment_plugin_data(content)
    assert {info.name for info in experiment.hparam_infos} == set(session.hparams)
    metrics = [info.name.tag for info in experiment.metric_infos]
    assert metrics[:2] == ["result/solved_env_step", "result/lap_time_s"]


def evaluation(rows) -> Evaluation:
    return Evaluation(rows, len(rows), (1.0,), "")


def test_results_are_those_of_the_best_evaluation_and_the_first_solution(tmp_path):
    writer = EventWriter(tmp_path)
    writer.write_evaluation(
        evaluation([{"lap_time_s": 20.0}, {"lap_time_s": 22.0}]), 100, best=True
    )
    writer.write_evaluation(evaluation([{"lap_time_s": 30.0}]), 200, best=False)
    writer.write_evaluation(evaluation([{"lap_time_s": math.nan}]), 300, best=True)
    writer.write_solved(100)
    writer.close()
    events = read(tmp_path)
    assert [(e.step, e.value) for e in events.Scalars("result/lap_time_s")] == [(100, 21.0)]
    assert [e.step for e in events.Scalars("evaluation/lap_time_s")] == [100, 200]
    assert [e.value for e in events.Scalars("result/solved_env_step")] == [100.0]
    assert events.Tags()["images"] == []


def test_the_lines_of_each_scale_of_a_circuit_are_by_its_whole_name(tmp_path):
    report = DriveReport(**dict.fromkeys(DriveReport.__dataclass_fields__, 0) | {"ending": ""})
    circuits = [load_circuit(name) for name in ("oval@0.9", "oval@0.8")]
    path_m = np.zeros((2, 2))
    drives = tuple(Drive(circuit, 1, 0.0, report, path_m) for circuit in circuits)
    writer = EventWriter(tmp_path)
    writer.write_evaluation(Evaluation([{"laps": 0}], 0, (0.0,), "", drives), 100, best=True)
    writer.close()
    assert read(tmp_path).Tags()["images"] == [
        "best_evaluation/oval@0.9",
        "best_evaluation/oval@0.8",
    ]


def test_a_histogram_counts_every_finite_value_once(tmp_path):
    writer = EventWriter(tmp_path)
    values = np.array([[0.0, 1.0, 2.0], [2.0, 4.0, np.nan]], np.float32)
    writer.write_progress(PROGRESS, values)
    writer.write_progress(PROGRESS)
    writer.close()
    (event,) = read(tmp_path).Histograms("training/q_values")
    told = event.histogram_value
    assert (event.step, told.num, told.min, told.max, told.sum) == (120, 5, 0.0, 4.0, 9.0)
    assert told.sum_squares == 0 + 1 + 4 + 4 + 16
    assert sum(told.bucket) == 5
    limits = np.array(told.bucket_limit)
    below = np.array(told.bucket)[limits < 1.5].sum()
    assert below == 2


def test_a_line_is_green_when_whole_and_else_red_to_where_it_ended():
    circuit = load_circuit("oval")
    along = circuit.pose_at(np.linspace(0.0, circuit.length_m, 300))
    path_m = np.stack([along.x_m, along.y_m], axis=1)
    empty = np.empty((0, 2))
    good, bad = rgb(DARK["good"]), rgb(DARK["accent"])

    def count(colour, *drawn):
        picture = draw_driven_lines(circuit, [path for path, _ in drawn], [w for _, w in drawn])
        # The line is softened at its edges.
        return int((np.abs(picture.astype(int) - colour).max(axis=2) < 60).sum())

    assert count(good, (path_m, True)) > 100
    assert count(bad, (path_m, True), (empty, False)) == 0
    assert 50 < count(bad, (path_m[:150], False)) < count(bad, (path_m, False))


def test_drives_keep_where_they_led(finished):
    drives: list[Drive] = list(finished[1].evaluations[-1][1].drives)
    assert len(drives) == 2
    for drive in drives:
        assert drive.path_m.shape == (drive.report.steps, 2)
        start = drive.circuit.pose_at(np.array([drive.start_arc_length_m]))
        first = drive.path_m[0] - [start.x_m[0], start.y_m[0]]
        assert np.hypot(*first) < 1.0
    assert summarise_drives(drives).drives == tuple(drives)


def test_a_folder_that_cannot_be_written_is_told_in_a_sentence(tmp_path):
    (tmp_path / "events").write_text("")
    with pytest.raises(RunFolderError, match=r"events: cannot be written \(.*\); check the path\."):
        EventWriter(tmp_path / "events").write_solved(1)
