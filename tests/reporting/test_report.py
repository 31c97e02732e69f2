"""The report stands alone, says what happened, and survives whatever a stopped run left."""

import base64
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from f1_rl.circuits.circuit import Circuit
from f1_rl.reporting.decisions import telling_moments
from f1_rl.reporting.figures import STAND_INS
from f1_rl.reporting.lap_circuit import circuit_of_lap
from f1_rl.reporting.lap_plots import action_counts
from f1_rl.reporting.report import ReportError, write_report
from f1_rl.reporting.run_folder import read_run
from f1_rl.reporting.video import LapVideo, VideoFrame
from f1_rl.reporting.wording import duration, number
from f1_rl.settings import merge

WriteRun = Callable[..., Path]


class Page(HTMLParser):
    """Collects what the tests ask about a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.source = path.read_text(encoding="utf-8")
        self._hidden = False
        self.text = ""
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._hidden = tag == "style" or (self._hidden and tag != "body")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.text += f"{data} "

    @property
    def references(self) -> set[str]:
        names = ("src", "href", "poster", "srcset", "data", "action")
        return {
            value
            for _, attributes in self.tags
            for name, value in attributes.items()
            if name in names and value and not value.startswith(("#", "data:"))
        }

    @property
    def figures(self) -> list[str]:
        return [str(attrs["aria-label"]) for tag, attrs in self.tags if tag == "svg"]


def write_video(path: Path, circuit: Circuit, frames: int = 12) -> None:
    with LapVideo(path, circuit, ["left", "straight", "right"]) as video:
        for i in range(frames):
            pose = circuit.pose_at(i * 0.3)
            video.add(
                VideoFrame(
                    camera=np.full((48, 64, 3), 240 * i // frames, dtype=np.uint8),
                    observation=np.zeros((24, 64, 2), dtype=np.uint8),
                    q_values=np.array([1.0, 2.0, 0.5]),
                    action=1,
                    command_speed_mps=6.0,
                    command_yaw_rate_radps=0.0,
                    x_m=float(pose.x_m[0]),
                    y_m=float(pose.y_m[0]),
                    yaw_rad=float(pose.yaw_rad[0]),
                    lap_time_s=i / 20,
                    lateral_error_m=0.0,
                )
            )


@pytest.fixture(scope="module")
def page(whole_run: Path) -> Page:
    return Page(write_report(whole_run))


def test_page_refers_to_nothing_but_the_video(write_run: WriteRun, circuit: Circuit) -> None:
    run_dir = write_run()
    write_video(run_dir / "lap.mp4", circuit)

    page = Page(write_report(run_dir))

    assert page.references == {"lap.mp4"}
    assert not re.search(r"https?://|file:|//[a-z]+\.|@import|url\((?!#)", page.source)
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    assert len(images) == 6
    assert all(attrs["alt"] and attrs["src"].startswith("data:image/jpeg") for attrs in images)
    assert next(a for tag, a in page.tags if tag == "video")["poster"].startswith("data:image/jpeg")


def test_telling_moments_are_shown_as_the_camera_saw_them(
    write_run: WriteRun, circuit: Circuit
) -> None:
    run_dir = write_run()
    lap_path = run_dir / "lap.csv"
    lap_path.write_text("".join(lap_path.read_text().splitlines(keepends=True)[:61]))
    write_video(run_dir / "lap.mp4", circuit, frames=60)

    page = Page(write_report(run_dir))

    lap = read_run(run_dir).lap
    assert lap is not None
    moments = telling_moments(lap, circuit, ("left", "straight", "right"))
    assert len(moments) >= 3
    images = [attrs["src"] for tag, attrs in page.tags if tag == "img" and attrs["width"] == "640"]
    assert len(images) == len(moments)
    for moment, source in zip(moments, images, strict=True):
        assert moment.title in page.text
        jpeg = base64.b64decode(str(source).split(",")[1])
        picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert picture.shape == (480, 640, 3)
        # Each frame of the video is brighter than the one before by 4 of 255.
        assert picture[240, 320].mean() == pytest.approx(4 * moment.index, abs=3)


def test_a_run_from_before_there_were_reward_terms_has_its_other_plots(write_run: WriteRun) -> None:
    run_dir = write_run()
    path = run_dir / "lap.csv"
    path.write_text(path.read_text().replace("reward_", "unknown_"))

    page = Page(write_report(run_dir))

    assert "Where it hesitates" in page.text
    assert "What it was paid for" not in page.text


def test_successful_run_is_told_in_words_and_figures(page: Page) -> None:
    assert "The car learned to lap" in page.text
    assert "full lap from all 4 start positions" in page.text
    assert "3,000 steps" in page.text
    assert "6.8\N{NO-BREAK SPACE}s of training" in page.text
    assert "47.00" in page.text  # the best lap
    assert "What this report could not show lap.mp4 is missing" in " ".join(page.text.split())
    assert "2.15.1" in page.text
    assert "agent.network.filters" in page.text


def test_every_plot_is_there_and_described(page: Page) -> None:
    expected = [
        "Map of the circuit simple",
        "Lateral error",
        "Speed and yaw rate",
        "Share of the a",
        "Map of the circuit simple with the driven line brightest where the policy hesitates",
        "Lead of the best action along the lap",
        "Terms of the reward along the lap: progress +",
    ]
    expected += [
        "Starts with a full lap",
        "Mean lap time",
        "Return of an",
        "Mean Q",
        "Loss",
        "Expl",
    ]
    for beginning in expected:
        assert [label for label in page.figures if label.startswith(beginning)], beginning
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    targets = re.findall(r'(?:href="#|url\(#)([^")]+)', page.source)
    assert set(targets) <= set(ids)


def test_plots_take_their_colours_from_the_style_sheet(page: Page) -> None:
    assert "stroke: var(--accent)" in page.source
    assert not [colour for colour in STAND_INS.values() if colour in page.source]
    assert "prefers-color-scheme: dark" in page.source


def test_values_from_files_cannot_break_out_of_the_page(page: Page) -> None:
    assert "script" not in {tag for tag, _ in page.tags}
    assert "alert('$x')" in page.text


def test_run_without_a_lap_says_how_far_it_came(write_run: WriteRun) -> None:
    page = Page(write_report(write_run(completed=(0, 0))))

    assert "The car has not driven a full lap yet" in page.text
    assert "40% of a lap on average" in page.text
    assert "left the road 4 times" in page.text
    assert "No lap has been recorded yet" in page.text


def test_partly_successful_run_is_not_called_a_success(write_run: WriteRun) -> None:
    page = Page(write_report(write_run(completed=(0, 3))))

    assert "The car laps from 3 of 4 start positions" in page.text
    assert "learned to lap" not in page.text
    assert "left the road after 40% of the lap" in page.text


@pytest.mark.parametrize(
    "kept", ["config.yaml", "metrics.csv", "evaluations.csv", "lap.csv", "policy/policy.yaml"]
)
def test_any_single_file_is_enough(write_run: WriteRun, kept: str) -> None:
    run_dir = write_run()
    for path in [p for p in run_dir.rglob("*") if p.is_file()]:
        if path.relative_to(run_dir).as_posix() != kept:
            path.unlink()

    page = Page(write_report(run_dir))

    assert f"{kept} is missing" not in page.text
    assert page.text.count("is missing") == 5


@pytest.mark.parametrize("share", [0.0, 0.02, 0.77])
def test_files_cut_off_anywhere_give_a_report(write_run: WriteRun, share: float) -> None:
    run_dir = write_run()
    for path in [p for p in run_dir.rglob("*") if p.is_file()]:
        content = path.read_bytes()
        path.write_bytes(content[: int(share * len(content)) + 3])
    (run_dir / "lap.mp4").write_bytes(b"\0\0\0 ftypisom")

    page = Page(write_report(run_dir))

    assert "What this report could not show" in page.text
    assert "cannot be read as a video" in page.text


def test_unknown_numbers_give_a_report(write_run: WriteRun) -> None:
    run_dir = write_run()
    for name in ("metrics.csv", "evaluations.csv", "lap.csv"):
        path = run_dir / name
        header, *rows = path.read_text().splitlines()
        cells = [",simple" if name == "circuit" else ",nan" for name in header.split(",")[1:]]
        steps = "\n".join(f"{i}{''.join(cells)}" for i in range(len(rows)))
        path.write_text(f"{header}\n{steps}\n")

    page = Page(write_report(run_dir))

    assert "The car has not driven a full lap yet" in page.text
    assert "nan" not in page.text


def test_infinite_losses_do_not_stop_the_plots(write_run: WriteRun) -> None:
    path = write_run() / "metrics.csv"
    path.write_text("env_step,loss\n0,inf\n10,1e300\n20,0.1\n30,-inf\n")

    assert [label for label in Page(write_report(path.parent)).figures if label.startswith("Loss")]


def test_ticks_of_a_logarithmic_loss_are_plain_numbers(write_run: WriteRun) -> None:
    path = write_run() / "metrics.csv"
    losses = [200.0, *(0.01 + 0.001 * i for i in range(20))]
    path.write_text("env_step,loss\n" + "".join(f"{i},{x}\n" for i, x in enumerate(losses)))

    page = Page(write_report(path.parent))

    assert "mathdefault" not in page.text
    assert {"0.01", "1", "100"} <= set(page.text.split())


@pytest.mark.parametrize(
    ("algorithm", "method"),
    [
        ("tabular", "Q-learning with a table"),
        ("c51", "distributional deep Q-learning"),
        ("double_dqn", "double DQN"),
        ("dqn", "deep Q-learning, DQN"),
    ],
)
def test_the_learning_rule_is_named(write_run: WriteRun, algorithm: str, method: str) -> None:
    run = write_run()
    (run / "config.yaml").write_text(f"agent: {{algorithm: {algorithm}}}\n")

    page = Page(write_report(run))

    assert f"{method})" in page.text.replace(", C51)", ")")
    assert ("deep Q" in page.text) == (algorithm != "tabular")


def test_it_is_told_what_the_car_knew_and_who_helped(write_run: WriteRun) -> None:
    run = write_run()
    alone = Page(write_report(run)).text
    assert "from the pictures of its camera alone, by trial and error (" in alone
    config = yaml.safe_load((run / "config.yaml").read_text())
    config = merge(
        config,
        {"task": {"observation": {"speed": True}}, "training": {"guide_share": 0.5}},
    )
    (run / "config.yaml").write_text(yaml.safe_dump(config))

    page = Page(write_report(run))

    assert "from the pictures of its camera and its speed, by trial and error" in page.text
    assert "helped by a driver that knows the circuit" in page.text


def test_returns_are_drawn_only_while_episodes_end(write_run: WriteRun) -> None:
    path = write_run() / "metrics.csv"
    ended = [(100 * i, min(i, 6), min(i, 6) / 2) for i in range(21)]
    rows = "".join(f"{step},{episodes},{value}\n" for step, episodes, value in ended)
    path.write_text(f"env_step,episodes,episode_return\n{rows}")

    page = Page(write_report(path.parent))

    assert "After step 600 none ended" in page.text
    told = next(label for label in page.figures if label.startswith("Return of an episode"))
    assert "at 600" in told


def test_lap_on_an_unknown_circuit_is_drawn_without_the_road(write_run: WriteRun) -> None:
    run_dir = write_run()
    (run_dir / "metrics.csv").unlink()
    for name in ("config.yaml", "evaluations.csv"):
        path = run_dir / name
        path.write_text(path.read_text().replace("simple", "circuit-that-was-deleted"))

    page = Page(write_report(run_dir))

    assert "Map of the driven line" in " ".join(page.figures)
    assert "could not be loaded" in page.text


def test_the_circuit_of_the_lap_is_recognised_among_several(write_run: WriteRun) -> None:
    path = write_run() / "config.yaml"
    path.write_text("circuits: [oval, nowhere, simple, meadow]\n")

    circuit = circuit_of_lap(read_run(path.parent))

    assert circuit is not None
    assert circuit.name == "simple"


def test_actions_are_counted_with_those_that_never_occurred(whole_run: Path) -> None:
    lap = read_run(whole_run).lap
    assert lap is not None

    counts = dict(action_counts(lap, ["left", "straight", "right"]))
    numbered = dict(action_counts(lap, []))

    assert sum(counts.values()) == len(lap)
    assert counts["straight"] == int((lap.action == 1).sum())
    assert numbered["action 1"] == counts["straight"]


def test_report_is_rewritten_and_leaves_no_other_file(write_run: WriteRun) -> None:
    run_dir = write_run(completed=())
    before = {path.name for path in run_dir.iterdir()}
    path = run_dir / "report.html"
    path.write_text("old")

    assert write_report(run_dir) == path
    assert path.read_text().endswith("</html>")
    assert {p.name for p in run_dir.iterdir()} == before | {"report.html"}


def test_unwritable_report_is_one_sentence(write_run: WriteRun) -> None:
    run_dir = write_run(completed=())
    (run_dir / "report.html").mkdir()

    with pytest.raises(ReportError, match=r"report\.html cannot be written \(.*\): check"):
        write_report(run_dir)


def test_run_of_another_environment_is_told_by_its_returns(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("env: CartPole-v1\n")
    (tmp_path / "metrics.csv").write_text("env_step,wall_time_s,loss\n500,2.0,0.5\n1000,3.0,0.4\n")
    (tmp_path / "evaluations.csv").write_text(
        "env_step,wall_time_s,episode,episode_return,steps\n"
        "500,2.0,0,90.0,90\n500,2.0,1,110.0,110\n1000,3.0,0,480.0,480\n1000,3.0,1,490.0,490\n"
    )

    page = Page(write_report(tmp_path))

    assert "Mean return 485.0 in CartPole-v1" in page.text
    assert "from 100.0 to 485.0" in " ".join(page.figures)
    assert " lap" not in page.text.replace("time-lap", "")
    assert " car " not in page.text


def test_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="is no run folder"):
        write_report(tmp_path)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(9.84, "9.8 s"), (99.96, "1 min 40 s"), (192.0, "3 min 12 s"), (3900.0, "1 h 05 min")],
)
def test_time_spans_are_written_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds).replace("\N{NO-BREAK SPACE}", " ") == text
    assert number(float("nan"), 2, "s") == "\N{EN DASH}"
    assert number(-1234.5, 1, "m") == "\N{MINUS SIGN}1,234.5\N{NO-BREAK SPACE}m"
