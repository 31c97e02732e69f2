"""The launch `record`."""

from __future__ import annotations

from f1_rl.launching.errors import LaunchError
from f1_rl.launching.launch import (
    LOG_LEVEL,
    NAMESPACE,
    Launch,
    Values,
    given,
    namespace_of,
    parameter,
    params_file,
)
from f1_rl.launching.plan import NodeProcess, Plan

OUTPUT = parameter("output", "Folder of the bag, to be made.")
_TOPICS = parameter("topics", "What to record, commas between, as in odom,/tf.")
_PARAMETERS = (
    OUTPUT,
    parameter("storage", "Format of the bag's files.", choices=("mcap", "sqlite3")),
    parameter("compression", "How messages are compressed.", choices=("zstd", "none")),
    parameter("max_size_mb", "Size of a file, MB, after which the next begins; 0: one.", float),
    parameter("max_duration_s", "Seconds in a file, after which the next begins; 0: one.", float),
    parameter("continuous", "Whether to record all, not the ring alone.", bool),
    parameter(
        "ring_s",
        "The ring: seconds kept in memory, written when the driver faults or ~/save_ring is "
        "called; 0: none.",
        float,
    ),
    parameter("policy", "Policy to note in the bag, where the driver does not tell it."),
    parameter("circuit", "Circuit to note in the bag."),
    parameter("car", "Car to note in the bag."),
    parameter("note", "Anything else to note in the bag."),
)


def _plan(values: Values) -> Plan:
    parameters = given(_PARAMETERS, values)
    if values["topics"] is not None:
        names = (name.strip() for name in values["topics"].split(","))
        parameters["topics"] = tuple(name for name in names if name)
        if not parameters["topics"]:
            raise LaunchError(
                f"topics:={values['topics']} cannot be used: it names no topic; give names with "
                "commas between, as in odom,/tf."
            )
    return Plan(
        NodeProcess(
            "recorder",
            namespace=namespace_of(values),
            params_file=values["params_file"],
            parameters=parameters,
            log_level=values["log_level"],
        )
    )


RECORD = Launch(
    "record",
    "Record a drive into a bag, and its last seconds apart when the driver faults.",
    (*_PARAMETERS, _TOPICS, NAMESPACE, params_file("recorder.yaml"), LOG_LEVEL),
    _plan,
)
