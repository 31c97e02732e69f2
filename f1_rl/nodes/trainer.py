"""The DQN trainer as a ROS 2 node: it learns from cars behind topics.

Topics: publishes `~/progress` and `~/evaluation` (diagnostic_msgs/DiagnosticStatus, figures by
name; who comes later is told the last one too) and `/diagnostics`. Each car's own topics are those
of `F1CameraRosVectorEnv`. Services (all Trigger, answered at once, followed after the step in
hand): `~/pause` and `~/resume`; `~/evaluate`, whose result comes on `~/evaluation`; `~/save`.

The node ends by itself when the run has its steps, after driving a lap and writing the report. A
signal ends it with everything saved; a car that cannot be brought back ends it with an error,
everything saved too.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from std_srvs.srv import Trigger

from f1_rl.driving.registration import CAMERA_ROS_ID
from f1_rl.driving.settings import told_circuits
from f1_rl.errors import expected_errors
from f1_rl.nodes.driver_diagnostics import key_values
from f1_rl.nodes.lifetime import run_node
from f1_rl.nodes.parameters import ParameterError, declare_parameters
from f1_rl.nodes.trainer_parameters import TrainerParameters
from f1_rl.ros.qos import latched, lossless
from f1_rl.settings import SettingsError

if TYPE_CHECKING:
    from f1_rl.learning.evaluation import Evaluation
    from f1_rl.learning.progress import Progress
    from f1_rl.learning.runs import RunSettings
    from f1_rl.learning.trainer import Trainer

_DIAGNOSTICS_PERIOD_S = 1.0
# Longer than this without a new frame, somebody should look at the simulator.
_QUIET_S = 3.0
# Saving takes a second or two; a disk may be slow.
_SAVED_WITHIN_S = 60.0


class TrainerNode(Node):
    """Trains in a thread of its own, and tells how it goes; see the module.

    Attributes:
        failed: Set when the run has ended by an error.
        done: Set when the run has ended.
    """

    def __init__(self, **arguments: Any) -> None:
        """Declare parameters and offer services.

        Args:
            **arguments: Of `rclpy.node.Node`.

        Raises:
            ParameterError: A parameter does not exist or does not fit.
        """
        super().__init__("trainer", **arguments)
        self.failed, self.done = threading.Event(), threading.Event()
        self._settings = declare_parameters(self, TrainerParameters)
        self._trainer: Trainer | None = None
        self._state = "starting"
        self._figures: dict[str, object] = {}
        self._halting = False
        self._stamps: list[int] = []
        self._moved_s = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="training", daemon=True)
        self._progress = self.create_publisher(DiagnosticStatus, "~/progress", latched())
        self._evaluation = self.create_publisher(DiagnosticStatus, "~/evaluation", latched())
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", lossless(10))
        for name in ("pause", "resume", "evaluate", "save"):
            self.create_service(Trigger, f"~/{name}", getattr(self, f"_on_{name}"))
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(_DIAGNOSTICS_PERIOD_S, self._look_around, clock=steady)

    def start(self) -> None:
        """Begin to train."""
        self._thread.start()

    def halt(self) -> None:
        """Have the run end soon; may be called by any thread."""
        self._halting = True
        if self._trainer is not None:
            self._trainer.request_stop()

    def close(self) -> None:
        """Wait until the run is saved."""
        self._thread.join(_SAVED_WITHIN_S)
        if self._thread.is_alive():
            self.failed.set()
            self.get_logger().error(f"the run was not saved within {_SAVED_WITHIN_S:.0f} s.")
        self.destroy_node()

    def on_progress(self, progress: Progress) -> None:
        """Publish a row of metrics.csv; called by the training's thread."""
        self._figures = vars(progress)
        self._publish(self._progress, "trainer: progress", f"step {progress.env_step}", progress)

    def on_evaluation(self, progress: Progress, evaluation: Evaluation, best: bool) -> None:
        """Publish an evaluation; called by the training's thread."""
        mark = ", the best so far" if best else ""
        self.get_logger().info(f"step {progress.env_step}: {evaluation.summary}{mark}.")
        figures = {
            "env_step": progress.env_step,
            "successes": evaluation.successes,
            "episodes": len(evaluation.rows),
            "best": best,
        }
        self._publish(self._evaluation, "trainer: evaluation", evaluation.summary, figures)

    def _publish(self, publisher: Any, name: str, text: str, figures: Any) -> None:
        values = figures if isinstance(figures, dict) else vars(figures)
        status = DiagnosticStatus(level=DiagnosticStatus.OK, name=name, message=text)
        status.values = key_values(values)
        publisher.publish(status)

    def _run(self) -> None:
        """Train, from the start to the report: the training's thread."""
        try:
            self._train()
        except expected_errors() as error:
            self.failed.set()
            self.get_logger().fatal(str(error))
        except Exception:
            self.failed.set()
            self.get_logger().fatal(f"training failed: {traceback.format_exc()}")
        finally:
            if self._trainer is not None:
                self._trainer.close()
            self.done.set()

    def _train(self) -> None:
        from f1_rl.learning.device import DeviceChoice, describe_device
        from f1_rl.learning.training import start_run

        parameters = self._settings
        settings, folder = self._new_or_resumed()
        # The parameter's choices are those.
        device = cast(DeviceChoice, parameters.device)
        resume = bool(parameters.resume)
        trainer = start_run(settings, folder, self, device=device, resume=resume)
        self._trainer = trainer
        if self._halting:
            trainer.request_stop()
        self.get_logger().info(
            f"ready: learns to drive {told_circuits(settings.task.circuits)} with "
            f"{settings.training.num_envs} car{'s'[: settings.training.num_envs - 1]} on the "
            f"{describe_device(trainer.device)}, from step {trainer.env_steps} to "
            f"{settings.training.env_steps}; the run is in {folder}."
        )
        self._state = "training"
        trainer.run()
        self._state = "finishing"
        if self._halting:
            self.get_logger().info(f"stopped and saved: go on with resume:={folder}.")
        elif parameters.report:
            self._report(trainer, folder)

    def _report(self, trainer: Trainer, folder: Path) -> None:
        from f1_rl.driving.cars import CarFault
        from f1_rl.learning.finish import finish_training

        self.get_logger().info("driving a lap with the best policy, for video and report.")
        try:
            lap = finish_training(folder, trainer.cars_behind_topics)
        except CarFault:
            if not self._halting:
                raise
            self.get_logger().info(f"stopped before the report, the run is saved in {folder}.")
            return
        outcome = f"{lap['lap_time_s']:.2f} s" if lap["completed"] else f"{lap['completion']:.0%}"
        self.get_logger().info(f"the best policy's lap: {outcome}; see {folder / 'report.html'}.")

    def _new_or_resumed(self) -> tuple[RunSettings, Path]:
        """Return settings and folder of the run.

        Raises:
            SettingsError: They do not fit, or are not of cars behind topics.
            RunFolderError: The folder holds a run already, or none to resume, or cannot be used.
        """
        from f1_rl.learning.run_folder import RunExistsError, RunFolder
        from f1_rl.learning.runs import new_run_folder, resumed_settings, run_settings

        parameters = self._settings
        if parameters.resume:
            folder = Path(parameters.resume).expanduser()
            settings = resumed_settings(folder, parameters.changes_to_resume())
            if not settings.is_behind_topics:
                raise SettingsError(
                    f"{folder}: trains in {settings.env}, not with cars behind topics; go on with "
                    f"f1-rl train --resume {folder}."
                )
            return settings, folder
        made_for = run_settings(parameters.preset, []).env
        if made_for != CAMERA_ROS_ID:
            raise SettingsError(
                f"preset {parameters.preset} is made for {made_for}; choose "
                f"{TrainerParameters.preset}, or a YAML file with env: {CAMERA_ROS_ID}."
            )
        settings = run_settings(parameters.preset, parameters.changes(self.get_namespace()))
        folder = Path(parameters.run_dir).expanduser()
        if not parameters.run_dir:
            folder = new_run_folder(settings)
        try:
            RunFolder(folder).check_unused()
        except RunExistsError as error:
            raise RunExistsError(
                f"{folder}: holds a run already; go on with resume:={folder}, or choose another "
                "run_dir."
            ) from error
        return settings, folder

    def _on_pause(self, _request: Any, response: Any) -> Any:
        return self._ask(response, "pause", "paused after the step in hand.")

    def _on_resume(self, _request: Any, response: Any) -> Any:
        return self._ask(response, "go_on", "goes on.")

    def _on_evaluate(self, _request: Any, response: Any) -> Any:
        return self._ask(response, "evaluate", "evaluates after the step in hand.")

    def _on_save(self, _request: Any, response: Any) -> Any:
        return self._ask(response, "save", "saves after the step in hand.")

    def _ask(self, response: Any, request: str, answer: str) -> Any:
        """Pass a request on to the run, if one is going on."""
        trainer = self._trainer
        response.success = trainer is not None and self._state == "training"
        if trainer is not None and response.success:
            getattr(trainer.control, request)()
            response.message = answer
        else:
            response.message = f"the trainer is {self._state}."
        return response

    def _look_around(self) -> None:
        """Say on /diagnostics how it goes."""
        level, text = DiagnosticStatus.OK, self._state
        trainer = self._trainer
        if trainer is not None and self._state == "training":
            quiet_s = self._quiet_s(trainer)
            if trainer.control.paused:
                text = "paused"
            elif quiet_s > _QUIET_S:
                level = DiagnosticStatus.WARN
                text = f"no frame for {quiet_s:.0f} s; look whether the simulator runs."
        if self.failed.is_set():
            level, text = DiagnosticStatus.ERROR, "failed; see its log."
        status = DiagnosticStatus(level=level, name=self.get_fully_qualified_name(), message=text)
        status.values = key_values({"state": self._state, **self._figures})
        message = DiagnosticArray(status=[status])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)

    def _quiet_s(self, trainer: Trainer) -> float:
        """Return how long no car has had a new frame."""
        reports = [car.report for car in trainer.cars_behind_topics.cars]
        stamps = [report.stamp_ns for report in reports if report is not None]
        now_s = time.monotonic()
        if stamps != self._stamps or trainer.control.paused:
            self._stamps, self._moved_s = stamps, now_s
        return now_s - self._moved_s


def main(args: list[str] | None = None) -> int:
    """Train until the run is done, or SIGINT, SIGTERM or SIGHUP.

    Args:
        args: The command line; by default the process's own.

    Returns:
        The exit status: 0, 1 after a failure, or 2 for parameters that cannot be used.
    """
    return run_node(TrainerNode, args, unusable=(ParameterError,))


if __name__ == "__main__":
    sys.exit(main())
