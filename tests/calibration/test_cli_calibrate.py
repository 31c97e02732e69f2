"""The verb `calibrate`, from pictures of a board to a policy that drives by the camera."""

import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from boards import picture_of, picture_on_ground, poses
from real_cameras import FISHEYE, NOMINAL, taken

from f1_rl.calibration import CalibratedCamera, Intrinsics, Mounting, read_camera, write_camera
from f1_rl.cli.main import main
from f1_rl.settings import build_settings

SAMPLE = Path(__file__).parents[1] / "data" / "bags" / "gazebo_bend"
MOUNTING = build_settings(
    Mounting, {"x_m": 0.3, "z_m": 0.14, "pitch_rad": 0.2, "roll_rad": 0.02, "yaw_rad": 0.0}
)
BOARD = ("--board", "8x6", "--square")


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of a board, held before the camera and lying on the ground, and of a road."""
    folder = tmp_path_factory.mktemp("workshop")
    (folder / "views").mkdir()
    for number, pose in enumerate(poses(12)):
        path = folder / "views" / f"{number:02}.png"
        cv2.imwrite(str(path), picture_of(FISHEYE, pose))
    cv2.imwrite(str(folder / "ground.png"), picture_on_ground(FISHEYE, MOUNTING, (0.8, 0.02)))
    road = taken(CalibratedCamera("real", FISHEYE, MOUNTING), 30.0, 0.3)
    cv2.imwrite(str(folder / "road.png"), road[..., ::-1])
    return folder


def tell(capsys: Any, *words: object) -> tuple[int, str, str]:
    status = main(["calibrate", *map(str, words)])
    said = capsys.readouterr()
    return status, said.out, said.err


def test_from_pictures_of_a_board_to_a_checked_camera(workshop: Path, capsys: Any) -> None:
    file = workshop / "camera.yaml"
    arguments = (*BOARD, "0.025", "--lens", "fisheye", "--name", "front", "--out", file)
    status, out, err = tell(capsys, "camera", workshop / "views", *arguments)
    assert (status, err) == (0, "")
    assert "equidistant, 800 x 600" in out
    assert "of 12 pictures" in out
    assert read_camera(file).intrinsics.focal_px[0] == pytest.approx(390.0, rel=0.01)

    ground = ("--picture", workshop / "ground.png", *BOARD, "0.05", "--at", "0.8", "0.02")
    status, out, _ = tell(capsys, "mounting", file, *ground, "--json")
    told = json.loads(out)
    assert status == 0
    assert told["error_px"] < 0.5
    assert told["mounting"]["z_m"] == pytest.approx(0.14, abs=0.003)
    assert told["mounting"]["pitch_rad"] == pytest.approx(0.2, abs=0.01)

    status, out, _ = tell(capsys, "show", file, workshop / "road.png", workshop / "check.png")
    assert status == 0
    assert "0.0% of the observation lies outside" in out
    assert "--set task.camera.horizontal_fov_rad=1.9 " in out
    drawn = cv2.imread(str(workshop / "check.png"))
    assert drawn.shape == (480, 1280, 3)
    # Grid in both halves.
    for half in (drawn[:, :640], drawn[:, 640:]):
        assert (np.abs(half.astype(int) - (0, 200, 255)).sum(axis=-1) < 150).sum() > 500


def test_what_can_be_measured_is_written_by_hand(workshop: Path, capsys: Any) -> None:
    file = workshop / "by_hand.yaml"
    write_camera(file, CalibratedCamera("front", FISHEYE))
    words = ("--height", "0.14", "--ahead", "0.3", "--pitch", "10", "--yaw", "-2")
    before = file.read_text() + "serial_number: 1234\n"
    file.write_text(before)
    assert tell(capsys, "mounting", file, *words)[0] == 0
    assert file.read_text().startswith(before)
    mounting = read_camera(file).mounted()
    assert mounting.as_dict() == pytest.approx(
        {
            "x_m": 0.3,
            "y_m": 0,
            "z_m": 0.14,
            "roll_rad": 0,
            "pitch_rad": 0.17453,
            "yaw_rad": -0.0349,
        },
        abs=1e-4,
    )


def test_the_pictures_of_a_bag_are_looked_at(capsys: Any, tmp_path: Path) -> None:
    pytest.importorskip("rosbags", reason="reading bags needs rosbags")
    out = tmp_path / "camera.yaml"
    status, _, err = tell(capsys, "camera", SAMPLE, *BOARD, "0.025", "--out", out)
    assert status == 1
    assert "the board was found in 0 pictures, and 8 are needed" in err
    assert not out.exists()


def test_the_lens_of_camera_info_is_taken_from_a_bag(capsys: Any, tmp_path: Path) -> None:
    pytest.importorskip("rosbags", reason="reading bags needs rosbags")
    sys.path.insert(0, str(Path(__file__).parents[1] / "bags"))
    from bag_making import BEGIN_NS, INFO, Sent, camera_info, drive, write_bag

    told = Sent("/cam_f1_left/camera_info", INFO, BEGIN_NS, camera_info(64, 48, 33.0))
    bag = write_bag(tmp_path / "bag", [told, *drive(3)])
    status, out, _ = tell(capsys, "camera", bag, "--out", tmp_path / "camera.yaml")
    assert status == 0
    assert "plumb_bob, 64 x 48, focal length 33.0 px, as camera_info says" in out
    assert read_camera(tmp_path / "camera.yaml").intrinsics.centre_px == (32.0, 24.0)


def test_a_bag_is_one_without_its_metadata_too(capsys: Any, tmp_path: Path) -> None:
    pytest.importorskip("rosbags", reason="reading bags needs rosbags")
    sys.path.insert(0, str(Path(__file__).parents[1] / "bags"))
    from bag_making import BEGIN_NS, INFO, Sent, camera_info, drive, write_bag

    told = Sent("/cam_f1_left/camera_info", INFO, BEGIN_NS, camera_info(64, 48, 33.0))
    bag = write_bag(tmp_path / "bag", [told, *drive(3)])
    for path in (bag / "metadata.yaml", bag):
        status, out, _ = tell(capsys, "camera", path, "--out", tmp_path / "camera.yaml")
        assert status == 0
        assert "focal length 33.0 px, as camera_info says" in out
        # As a recorder that was killed before it wrote any.
        (bag / "metadata.yaml").unlink(missing_ok=True)


def test_the_delay_of_a_bag_is_told_as_a_setting(capsys: Any, tmp_path: Path) -> None:
    pytest.importorskip("rosbags", reason="reading bags needs rosbags")
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from recorded_drives import drive, task_settings, write_bag

    settings = task_settings(variation={"action_delay_s": [0.08, 0.08]})
    bag = write_bag(tmp_path / "bag", drive(settings, 15.0, noise=(0.15, 0.5)))
    status, out, _ = tell(capsys, "delay", bag)
    assert status == 0
    assert "yaw rate: 79 ms from the command to its effect" in out
    assert "--set task.variation.action_delay_s=[0.080,0.080]" in out

    status, out, _ = tell(capsys, "delay", bag, "--by-pictures", "--json")
    told = json.loads(out)
    assert told["effects"]["yaw rate, by the pictures"]["delay_s"] == pytest.approx(0.08, abs=0.02)

    status, _, err = tell(capsys, "delay", SAMPLE)
    assert status == 1
    assert "record a longer one" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("camera", "nowhere.png", *BOARD, "0.02"), "nowhere.png: No such file"),
        (("camera", "{road}"), "give the board that is in the pictures"),
        (("camera", "{bag}"), "holds no camera_info beside /cam_f1_left/image_raw"),
        (("camera", "{road}", "--board", "8x6"), "add --square"),
        (("mounting", "{camera}"), "give a picture of the board on the ground (--picture), or"),
        (("mounting", "{camera}", "--picture", "{road}"), "needs --board, --square and --at"),
        (
            ("mounting", "{camera}", "--picture", "{road}", *BOARD, "0.02", "--at", "1", "0"),
            "the board of 8 x 6 inner corners is not found",
        ),
        (("mounting", "{camera}", "--height", "-1"), "z_m is -1.0; give a number above 0"),
        (
            ("mounting", "{camera}", "--height", "0.1", *BOARD, "0.05", "--at", "1", "0"),
            "--board: is of a board in a picture; add the --picture and leave out --height",
        ),
        (
            ("mounting", "{camera}", "--picture", "{road}", *BOARD, "0.02", "--pitch", "0"),
            "--pitch: is for a mounting by hand; leave it out, or the --picture",
        ),
        (("show", "{camera}", "{road}", "{out}"), "add it with f1-rl calibrate mounting"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(
    words: tuple[str, ...], said: str, workshop: Path, tmp_path: Path, capsys: Any
) -> None:
    if "{bag}" in words:
        pytest.importorskip("rosbags", reason="reading bags needs rosbags")
    camera = tmp_path / "camera.yaml"
    write_camera(camera, CalibratedCamera("front", FISHEYE))
    places = {
        "camera": camera,
        "road": workshop / "road.png",
        "out": tmp_path / "out.png",
        "bag": SAMPLE,
    }
    status, _, err = tell(capsys, *(word.format(**places) for word in words))
    assert status == 1
    assert said in err


def test_a_bag_is_replayed_by_its_own_camera(policy: Path, tmp_path: Path, capsys: Any) -> None:
    pytest.importorskip("rosbags", reason="reading bags needs rosbags")
    focal = NOMINAL.focal_length_px
    mounting = Mounting(x_m=NOMINAL.x_m, y_m=NOMINAL.y_m, z_m=NOMINAL.z_m)
    same = CalibratedCamera("same", Intrinsics(640, 480, (focal, focal), (319.5, 239.5)), mounting)
    write_camera(tmp_path / "same.yaml", same)
    write_camera(tmp_path / "other.yaml", CalibratedCamera("other", FISHEYE, MOUNTING))
    replay = ("replay", str(SAMPLE), "--policy", str(policy), "--json")

    told = []
    for more in ((), ("--camera-calibration", str(tmp_path / "same.yaml"))):
        assert main([*replay, *more]) == 0
        told.append(json.loads(capsys.readouterr().out)["agreement"])
    assert told[0] == told[1]
    assert main([*replay, "--camera-calibration", str(tmp_path / "other.yaml")]) == 1
    assert "calibrated with 800 x 600" in capsys.readouterr().out


def test_demonstrations_are_learned_from_by_their_own_camera(tmp_path: Path) -> None:
    pytest.importorskip("rosbags", reason="reading bags needs rosbags")
    from f1_rl.bags.transitions import DemonstrationSettings, convert_bags
    from f1_rl.driving.settings import TaskSettings

    focal = NOMINAL.focal_length_px
    mounting = Mounting(x_m=NOMINAL.x_m, y_m=NOMINAL.y_m, z_m=NOMINAL.z_m)
    same = CalibratedCamera("same", Intrinsics(640, 480, (focal, focal), (319.5, 239.5)), mounting)
    write_camera(tmp_path / "same.yaml", same)
    smaller = build_settings(TaskSettings, {"camera": {"width": 320, "height": 240}})
    wanted = {"bags": (str(SAMPLE),), "reward": "image", "action_tolerance": 2.0}
    calibrated = {**wanted, "camera_calibration": str(tmp_path / "same.yaml")}
    episodes, _ = convert_bags(DemonstrationSettings(**calibrated), smaller)
    plain, _ = convert_bags(DemonstrationSettings(**wanted), TaskSettings())
    # The rows of a smaller picture are other ones, and what they show is nearly the same.
    assert sum(map(len, episodes)) == sum(map(len, plain)) > 50
    assert abs(episodes[0].frames.mean() - plain[0].frames.mean()) < 10.0
