"""What `f1-rl calibrate` does with cameras: the lens, the mounting, and a picture to check both."""

import argparse
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from f1_rl.bags.contents import (
    COMPRESSED_SUFFIXES,
    METADATA_NAME,
    STORAGE_SUFFIXES,
    is_storage,
)
from f1_rl.calibration import (
    CalibratedCamera,
    Mounting,
    Reprojection,
    intrinsics_of_message,
    read_camera,
    write_camera,
    write_mounting,
)
from f1_rl.calibration.boards import Board, Corners
from f1_rl.calibration.drawing import draw_check
from f1_rl.calibration.fitting import Fit, fit_intrinsics, fit_mounting
from f1_rl.calibration.training_camera import training_camera
from f1_rl.cli import options
from f1_rl.cli.errors import CommandError
from f1_rl.driving.observation import Preprocessing
from f1_rl.driving.settings import TaskSettings
from f1_rl.files import check_place, new_file
from f1_rl.settings import build_settings, merge, parse_assignment

UInt8Array = npt.NDArray[np.uint8]

_LENSES = {"pinhole": "plumb_bob", "rational": "rational_polynomial", "fisheye": "equidistant"}
_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".pgm", ".ppm")
_BAG_SUFFIXES = (*STORAGE_SUFFIXES, *COMPRESSED_SUFFIXES)
# Of a bag, a view counts whose corners moved by this share of the width since the last ones.
_LEAST_MOVE = 0.03
_MOST_VIEWS = 60
_POOR_COVERAGE = 0.6
# How a mounting is told: in numbers, or by a picture of a board.
_BY_HAND = ("height", "ahead", "left", "pitch", "roll", "yaw")
_BY_BOARD = ("board", "square", "at", "marker", "turned")


def fit(arguments: argparse.Namespace) -> int:
    """Find the lens by pictures of a board."""
    check_place(arguments.out)
    if arguments.board is None:
        return _take(arguments)
    board = _board(arguments)
    views: list[Corners] = []
    size: tuple[int, int] | None = None
    count = 0
    for name, picture in _pictures(arguments):
        count += 1
        this = (picture.shape[1], picture.shape[0])
        if size not in (None, this):
            raise CommandError(
                f"{name}: is {this[0]} x {this[1]}, those before it {size[0]} x {size[1]}; give "
                "pictures of one size."
            )
        size = this
        corners = board.find(picture)
        if corners is not None and _moved(corners, views, this[0]):
            views.append(corners)
        if len(views) == _MOST_VIEWS:
            break
    if size is None:
        raise CommandError(f"{arguments.pictures[0]}: holds no pictures; give some.")
    found = fit_intrinsics(views, size, _LENSES[arguments.lens])
    write_camera(arguments.out, CalibratedCamera(arguments.name, found.intrinsics))
    _tell_fit(arguments, found, count, len(views))
    return 0


def _take(arguments: argparse.Namespace) -> int:
    """Take the lens from a bag's `camera_info`."""
    path = arguments.pictures[0]
    if not _is_bag(path):
        raise CommandError(
            "calibrate camera: give the board that is in the pictures (--board and --square), or "
            "a bag with camera_info."
        )
    from f1_rl.bags import Bag, find_drive_topics
    from f1_rl.bags.drive_topics import first_camera_info

    with Bag(path) as bag:
        topic = find_drive_topics(bag, arguments.image_topic).image_topic
        info = first_camera_info(bag, topic)
    if info is None:
        raise CommandError(
            f"{path}: holds no camera_info beside {topic}; record it, too, or give a --board."
        )
    lens = intrinsics_of_message(info)
    write_camera(arguments.out, CalibratedCamera(arguments.name, lens))
    if arguments.json:
        options.print_json({"output": str(arguments.out), "intrinsics": asdict(lens)})
    else:
        print(
            f"{arguments.out}: {lens.model}, {lens.width} x {lens.height}, focal length "
            f"{lens.focal_px[0]:.1f} px, as camera_info says"
        )
    return 0


def _tell_fit(arguments: argparse.Namespace, found: Fit, pictures: int, views: int) -> None:
    if arguments.json:
        options.print_json(
            {
                "output": str(arguments.out),
                "pictures": pictures,
                "with_board": views,
                "error_px": found.error_px,
                "coverage": found.coverage,
                "intrinsics": asdict(found.intrinsics),
            }
        )
        return
    lens = found.intrinsics
    print(
        f"{arguments.out}: {lens.model}, {lens.width} x {lens.height}, focal length "
        f"{lens.focal_px[0]:.1f} px; corners {found.error_px:.2f} px from where they should be "
        f"(worst picture {max(found.view_errors_px):.2f} px), in {views} of {pictures} pictures"
    )
    if found.coverage < _POOR_COVERAGE:
        print(
            f"! the board was in {found.coverage:.0%} of the picture's parts: the rest is a guess; "
            "add pictures with the board there."
        )
    print(f"Next: f1-rl calibrate mounting {arguments.out} --picture ... (or --height ...)")


def mount(arguments: argparse.Namespace) -> int:
    """Add the mounting to a camera's file.

    Raises:
        CommandError: It is told neither by a picture nor by hand, by both, or in part.
    """
    _check_one_way(arguments)
    camera = read_camera(arguments.camera)
    error_px = None
    if arguments.picture is None:
        mounting = _by_hand(arguments)
    else:
        if arguments.board is None or arguments.square is None or arguments.at is None:
            raise CommandError(
                "calibrate mounting: a picture needs --board, --square and --at; add them."
            )
        picture = _read(arguments.picture)
        fault = camera.size_fault(picture.shape[1], picture.shape[0])
        if fault is not None:
            raise CommandError(f"{arguments.picture}: {fault}")
        board = _board(arguments)
        corners = board.find(picture)
        if corners is None:
            raise CommandError(
                f"{arguments.picture}: the board of {board.columns} x {board.rows} inner corners "
                "is not found; put it nearer, in even light, all of it in the picture."
            )
        turned_rad = np.radians(arguments.turned)
        mounting, error_px = fit_mounting(
            corners, board, camera.intrinsics, tuple(arguments.at), float(turned_rad)
        )
    write_mounting(arguments.camera, mounting)
    if arguments.json:
        document = {"output": str(arguments.camera), "mounting": mounting.as_dict()}
        options.print_json({**document, "error_px": error_px})
        return 0
    print(
        f"{arguments.camera}: {mounting.z_m:.3f} m high, {mounting.x_m:+.3f} m ahead, "
        f"{mounting.y_m:+.3f} m left; pitch {np.degrees(mounting.pitch_rad):+.2f}, roll "
        f"{np.degrees(mounting.roll_rad):+.2f}, yaw {np.degrees(mounting.yaw_rad):+.2f} degrees"
        + ("" if error_px is None else f"; corners {error_px:.2f} px from where they should be")
    )
    return 0


def show(arguments: argparse.Namespace) -> int:
    """Draw a picture with distances on the ground."""
    check_place(arguments.output)
    camera, picture = read_camera(arguments.camera), _read(arguments.picture)
    suggested = training_camera(camera)
    if arguments.policy is not None:
        from f1_rl.policy import load_policy

        task = load_policy(arguments.policy).task_settings
    else:
        task = build_settings(TaskSettings, _tree(suggested), "camera")
    rows = Preprocessing(task.observation, task.camera).view.row_array
    reprojection = Reprojection(camera, task.camera, rows)
    drawn = draw_check(reprojection, picture)
    encoded, data = cv2.imencode(".png", drawn[..., ::-1])
    if not encoded:
        raise CommandError(f"{arguments.output}: cannot be encoded as PNG; give another picture.")
    with new_file(arguments.output, "wb") as file:
        file.write(data.tobytes())
    missing = reprojection.missing_share
    if arguments.json:
        told = {"output": str(arguments.output), "missing_share": missing, "training": suggested}
        options.print_json(told)
        return 0
    print(f"{arguments.output}: {missing:.1%} of the observation lies outside the real picture")
    if not reprojection.seen.all():
        print("Magenta in it is what the real camera does not see of the training's picture.")
    print("A camera to train with that lies within this one's picture:")
    print("  " + " ".join(f"--set {name}={value}" for name, value in suggested.items()))
    return 0


def _tree(assignments: Mapping[str, float]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in assignments.items():
        tree = merge(tree, parse_assignment(f"{name.removeprefix('task.')}={value}"))
    return tree


def _check_one_way(arguments: argparse.Namespace) -> None:
    """Refuse what is told by hand beside a picture, and what a picture is told by without one."""
    by_hand = [name for name in _BY_HAND if getattr(arguments, name) is not None]
    by_board = [name for name in _BY_BOARD if getattr(arguments, name)]
    if arguments.picture is not None and by_hand:
        raise CommandError(
            f"--{by_hand[0]}: is for a mounting by hand; leave it out, or the --picture that says "
            "where the camera sits."
        )
    if arguments.picture is None and by_hand and by_board:
        raise CommandError(
            f"--{by_board[0]}: is of a board in a picture; add the --picture and leave out "
            f"--{by_hand[0]}, or leave it out."
        )


def _by_hand(arguments: argparse.Namespace) -> Mounting:
    if arguments.height is None:
        raise CommandError(
            "calibrate mounting: give a picture of the board on the ground (--picture), or the "
            "camera's --height by hand."
        )
    values = {
        "x_m": arguments.ahead or 0.0,
        "y_m": arguments.left or 0.0,
        "z_m": arguments.height,
        "roll_rad": float(np.radians(arguments.roll or 0.0)),
        "pitch_rad": float(np.radians(arguments.pitch or 0.0)),
        "yaw_rad": float(np.radians(arguments.yaw or 0.0)),
    }
    return build_settings(Mounting, values, "mounting")


def _board(arguments: argparse.Namespace) -> Board:
    if arguments.square is None:
        raise CommandError("calibrate: a board needs the side of its squares; add --square.")
    columns, rows = arguments.board
    return Board(columns, rows, arguments.square, arguments.marker, arguments.dictionary)


def _moved(corners: Corners, views: list[Corners], width: int) -> bool:
    """Return whether a view is another one than those before: a board held still adds nothing."""
    least = _LEAST_MOVE * width
    centre = corners.pixels.mean(axis=0)
    spread = corners.pixels.std(axis=0)
    return all(
        np.abs(centre - view.pixels.mean(axis=0)).max() >= least
        or np.abs(spread - view.pixels.std(axis=0)).max() >= least / 2
        for view in views
    )


def _pictures(arguments: argparse.Namespace) -> Iterator[tuple[str, UInt8Array]]:
    first = arguments.pictures[0]
    if _is_bag(first):
        if len(arguments.pictures) > 1:
            raise CommandError("calibrate camera: give one bag, or pictures.")
        yield from _of_bag(first, arguments.image_topic)
        return
    for path in _files(arguments.pictures):
        yield str(path), _read(path)


def _is_bag(path: Path) -> bool:
    """Return whether this is a file of a bag, or a folder with one, as a killed recorder leaves."""
    if path.is_dir():
        return (path / METADATA_NAME).is_file() or any(map(is_storage, path.iterdir()))
    return path.name == METADATA_NAME or path.suffix in _BAG_SUFFIXES


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(p for p in path.iterdir() if p.suffix.lower() in _SUFFIXES)
        else:
            yield path


def _of_bag(path: Path, image_topic: str | None) -> Iterator[tuple[str, UInt8Array]]:
    from f1_rl.bags import Bag, DriveTopics, FrameReader, find_drive_topics

    with Bag(path) as bag:
        topic = find_drive_topics(bag, image_topic).image_topic
        for number, frame in enumerate(FrameReader(bag, DriveTopics(image_topic=topic))):
            yield f"{path} (picture {number + 1})", frame.picture


def _read(path: Path) -> UInt8Array:
    if not path.is_file():
        raise FileNotFoundError(2, "No such file or directory", str(path))
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise CommandError(f"{path}: is no picture that OpenCV can read; give a PNG or JPEG.")
    return np.ascontiguousarray(picture[..., ::-1])
