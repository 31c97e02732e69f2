"""The video of a lap plays everywhere, shows the choice, and is never left half written."""

import dataclasses
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from f1_rl.circuits.circuit import Circuit
from f1_rl.driving.observation import ObservationSettings, Preprocessing
from f1_rl.reporting.camera_overlay import HEAT_COLOUR, ROW_COLOUR
from f1_rl.reporting.camera_panel import CameraPanel
from f1_rl.reporting.film_strip import film_strip
from f1_rl.reporting.palette import DARK, rgb
from f1_rl.reporting.run_folder import ReportError
from f1_rl.reporting.video import LapVideo, VideoFrame
from f1_rl.reporting.video_panels import MapPanel, ObservationPanel, QValuePanel
from f1_rl.simulation import Camera, Obstacle

ACTIONS = ("left", "straight", "right")
Q_PANEL_LEFT, Q_PANEL_TOP = 848, 464


@pytest.fixture
def frame(circuit: Circuit) -> VideoFrame:
    pose = circuit.pose_at(20.0, 0.1)
    camera = np.zeros((480, 640, 3), dtype=np.uint8)
    camera[240:] = (90, 95, 100)
    camera[:240] = (150, 190, 230)
    return VideoFrame(
        camera=camera,
        observation=np.full((24, 64, 2), 255, dtype=np.uint8),
        q_values=np.array([11.0, 11.5, 9.0]),
        action=1,
        command_speed_mps=7.0,
        command_yaw_rate_radps=0.5,
        x_m=float(pose.x_m[0]),
        y_m=float(pose.y_m[0]),
        yaw_rad=float(pose.yaw_rad[0]),
        lap_time_s=3.2,
        lateral_error_m=-0.1,
    )


def blank(height: int, width: int) -> npt.NDArray[np.uint8]:
    return np.zeros((height, width, 3), dtype=np.uint8)


def decode(path: Path) -> list[npt.NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        return [picture.to_ndarray(format="rgb24") for picture in container.decode(video=0)]


def bar_pixel(picture: npt.NDArray[np.uint8], action: int) -> npt.NDArray[np.int64]:
    """Return the colour just inside the left end of an action's bar."""
    panel = QValuePanel(blank(240, 416), ACTIONS)
    left, top, _, bottom = panel.bar_box_px(action)
    return picture[Q_PANEL_TOP + (top + bottom) // 2, Q_PANEL_LEFT + left + 4].astype(np.int64)


def test_video_has_the_frames_size_codec_and_rate_that_players_need(
    tmp_path: Path, circuit: Circuit, frame: VideoFrame
) -> None:
    path = tmp_path / "lap.mp4"
    with LapVideo(path, circuit, ACTIONS, fps=20.0) as video:
        for _ in range(30):
            video.add(frame)

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        assert (context.width, context.height) == (1280, 720)
        assert float(stream.average_rate) == 20.0
        assert float(stream.duration * stream.time_base) == pytest.approx(1.5)
    assert len(decode(path)) == 30
    content = path.read_bytes()
    assert 0 < content.find(b"moov") < content.find(b"mdat")  # plays before it is loaded wholly
    assert [p.name for p in tmp_path.iterdir()] == ["lap.mp4"]


def test_chosen_action_is_highlighted_and_follows_the_choice(
    tmp_path: Path, circuit: Circuit, frame: VideoFrame
) -> None:
    path = tmp_path / "lap.mp4"
    with LapVideo(path, circuit, ACTIONS) as video:
        for action in (1, 0):
            for _ in range(5):
                video.add(dataclasses.replace(frame, action=action))

    pictures = decode(path)
    accent = np.array(rgb(DARK["accent"]))
    for picture, chosen, other in ((pictures[4], 1, 0), (pictures[9], 0, 1)):
        assert np.abs(bar_pixel(picture, chosen) - accent).max() < 30
        assert np.abs(bar_pixel(picture, other) - accent).max() > 60


def test_camera_keeps_its_colours_through_the_encoder(
    tmp_path: Path, circuit: Circuit, frame: VideoFrame
) -> None:
    path = tmp_path / "lap.mp4"
    with LapVideo(path, circuit, ACTIONS) as video:
        for _ in range(5):
            video.add(frame)

    picture = decode(path)[-1].astype(np.int64)
    np.testing.assert_allclose(picture[200, 400], [150, 190, 230], atol=4)
    np.testing.assert_allclose(picture[560, 400], [90, 95, 100], atol=4)


def test_the_video_shows_what_the_network_looks_at(
    tmp_path: Path, circuit: Circuit, frame: VideoFrame
) -> None:
    preprocessing = Preprocessing(ObservationSettings(), Camera())
    saliency = np.zeros((24, 64), np.float32)
    saliency[20:, 20:24] = 1.0
    path = tmp_path / "lap.mp4"
    with LapVideo(path, circuit, ACTIONS, preprocessing) as video:
        for _ in range(5):
            video.add(dataclasses.replace(frame, saliency=saliency))

    picture = decode(path)[-1].astype(np.int64)
    row = 16 + round(1.275 * preprocessing.view.rows[22])
    hot, cold = picture[row, 16 + round(1.275 * 220)], picture[row, 16 + round(1.275 * 500)]
    assert np.abs(hot - HEAT_COLOUR).sum() < 0.5 * np.abs(cold - HEAT_COLOUR).sum()
    assert np.abs(picture[row - 2 : row + 3, 20] - ROW_COLOUR).max(axis=1).min() < 60


def test_a_picture_of_another_size_is_shown_as_it_is(frame: VideoFrame) -> None:
    picture = blank(612, 816)
    preprocessing = Preprocessing(ObservationSettings(), Camera())
    CameraPanel(picture, "", preprocessing).paint(
        dataclasses.replace(frame, camera=np.full((240, 320, 3), 77, np.uint8))
    )

    assert (picture[100:, 100:] == 77).all()


def test_best_q_value_has_the_longest_bar(frame: VideoFrame) -> None:
    picture = blank(240, 416)
    panel = QValuePanel(picture, ACTIONS)
    panel.paint(frame)

    lengths = []
    for action in range(len(ACTIONS)):
        left, top, right, bottom = panel.bar_box_px(action)
        row = picture[(top + bottom) // 2, left:right]
        lengths.append(int((row != np.array(rgb(DARK["grid"]))).any(axis=1).sum()))
    assert lengths[1] > lengths[0] > lengths[2] > 0


@pytest.mark.parametrize("count", [1, 12, 21])
def test_bars_of_any_number_of_actions_fit(frame: VideoFrame, count: int) -> None:
    panel = QValuePanel(blank(240, 416), [f"action {i}" for i in range(count)])
    panel.paint(dataclasses.replace(frame, q_values=np.linspace(0.0, 1.0, count), action=0))

    left, top, right, bottom = panel.bar_box_px(count - 1)
    assert left < right
    assert top < bottom <= 240


def test_unknown_q_values_and_pose_leave_the_panels_empty(
    circuit: Circuit, frame: VideoFrame
) -> None:
    unknown = dataclasses.replace(
        frame, q_values=np.full(3, np.nan), x_m=np.nan, lateral_error_m=np.nan
    )
    picture = blank(290, 416)
    QValuePanel(blank(240, 416), ACTIONS).paint(unknown)
    MapPanel(picture, circuit).paint(unknown)

    assert not (picture == np.array(rgb(DARK["accent"]))).all(axis=2).any()


@pytest.mark.parametrize("shape", [(24, 64, 2), (84, 84, 4), (24, 64, 1), (240, 640, 3), (5, 5, 9)])
def test_observations_of_any_shape_are_shown_whole(
    frame: VideoFrame, shape: tuple[int, int, int]
) -> None:
    picture = blank(130, 416)
    panel = ObservationPanel(picture)
    observation = np.full(shape, 255, dtype=np.uint8)
    panel.paint(dataclasses.replace(frame, observation=observation))

    shown = int((picture[34:] == 255).all(axis=2).sum())
    across, scale = panel._arrange(shape, (392, 84))
    assert shown == shape[2] * int(shape[0] * scale) * int(shape[1] * scale)
    assert 1 <= across <= shape[2]


def test_car_moves_on_the_map_and_leaves_a_trail(circuit: Circuit, frame: VideoFrame) -> None:
    picture = blank(290, 416)
    panel = MapPanel(picture, circuit)
    pictures = []
    for arc_length_m in np.arange(0.0, 80.0, 1.0):
        pose = circuit.pose_at(arc_length_m)
        x_m, y_m, yaw_rad = (float(v[0]) for v in (pose.x_m, pose.y_m, pose.yaw_rad))
        panel.paint(dataclasses.replace(frame, x_m=x_m, y_m=y_m, yaw_rad=yaw_rad))
        pictures.append(picture.copy())

    accent = (np.array(pictures) == np.array(rgb(DARK["accent"]))).all(axis=3)
    first, last = (np.argwhere(accent[i]).mean(axis=0) for i in (0, -1))
    assert np.linalg.norm(last - first) > 50.0
    changed = (pictures[0] != pictures[-1]).any(axis=2)
    assert changed.sum() > 2 * accent[-1].sum() + 200


def test_obstacles_stand_on_the_map_while_they_are_there(
    circuit: Circuit, frame: VideoFrame
) -> None:
    picture = blank(290, 416)
    panel = MapPanel(picture, circuit)
    sizes = []
    for kinds in ((), ("box",), ("box", "car"), ()):
        poses = circuit.pose_at(np.array([60.0, 90.0]))
        shown = zip(kinds, poses.x_m, poses.y_m, poses.yaw_rad, strict=False)
        panel.paint(dataclasses.replace(frame, obstacles=[Obstacle(*each) for each in shown]))
        sizes.append(int((picture == np.array(rgb(DARK["warn"]))).all(axis=2).sum()))
    assert sizes[0] == sizes[3] == 0
    assert 20 < sizes[1] < sizes[2] - 40


def test_interrupted_video_leaves_the_old_file(
    tmp_path: Path, circuit: Circuit, frame: VideoFrame
) -> None:
    path = tmp_path / "lap.mp4"
    path.write_bytes(b"old")

    def interrupted() -> None:
        with LapVideo(path, circuit, ACTIONS) as video:
            video.add(frame)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["lap.mp4"]


def test_video_without_frames_leaves_no_file(
    tmp_path: Path, circuit: Circuit, caplog: pytest.LogCaptureFixture
) -> None:
    with LapVideo(tmp_path / "lap.mp4", circuit, ACTIONS):
        pass

    assert list(tmp_path.iterdir()) == []
    assert "no frame was added" in caplog.text


def test_closed_video_takes_no_more_frames(
    tmp_path: Path, circuit: Circuit, frame: VideoFrame
) -> None:
    video = LapVideo(tmp_path / "lap.mp4", circuit, ACTIONS)
    video.add(frame)
    video.close()
    video.close()

    with pytest.raises(ValueError, match="is closed"):
        video.add(frame)


def test_unwritable_path_is_one_sentence(tmp_path: Path, circuit: Circuit) -> None:
    with pytest.raises(ReportError, match=r"lap\.mp4 cannot be written \(No such file.*\): check"):
        LapVideo(tmp_path / "absent" / "lap.mp4", circuit, ACTIONS)


@pytest.fixture
def small_files_only() -> Iterator[None]:
    """Let no file of this process grow beyond 64 KiB, as a full disk would."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.usefixtures("small_files_only")
def test_full_disk_is_one_sentence_and_leaves_no_file(
    tmp_path: Path, circuit: Circuit, frame: VideoFrame
) -> None:
    rng = np.random.default_rng(1)

    def write_noise() -> None:
        with LapVideo(tmp_path / "lap.mp4", circuit, ACTIONS) as video:
            for _ in range(40):
                noise = rng.integers(0, 256, (480, 640, 3), dtype=np.uint8)
                video.add(dataclasses.replace(frame, camera=noise))

    with pytest.raises(ReportError, match=r"lap\.mp4 cannot be written \(.*\): check"):
        write_noise()
    assert list(tmp_path.iterdir()) == []


def test_film_strip_is_spread_over_the_video(
    tmp_path: Path, circuit: Circuit, frame: VideoFrame
) -> None:
    path = tmp_path / "lap.mp4"
    with LapVideo(path, circuit, ACTIONS) as video:
        for _ in range(60):
            video.add(frame)

    stills = film_strip(path, 3, 320)

    np.testing.assert_allclose([still.time_s for still in stills], [0.5, 1.5, 2.5], atol=0.051)
    assert all(still.jpeg.startswith(b"\xff\xd8") for still in stills)
