"""How fast a bag is read, checked and replayed, and how much memory that takes.

    python benchmarks/bags.py [--bag BAG] [--repetitions 5] [--large GB] [--json]

Each row is a process of its own, from the start of Python to its end, on two processors; the
median, the quickest and the slowest of the repetitions stand beside each other, so that a busy
machine shows. --large writes bags of that size with 640 x 480 pictures of noise, without
compression, as MCAP and as sqlite3, each in one file, and removes them; --folder says where.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
POLICY = ROOT / "tests" / "data" / "policy"
BAGS = (
    ROOT.parent / "shared" / "bags" / "gazebo_lap",
    ROOT / "tests" / "data" / "bags" / "gazebo_bend",
)
PERIOD_NS = 50_000_000
PROCESSORS = 2

READ_MESSAGES = """
import sys; from pathlib import Path; from f1_rl.bags import *
with Bag(Path(sys.argv[1])) as bag:
    for record in bag.records(list(bag.topics)): pass
"""
READ_FRAMES = """
import sys; from pathlib import Path; from f1_rl.bags import *
with Bag(Path(sys.argv[1])) as bag:
    for frame in frames(bag, find_drive_topics(bag)): pass
"""


@dataclass(frozen=True)
class Measurement:
    """A process: its duration, what the processors did, and its largest resident memory."""

    what: str
    median_s: float
    quickest_s: float
    slowest_s: float
    processor_s: float
    memory_mb: float


def measure(what: str, command: Sequence[str], repetitions: int) -> Measurement:
    """Run a command several times."""
    times_s, processor_s, memory_mb = [], [], []
    for _ in range(repetitions):
        began_s = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        times_s.append(time.perf_counter() - began_s)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{what}: failed with status {process.returncode}.")
        processor_s.append(usage.ru_utime + usage.ru_stime)
        memory_mb.append(usage.ru_maxrss * 1024 / 1e6)
    return Measurement(
        what,
        statistics.median(times_s),
        min(times_s),
        max(times_s),
        statistics.median(processor_s),
        max(memory_mb),
    )


def measure_bag(bag: Path, policy: Path, repetitions: int) -> list[Measurement]:
    """Measure everything that one does with a bag."""
    verb = [sys.executable, "-m", "f1_rl.cli.main", "replay", str(bag)]
    replay = [*verb, "--policy", str(policy)]
    rows = [
        measure("read every message", [sys.executable, "-c", READ_MESSAGES, str(bag)], repetitions),
        measure(
            "read and align frames", [sys.executable, "-c", READ_FRAMES, str(bag)], repetitions
        ),
        measure("replay BAG --check", [*verb, "--check"], repetitions),
        measure("replay BAG --policy RUN", replay, repetitions),
    ]
    with tempfile.TemporaryDirectory() as folder:
        out = ["--out", folder]
        rows.append(measure("replay … --out DIR", [*replay, *out], repetitions))
        rows.append(measure("replay … --out DIR --video", [*replay, *out, "--video"], repetitions))
    return rows


def write_large(folder: Path, storage: str, gigabytes: float) -> tuple[Path, int]:
    """Write a bag of noise, and return how many pictures it has."""
    from rosbags.typesys import Stores, get_typestore

    from f1_rl.bags.writer import BagFormat, BagWriter, RecordedTopic

    store = get_typestore(Stores.ROS2_JAZZY)
    types = store.types
    writer = BagWriter(folder, BagFormat(storage, "none"))
    writer.add_topic(RecordedTopic("/cam_f1_left/image_raw", "sensor_msgs/msg/Image"))
    writer.add_topic(RecordedTopic("/cmd_vel", "geometry_msgs/msg/Twist"))
    noise = np.random.default_rng(0).integers(0, 256, (8, 640 * 480 * 3), np.uint8)
    zero = types["geometry_msgs/msg/Vector3"](x=0.0, y=0.0, z=0.0)
    ahead = types["geometry_msgs/msg/Vector3"](x=3.0, y=0.0, z=0.0)
    command = types["geometry_msgs/msg/Twist"](linear=ahead, angular=zero)
    command_data = bytes(store.serialize_cdr(command, "geometry_msgs/msg/Twist"))
    pictures = int(gigabytes * 1e9 / noise.shape[1])
    for i in range(pictures):
        at_ns = 10**18 + i * PERIOD_NS
        stamp = types["builtin_interfaces/msg/Time"](sec=at_ns // 10**9, nanosec=at_ns % 10**9)
        image = types["sensor_msgs/msg/Image"](
            header=types["std_msgs/msg/Header"](stamp=stamp, frame_id="camera"),
            height=480,
            width=640,
            encoding="rgb8",
            is_bigendian=0,
            step=1920,
            data=noise[i % len(noise)],
        )
        data = bytes(store.serialize_cdr(image, "sensor_msgs/msg/Image"))
        writer.write("/cam_f1_left/image_raw", at_ns, data)
        writer.write("/cmd_vel", at_ns + 2_000_000, command_data)
        if i % 200 == 199:
            writer.flush()
    writer.close()
    return folder, pictures


def measure_large(folder: Path | None, policy: Path, gigabytes: float) -> list[Measurement]:
    """Measure bags that do not fit into the memory."""
    rows = []
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        for storage in ("mcap", "sqlite3"):
            bag, pictures = write_large(Path(temporary, storage), storage, gigabytes)
            verb = [sys.executable, "-m", "f1_rl.cli.main", "replay", str(bag)]
            what = f"{storage}, {gigabytes:g} GB, {pictures} frames"
            rows.append(measure(f"replay {what}", [*verb, "--policy", str(policy)], 1))
            rows.append(measure(f"check {what}", [*verb, "--check"], 1))
            shutil.rmtree(bag)
    return rows


def print_table(rows: list[Measurement]) -> None:
    print("| what | seconds | quickest to slowest | processor s | memory MB |")
    print("|---|---|---|---|---|")
    for row in rows:
        print(
            f"| {row.what} | {row.median_s:.2f} | {row.quickest_s:.2f} to {row.slowest_s:.2f} "
            f"| {row.processor_s:.2f} | {row.memory_mb:.0f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bag", type=Path, help="by default the lap in Gazebo, or a part of it")
    parser.add_argument("--policy", type=Path, default=POLICY)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--large", type=float, metavar="GB", help="also measure bags of that size")
    parser.add_argument("--folder", type=Path, help="where the large bags are written")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    bag = arguments.bag or next(path for path in BAGS if path.is_dir())
    processors = sorted(os.sched_getaffinity(0))[:PROCESSORS]
    os.sched_setaffinity(0, processors)
    print(
        f"{bag.resolve().name} on processors {processors}; load average before "
        f"{os.getloadavg()[0]:.1f}",
        file=sys.stderr,
        flush=True,
    )
    rows = measure_bag(bag.resolve(), arguments.policy.resolve(), arguments.repetitions)
    if arguments.large:
        rows += measure_large(arguments.folder, arguments.policy.resolve(), arguments.large)
    if arguments.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        print_table(rows)


if __name__ == "__main__":
    main()
