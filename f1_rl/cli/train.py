"""`f1-rl train`: learn, then drive a lap and write the report."""

import argparse
import signal
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from f1_rl.cli import options
from f1_rl.cli.errors import CommandError
from f1_rl.cli.watching import watching

if TYPE_CHECKING:
    from f1_rl.cli.training_display import TrainingDisplay
    from f1_rl.learning.runs import RunSettings
    from f1_rl.learning.trainer import Trainer
    from f1_rl.live.spectator import TrainingSpectator

SUMMARY = "Learn to drive from camera frames; leaves a run folder with policy, report and video."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    options.add_circuit(parser)
    options.add_traffic(parser)
    parser.add_argument("--env", metavar="ID", help="another Gymnasium environment, to learn there")
    parser.add_argument(
        "--preset",
        metavar="NAME",
        help="named settings, as racing, many, robust or tabular (one that does not exist lists "
        "them all), or a YAML file of them",
    )
    options.add_set(parser)
    parser.add_argument("--steps", type=int, metavar="N", help="environment steps to train for")
    parser.add_argument("--seed", type=int, metavar="N", help="of everything that is random")
    parser.add_argument("--run-dir", type=Path, metavar="DIR", help="folder to make for the run")
    parser.add_argument(
        "--demonstrations",
        nargs="+",
        action="extend",
        metavar="BAG",
        help="rosbag2 bags of drives to learn from, too",
    )
    parser.add_argument(
        "--offline",
        action="store_true",
        default=None,
        help="learn from the demonstrations alone, without driving but to evaluate",
    )
    parser.add_argument("--resume", type=Path, metavar="DIR", help="go on with the run in there")
    parser.add_argument(
        "--device", choices=("auto", "cpu", "gpu"), default="auto", help="where to compute"
    )
    parser.add_argument(
        "--no-report", action="store_true", help="leave out the lap, its video and the report"
    )
    options.add_watch(parser, "show training on a page in the browser, as it goes")
    options.add_json(
        parser,
        "run_dir, env_steps, solved (where, or null), solved_after_s, "
        "interrupted, lap, demonstrations",
    )


def run(arguments: argparse.Namespace) -> int:
    """Train."""
    settings, folder = _settings(arguments)
    # Only now, since a wrong option should not cost the seconds that others take to import.
    from f1_rl.cli.training_display import TrainingDisplay
    from f1_rl.learning.run_folder import RunFolder

    display = TrainingDisplay(settings, folder, quiet=arguments.json)
    with ExitStack() as stack:
        # The name of a run's folder is kept by making it.
        stack.callback(RunFolder(folder).remove_empty)
        spectator = stack.enter_context(watching(arguments, settings, folder, display.say))
        trainer, interrupted = _train(arguments, settings, folder, display, spectator)
        result = _result(trainer, folder, display, interrupted)
        if settings.drives and not arguments.no_report and not interrupted:
            result["lap"] = _drive_lap(trainer, folder, display, spectator)
        if spectator is not None:
            spectator.end(_outcome(result, folder))
    display.on_end(result)
    if arguments.json:
        options.print_json(result)
    return 130 if interrupted else 0


def _train(
    arguments: argparse.Namespace,
    settings: "RunSettings",
    folder: Path,
    display: "TrainingDisplay",
    spectator: "TrainingSpectator | None",
) -> "tuple[Trainer, bool]":
    """Return the trainer of a run that has ended, and whether it was told to."""
    from f1_rl.learning.device import describe_device
    from f1_rl.learning.training import start_run

    resume = arguments.resume is not None
    with display:
        trainer = start_run(
            settings, folder, display, device=arguments.device, resume=resume, spectator=spectator
        )
        if spectator is not None:
            spectator.recall(folder)
        if trainer.demonstrations is not None:
            for account in trainer.demonstrations.accounts:
                display.say(str(account))
        display.on_start(describe_device(trainer.device), trainer.env_steps, trainer.solved_at)
        if resume and 0 < settings.training.env_steps <= trainer.env_steps:
            display.say(
                f"Nothing is left to learn: the run has done {trainer.env_steps:,} of "
                f"{settings.training.env_steps:,} steps; give more with --steps."
            )
        return trainer, _run_interruptibly(trainer)


def _result(
    trainer: "Trainer", folder: Path, display: "TrainingDisplay", interrupted: bool
) -> dict[str, Any]:
    """Return what came of a run."""
    result: dict[str, Any] = {
        "run_dir": str(folder),
        "env_steps": trainer.env_steps,
        "solved": None if trainer.solved_at is None else vars(trainer.solved_at),
        "solved_after_s": display.solved_after_s,
        "interrupted": interrupted,
    }
    if trainer.demonstrations is not None:
        result["demonstrations"] = {
            "transitions": len(trainer.demonstrations),
            "bags": [account.as_dict() for account in trainer.demonstrations.accounts],
        }
    return result


def _drive_lap(
    trainer: "Trainer",
    folder: Path,
    display: "TrainingDisplay",
    spectator: "TrainingSpectator | None",
) -> dict[str, Any]:
    """Drive a lap with what was learned, write the report, and return how the lap went."""
    from f1_rl.learning.finish import finish_training

    sentence = "Driving a lap with the best policy, writing video and report ..."
    display.say(sentence)
    if spectator is not None:
        spectator.say(sentence)
    return finish_training(folder, trainer.cars_behind_topics)


def _outcome(result: dict[str, Any], folder: Path) -> str:
    """Return what the live page says at the end."""
    how = "was stopped and saved" if result["interrupted"] else "is over"
    where = f"its report is {folder / 'report.html'}" if "lap" in result else f"it is in {folder}"
    return f"The run {how} after {result['env_steps']:,} environment steps; {where}."


def _settings(arguments: argparse.Namespace) -> "tuple[RunSettings, Path]":
    """Return the settings and the folder of the run that the options describe."""
    from f1_rl.learning.run_folder import RunFolder
    from f1_rl.learning.runs import (
        check_learnable,
        new_run_folder,
        resumed_settings,
        run_settings,
    )

    overrides: dict[str, Any] = {}
    if arguments.steps is not None:
        if arguments.offline:
            raise CommandError(
                "--steps: there are none with --offline; give "
                "--set training.offline_updates=N instead."
            )
        overrides["training"] = {"env_steps": arguments.steps}
    if arguments.seed is not None:
        overrides["seed"] = arguments.seed
    if arguments.resume is not None:
        for name in (
            *("env", "preset", "circuit", "scale", "traffic", "run_dir", "seed"),
            *("demonstrations", "offline"),
        ):
            if getattr(arguments, name) is not None:
                raise CommandError(
                    f"--{name.replace('_', '-')} cannot be changed in a run that is resumed; "
                    "start another run for that."
                )
        changes = [*options.assignments(arguments), overrides]
        settings = resumed_settings(arguments.resume, changes)
        RunFolder(arguments.resume).check_resumable()
        return settings, arguments.resume
    changes = [{"env": arguments.env}] if arguments.env else []
    preset = arguments.preset or _usual_preset(arguments)
    if arguments.demonstrations:
        changes.append({"demonstrations": {"bags": arguments.demonstrations}})
    task = options.task_changes(arguments)
    changes += [{"task": task}] if task else []
    changes += [*options.assignments(arguments), overrides]
    if arguments.offline:
        changes.append({"training": {"env_steps": 0}})
    settings = run_settings(preset, changes)
    if not settings.drives:
        _check_without_task(arguments, settings.env)
    check_learnable(settings)
    folder = arguments.run_dir or new_run_folder(settings)
    RunFolder(folder).check_unused()
    return settings, folder


def _check_without_task(arguments: argparse.Namespace, env: str) -> None:
    """Refuse options of the driving task where another environment is learned in.

    Raises:
        CommandError: There is one, which would change nothing.
    """
    names = ("circuit", "scale", "traffic")
    given = [f"--{name}" for name in names if getattr(arguments, name) is not None]
    if any("task" in change for change in options.assignments(arguments)):
        given.append("--set task")
    if given:
        raise CommandError(
            f"{given[0]}: is of the driving task, and this run is to learn {env}; leave it out."
        )


def _usual_preset(arguments: argparse.Namespace) -> str:
    """Return the preset that fits the other options."""
    from f1_rl.learning.runs import (
        DEFAULT_PRESET,
        DEMONSTRATED_PRESET,
        OFFLINE_PRESET,
        preset_for,
    )

    if arguments.env:
        return preset_for(arguments.env)
    if arguments.offline:
        return OFFLINE_PRESET
    return DEMONSTRATED_PRESET if arguments.demonstrations else DEFAULT_PRESET


def _run_interruptibly(trainer: "Trainer") -> bool:
    """Run until done or told to stop by Ctrl-C or a terminate signal; the run is saved then."""
    interrupted = False

    def stop(*_: object) -> None:
        nonlocal interrupted
        if interrupted:
            raise KeyboardInterrupt
        interrupted = True
        trainer.request_stop()

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        trainer.run()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return interrupted
