"""`f1-rl calibrate`: a real car's camera, its mounting, its delay and its throttle."""

import argparse
from pathlib import Path

from f1_rl.cli import options

SUMMARY = (
    "Calibrate a real car's camera and its mounting, check them on a picture, and measure the "
    "car's delay and throttle."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    camera = actions.add_parser(
        "camera", help="find the lens by pictures of a board, or take a bag's camera_info"
    )
    _add_camera(camera)
    mounting = actions.add_parser(
        "mounting", help="say where the camera sits, by a board on the ground or by hand"
    )
    _add_mounting(mounting)
    show = actions.add_parser(
        "show", help="draw a picture with distances on the ground, as it is and as it is made"
    )
    show.add_argument("camera", type=Path, help="file of the camera, with its mounting")
    show.add_argument("picture", type=Path, help="picture of that camera")
    show.add_argument("output", type=Path, help="PNG file to write")
    show.add_argument(
        "--policy", type=Path, metavar="RUN", help="for the camera of that training (the F1 car's)"
    )
    options.add_json(show, "output, missing_share, training (settings that fit the camera)")
    delay = actions.add_parser("delay", help="measure the time from a command to its effect")
    _add_delay(delay)
    throttle = actions.add_parser("throttle", help="find the throttle that holds each speed")
    _add_throttle(throttle)


def run(arguments: argparse.Namespace) -> int:
    """Do it."""
    from f1_rl.cli import calibrate_camera, calibrate_delay, calibrate_throttle

    actions = {
        "delay": calibrate_delay.run,
        "throttle": calibrate_throttle.run,
        "camera": calibrate_camera.fit,
        "mounting": calibrate_camera.mount,
        "show": calibrate_camera.show,
    }
    return actions[arguments.action](arguments)


def board_size(text: str) -> tuple[int, int]:
    """Return the inner corners of a board that `8x6` stands for, for argparse.

    Raises:
        ArgumentTypeError: It is none.
    """
    columns, _, rows = text.lower().partition("x")
    if not (columns.isdecimal() and rows.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is no board; give inner corners, as 8x6")
    return int(columns), int(rows)


def _add_board(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--board",
        type=board_size,
        metavar="CxR",
        help="inner corners of the board along its two sides, as 8x6; of a lens without one: what "
        "the bag's camera_info says",
    )
    parser.add_argument("--square", type=float, metavar="METRES", help="side of a square")
    parser.add_argument(
        "--marker", type=float, default=0.0, metavar="METRES", help="ChArUco: side of a marker"
    )
    parser.add_argument(
        "--dictionary",
        default="4X4_50",
        metavar="NAME",
        help="ChArUco: OpenCV's name of the markers (4X4_50)",
    )


def _add_camera(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "pictures", type=Path, nargs="+", help="pictures, folders of pictures, or one bag"
    )
    _add_board(parser)
    parser.add_argument(
        "--lens",
        choices=("pinhole", "rational", "fisheye"),
        default="pinhole",
        help="plumb_bob (default), rational_polynomial for wide lenses, or equidistant",
    )
    parser.add_argument("--name", default="camera", help="of the camera, for the file (camera)")
    parser.add_argument(
        "--out", type=Path, default=Path("camera.yaml"), help="file to write (camera.yaml)"
    )
    parser.add_argument("--image-topic", metavar="NAME", help="of a bag: the camera's pictures")
    options.add_json(parser, "output, pictures, with_board, error_px, coverage and intrinsics")


def _add_mounting(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("camera", type=Path, help="file of the camera; the mounting is added to it")
    parser.add_argument("--picture", type=Path, help="picture with the board on the ground")
    _add_board(parser)
    parser.add_argument(
        "--at",
        type=float,
        nargs=2,
        metavar=("AHEAD", "LEFT"),
        help="middle of the board, metres from the car's origin on the ground",
    )
    parser.add_argument(
        "--turned",
        type=float,
        default=0.0,
        metavar="DEGREES",
        help="of the board on the ground, to the left (0: its first side lies across the way)",
    )
    for name, words in (
        ("height", "by hand: metres above the ground"),
        ("ahead", "by hand: metres ahead of the car's origin (0)"),
        ("left", "by hand: metres to the left of it (0)"),
        ("pitch", "by hand: degrees, positive looks down (0)"),
        ("roll", "by hand: degrees, positive is the right side down (0)"),
        ("yaw", "by hand: degrees, positive looks left (0)"),
    ):
        parser.add_argument(f"--{name}", type=float, metavar=name.upper(), help=words)
    options.add_json(parser, "output, mounting and, with a picture, error_px")


def _add_delay(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bag", type=Path, help="folder of a rosbag2, or its .mcap or .db3 file")
    parser.add_argument(
        "--longest",
        type=options.positive_int,
        default=1000,
        metavar="MS",
        help="longest delay looked for, milliseconds (1000)",
    )
    parser.add_argument("--image-topic", metavar="NAME", help="the camera's pictures")
    parser.add_argument("--command-topic", metavar="NAME", help="what was commanded")
    parser.add_argument("--odometry-topic", metavar="NAME", help="how the car moved")
    parser.add_argument(
        "--by-pictures", action="store_true", help="by the pictures, though there is odometry"
    )
    parser.add_argument(
        "--camera",
        type=Path,
        metavar="FILE",
        help="of the pictures, where their camera is not level or distorts",
    )
    options.add_json(
        parser, "effects (each with delay_s, interval_s, correlation), reaction_s, set"
    )


def _add_throttle(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bag", type=Path, help="folder of a rosbag2, or its .mcap or .db3 file")
    parser.add_argument(
        "--topic",
        default="actuators",
        metavar="NAME",
        help="the Joy that the motor controller hears (actuators)",
    )
    parser.add_argument(
        "--axis",
        type=options.natural_int,
        default=1,
        metavar="N",
        help="its axis of the throttle (1)",
    )
    parser.add_argument("--odometry-topic", metavar="NAME", help="how the car moved")
    options.add_json(parser, "table: speeds, m/s, and the throttle of each")
