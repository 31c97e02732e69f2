"""The simulator alone: environment steps with pictures, and the camera alone.

The environment of the driving task with random actions, physics, rendering, rewards and resets
included, beside Gymnasium's CarRacing-v3; and the camera's direct view, which draws the 24 rows and
64 columns of an observation, beside OpenCV warping a texture of the circuit.
"""

import importlib.util

import numpy as np

from f1_rl.benchmark.tables import Table, interval
from f1_rl.benchmark.track import Bars, Options, Outcome
from f1_rl.benchmark.turns import Job, Turns, take_turns
from f1_rl.statistics import estimate, estimate_ratio

BATCHES, _QUICK_BATCHES = (1, 16, 256, 1024), (1, 4)
_STEPPING, _DRAWING = "f1_rl.benchmark.stepping", "f1_rl.benchmark.drawing"
_HEADINGS = ("what", "pictures/s", "times the last row")
_NOTE = "Medians with 95 % bootstrap intervals over interleaved measurements."


def measure_simulator(options: Options) -> Outcome:
    """Measure environments, then cameras.

    Raises:
        BenchmarkError: One of them failed.
    """
    batches = _QUICK_BATCHES if options.quick else BATCHES
    options.say("simulator: environment steps ...")
    environments = _environments(batches)
    if importlib.util.find_spec("Box2D"):
        environments.append(Job("Gymnasium's CarRacing-v3", f"{_STEPPING}:car_racing"))
    else:
        options.say("CarRacing-v3 is skipped: install it with pip install 'f1_rl[games]'.")
    stepped = _take_turns(environments, options)
    options.say("simulator: pictures ...")
    cameras = _cameras(batches, options.quick)
    drawn = _take_turns(cameras, options)
    both = [
        (
            "simulator-steps",
            "Random actions, with pictures",
            environments,
            stepped,
        ),
        ("simulator-pictures", "The camera alone", cameras, drawn),
    ]
    return Outcome(
        tables=[_table(title, jobs, turns) for _, title, jobs, turns in both],
        plots=[_bars(name, title, jobs, turns) for name, title, jobs, turns in both],
        raw=[
            {"what": job.title, "repetition": repetition, "pictures_per_s": answer["rate"]}
            for _, _, jobs, turns in both
            for index, job in enumerate(jobs)
            for repetition, answer in enumerate(turns.of(index))
        ],
        summary={
            job.title: vars(estimate(_rates(turns, index), np.median))
            for _, _, jobs, turns in both
            for index, job in enumerate(jobs)
        },
    )


def _environments(batches: tuple[int, ...]) -> list[Job]:
    return [
        Job(f"f1_rl, {count} at once", f"{_STEPPING}:ours", {"num_envs": count})
        for count in batches
    ]


def _cameras(batches: tuple[int, ...], quick: bool) -> list[Job]:
    small = Job("cv2.warpPerspective, 64 x 24", f"{_DRAWING}:texture", {"size": [64, 24]})
    views = [
        Job(f"direct view, batch of {count}", f"{_DRAWING}:direct_view", {"batch": count})
        for count in batches
    ]
    if quick:
        return [views[0], small]
    varied = {"batch": batches[-1], "varied": True}
    return [
        *views,
        Job(f"direct view, batch of {batches[-1]}, varied", f"{_DRAWING}:direct_view", varied),
        Job("whole frame, 640 x 480", f"{_DRAWING}:whole_frame"),
        Job("whole frame, varied", f"{_DRAWING}:whole_frame", {"varied": True}),
        Job("cv2.warpPerspective, 640 x 480", f"{_DRAWING}:texture", {"size": [640, 480]}),
        small,
    ]


def _take_turns(jobs: list[Job], options: Options) -> Turns:
    return take_turns(
        jobs,
        options.processors,
        repetitions=options.repetitions,
        request={"seconds": min(options.seconds, 2.0)},
        warm_up={"seconds": min(options.warm_up_s, 0.5)},
    )


def _rates(turns: Turns, index: int) -> list[float]:
    return [float(answer["rate"]) for answer in turns.of(index)]


def _table(title: str, jobs: list[Job], turns: Turns) -> Table:
    last = _rates(turns, len(jobs) - 1)
    lines = [
        (
            job.title,
            interval(estimate(_rates(turns, index), np.median)),
            interval(estimate_ratio(_rates(turns, index), last)),
        )
        for index, job in enumerate(jobs)
    ]
    return Table(title, _HEADINGS, lines, [_NOTE])


def _bars(name: str, title: str, jobs: list[Job], turns: Turns) -> Bars:
    return Bars(
        name,
        title,
        "pictures a second",
        [(job.title, estimate(_rates(turns, index), np.median)) for index, job in enumerate(jobs)],
        logarithmic=True,
    )
