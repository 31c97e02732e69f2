"""The parameters of the recorder node."""

from __future__ import annotations

from dataclasses import dataclass

from f1_rl.bags.recording import RecordingLimits
from f1_rl.bags.writer import COMPRESSIONS, STORAGES, BagFormat
from f1_rl.nodes.parameters import ParameterError, parameter

TOPICS = (
    "cam_f1_left/image_raw",
    "cam_f1_left/camera_info",
    "odom",
    "cmd_vel",
    "proposed_cmd",
    "contacts",
    "/diagnostics",
    "/clock",
    "/tf",
    "/tf_static",
)


@dataclass(frozen=True)
class RecorderParameters:
    """The parameters of the recorder node; each says what it is where it is declared."""

    output: str = parameter(
        "", "Folder of the bag, to be made. Empty: bag-DATE-TIME in the working directory."
    )
    topics: tuple[str, ...] = parameter(
        TOPICS, "What is recorded, of what is there; names as nodes of this namespace see them."
    )
    storage: str = parameter("mcap", "Format of the bag's files.", choices=STORAGES)
    compression: str = parameter("zstd", "How messages are compressed.", choices=COMPRESSIONS)
    max_size_mb: float = parameter(
        2000.0,
        "Size from which on the bag goes on in another file, MB; 0 is no limit.",
        minimum=0.0,
        maximum=1e6,
    )
    max_duration_s: float = parameter(
        0.0,
        "Time after which the bag goes on in another file, seconds; 0 is no limit.",
        minimum=0.0,
        maximum=1e6,
    )
    continuous: bool = parameter(
        True, "Whether all is recorded; otherwise the last seconds alone, when something happens."
    )
    ring_s: float = parameter(
        30.0,
        "How much is kept in memory, seconds, and written to a bag of its own when the driver "
        "faults or ~/save_ring is called; 0: nothing.",
        minimum=0.0,
        maximum=600.0,
    )
    ring_max_mb: float = parameter(
        500.0, "Memory that it may take, MB.", minimum=1.0, maximum=100_000.0
    )
    driver: str = parameter(
        "driver", "Node whose fault, an ERROR on /diagnostics, has that written. Empty: none."
    )
    queue_mb: float = parameter(
        256.0,
        "Memory of messages that wait for the disk, MB; what comes when it is full is dropped.",
        minimum=1.0,
        maximum=100_000.0,
    )
    min_free_mb: float = parameter(
        100.0,
        "Room to leave on the disk, MB; with less, recording ends.",
        minimum=0.0,
        maximum=1e6,
    )
    policy: str = parameter(
        "", "Policy to note in the bag. Empty: the one that the driver says it drives by."
    )
    circuit: str = parameter("", "Circuit to note in the bag.")
    car: str = parameter("", "Car to note in the bag.")
    note: str = parameter("", "Anything else to note in the bag.")

    def check(self) -> None:
        """Refuse parameters with which nothing would ever be recorded.

        Raises:
            ParameterError: It is so.
        """
        if not self.continuous and self.ring_s == 0.0:
            raise ParameterError(
                "recorder: with continuous false and ring_s 0 nothing is ever recorded; give "
                "ring_s above 0, or leave continuous true."
            )

    @property
    def bag_format(self) -> BagFormat:
        """How the bag is written."""
        return BagFormat(self.storage, self.compression, self.max_size_mb, self.max_duration_s)

    @property
    def limits(self) -> RecordingLimits:
        """How much the recording may take."""
        return RecordingLimits(self.ring_s, self.ring_max_mb, self.queue_mb, self.min_free_mb)
