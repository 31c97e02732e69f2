"""The process of one system: `python -m f1_rl.benchmark.worker JOB`.

What it imports is part of what some tracks measure, so this module imports next to nothing.
"""

import importlib
import json
import os
import sys
from typing import Any

from f1_rl.benchmark.channel import Channel, FinishedError


def work(job: dict[str, Any]) -> None:
    """Run a job on its processors.

    It talks over what was the standard output, which libraries print to.

    Args:
        job: `function` as `module:name`, its keyword `arguments`, the `processors` to run on, and
            `started_s`.
    """
    os.sched_setaffinity(0, job["processors"])
    output = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    module, _, name = job["function"].partition(":")
    channel = Channel(output, started_s=job["started_s"])
    try:
        getattr(importlib.import_module(module), name)(channel, **job["arguments"])
    except FinishedError:
        return


if __name__ == "__main__":
    work(json.loads(sys.argv[1]))
