"""The end of a training run: a lap, its video, the report, and the lap for TensorBoard."""

from contextlib import closing
from pathlib import Path
from typing import Any

from f1_rl.driving.cars import Cars
from f1_rl.learning.run_folder import RunFolder
from f1_rl.learning.tensorboard import EventWriter
from f1_rl.policy import load_policy
from f1_rl.reporting.finish import finish_run
from f1_rl.reporting.lap_gif import lap_gif


def finish_training(run_dir: Path, cars: Cars | None = None) -> dict[str, Any]:
    """Drive a lap with the best policy of a run and write down what it looked like.

    Args:
        run_dir: The run's folder.
        cars: Cars behind topics, the first of which drives; none: one in the embedded simulator.

    Returns:
        How the lap went, by column of evaluations.csv.

    Raises:
        PolicyError: The run has no policy that can be loaded.
        ReportError: The video or the report cannot be written.
        RunFolderError: The events cannot be written.
        OSError: The trace cannot be written.
        CarFault: The car failed again and again.
    """
    lap = finish_run(run_dir, cars)
    gif, size = lap_gif(run_dir / "lap.mp4")
    env_step = load_policy(run_dir).manifest.training.get("env_steps", 0)
    with closing(EventWriter(RunFolder(run_dir).events)) as events:
        events.write_image("lap", gif, size, env_step)
    return lap
