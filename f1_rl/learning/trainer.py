"""The training loop."""

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from f1_rl.driving.cars import CarFault
from f1_rl.learning.audience import Audience, Decision, Listener, Spectator
from f1_rl.learning.augmentation import Augmentation
from f1_rl.learning.best_policy import BestPolicy, PolicyStore
from f1_rl.learning.checkpoints import CheckpointError, Checkpoints
from f1_rl.learning.control import TrainingControl
from f1_rl.learning.demonstrations import Demonstrations
from f1_rl.learning.evaluation import Evaluator
from f1_rl.learning.exploration import Exploration
from f1_rl.learning.guide import Guidance
from f1_rl.learning.journal import Journal
from f1_rl.learning.learner import Learner
from f1_rl.learning.observations import ObservationLayout
from f1_rl.learning.progress import Clock, EpisodeStatistics, Progress
from f1_rl.learning.replays import make_replay
from f1_rl.learning.run_folder import RunFolder
from f1_rl.learning.settings import AgentSettings, TrainingSettings
from f1_rl.learning.updates import Updates

Array = npt.NDArray[Any]

_LOG = logging.getLogger(__name__)


class Trainer:
    """Deep Q-learning (Mnih et al. 2015) with many environments that act in one call."""

    def __init__(
        self,
        envs: Any,
        agent: Learner,
        evaluator: Evaluator,
        folder: RunFolder,
        policies: PolicyStore,
        *,
        agent_settings: AgentSettings,
        training: TrainingSettings,
        seed: int,
        listener: Listener,
        augmentation: Augmentation,
        demonstrations: Demonstrations | None = None,
        spectator: Spectator | None = None,
    ) -> None:
        """Bring the parts together.

        Args:
            envs: A Gymnasium vector environment that resets in the step after an episode's end.
            agent: Learns and acts.
            evaluator: Says what the greedy policy is worth.
            folder: Of the run, claimed already; whoever runs or closes the trainer releases it.
            policies: Where the best and the last policy are kept.
            agent_settings: The learning rule.
            training: The schedule.
            seed: Of exploration, sampling and the environments.
            listener: Is told how it goes.
            augmentation: Changes the pictures of every batch.
            demonstrations: Recorded drives to learn from, too.
            spectator: Looks at it now and then.

        Raises:
            SettingsError: The replay cannot be made as it is set.
        """
        self._envs = envs
        self._agent = agent
        self._evaluator = evaluator
        self._policies = policies
        self._settings = training
        self._audience = Audience(listener, spectator)
        self._layout: ObservationLayout = agent.layout
        seeds = [int(s.generate_state(1)[0]) for s in np.random.SeedSequence(seed).spawn(4)]
        self._env_seed = seeds[0]
        self._exploration = Exploration(training, agent.num_actions, seeds[1])
        self._guidance = Guidance(envs.task, training, seeds[3]) if training.guide_share else None
        self._replay = make_replay(
            self._layout, agent_settings, training, agent.device, demonstrated=bool(demonstrations)
        )
        self._updates = Updates(
            agent, self._replay, agent_settings, training, augmentation, demonstrations, seeds[2]
        )
        self._folder = folder
        self._checkpoints = Checkpoints(folder.checkpoints)
        self._journal = Journal(folder, self._audience)
        self.control = TrainingControl()
        self._observations: tuple[Array, ...] = ()
        self._resumed = False
        self._episodes = EpisodeStatistics(training.num_envs)
        self._counters = {
            "env_steps": 0,
            "vector_steps": 0,
            "faults": 0,
            "next_evaluation": max(training.evaluate_from, training.evaluate_every),
            "evaluated_at": 0,
            "evaluated_update": 0,
        }
        self._wall_time_s = 0.0
        self._mean_q = float("nan")
        self._acting_values: Array | None = None
        self._advice: Array | None = None
        self._best = BestPolicy()
        self.solved_at: Progress | None = None

    @property
    def env_steps(self) -> int:
        """Environment steps so far, resets not counted."""
        return self._counters["env_steps"]

    @property
    def demonstrations(self) -> Demonstrations | None:
        """Recorded drives that it learns from, too."""
        return self._updates.demonstrations

    @property
    def device(self) -> str:
        """The TensorFlow device that it learns on."""
        return self._agent.device

    @property
    def cars_behind_topics(self) -> Any:
        """The cars, where they are behind ROS 2 topics, else None."""
        return self._envs.task.cars if hasattr(self._envs, "stop_cars") else None

    def request_stop(self) -> None:
        """Ask the loop to end after the step it is in, saving everything; for any thread."""
        self.control.stop()
        # Cars behind topics may be waited for much longer than a step takes.
        interrupt = getattr(self._envs, "interrupt", None)
        if interrupt is not None:
            interrupt()

    def run(self) -> None:
        """Train until the steps are done, the aim is reached, or a stop is requested.

        Raises:
            DivergedError: The loss became infinite or not a number.
            CheckpointError: A checkpoint could not be written.
            RunFolderError: A table or the events could not be written, or another process trains
                in the folder.
            CarFault: Cars behind topics could not be brought back; a checkpoint was written.
        """
        self._folder.claim()
        try:
            self._run()
        finally:
            self._folder.release()

    def _run(self) -> None:
        clock = Clock(self._wall_time_s, self.env_steps)
        try:
            try:
                self._train(clock)
            finally:
                # Saving takes seconds.
                self._stop_cars()
        except CarFault:
            if not self.control.stopping:
                self._log(clock.rate(self.env_steps))
                self.save()
                raise
        self._log(clock.rate(self.env_steps))
        self.save()
        self._policies.save("policy-last", self._agent, self._training_facts(), None)
        self._journal.close()

    def _train(self, clock: Clock) -> None:
        settings = self._settings
        if not self._observations:
            self._begin()
        while self._agent.updates < settings.offline_updates and not self.control.stopping:
            before = self._agent.updates // settings.offline_evaluate_every
            self._updates.run(self._share_done)
            after = self._agent.updates // settings.offline_evaluate_every
            self._look_after(clock, evaluate=after > before)
        with ThreadPoolExecutor(1, "environments") as pool:
            while self.env_steps < settings.env_steps and not self.control.stopping:
                self._step(pool)
                due = self.env_steps >= self._counters["next_evaluation"]
                self._look_after(clock, evaluate=due)
        # What was learned since the last evaluation may be the best, or all there is.
        if not self.control.stopping and self._has_learned_since_evaluation:
            self._evaluate(clock.rate(self.env_steps))

    def _look_after(self, clock: Clock, *, evaluate: bool) -> None:
        """Log, evaluate, save and do as asked, each when it is time."""
        self._wall_time_s = clock.elapsed_s()
        if clock.due("log", self._settings.log_every_s):
            self._log(clock.rate(self.env_steps))
        if evaluate:
            self._evaluate(clock.rate(self.env_steps))
            # Not before: one that is broken off is done again by whoever resumes the run.
            if self.env_steps >= self._counters["next_evaluation"]:
                self._counters["next_evaluation"] += self._settings.evaluate_every
        if clock.due("checkpoint", self._settings.checkpoint_every_s):
            self.save()
        self._do_as_asked(clock)

    @property
    def _has_learned_since_evaluation(self) -> bool:
        counters = self._counters
        return (
            counters["evaluated_at"] < self.env_steps
            or counters["evaluated_update"] < self._agent.updates
        )

    def _step(self, pool: ThreadPoolExecutor) -> None:
        """Act once and learn, one after the other or, where environments wait, at once.

        Either way an update knows nothing of the step that is being done.
        """
        actions = self._choose()
        if not self._settings.overlap:
            self._keep(actions, self._envs.step(actions))
            if self._learning_is_due():
                self._updates.run(self._share_done)
            return
        stepping = pool.submit(self._envs.step, actions)
        try:
            if self._learning_is_due():
                self._updates.run(self._share_done)
        finally:
            outcome = stepping.result()
        self._keep(actions, outcome)

    def _do_as_asked(self, clock: Clock) -> None:
        """Follow the requests that came since the last step."""
        while True:
            if self.control.take_evaluation():
                self._evaluate(clock.rate(self.env_steps))
            if self.control.take_save():
                self.save()
            if not self.control.paused or self.control.stopping:
                return
            self._log(0.0)
            self._stop_cars()
            began_s = time.monotonic()
            self.control.wait()
            clock.skip(time.monotonic() - began_s)

    def _stop_cars(self) -> None:
        """Have cars behind topics stand, where time may go on."""
        stop_cars = getattr(self._envs, "stop_cars", None)
        if stop_cars is not None:
            stop_cars()

    def close(self) -> None:
        """Release the environments and the folder; cars behind topics are told to stand."""
        self._folder.release()
        self._envs.close()

    def save(self) -> None:
        """Write a checkpoint, and the best policy if it is newer than the saved one."""
        self._checkpoints.save(self.env_steps, self._state())
        self._best.save(self._agent, self._policies)

    def resume(self) -> None:
        """Go on from the newest checkpoint.

        Raises:
            CheckpointError: There is none, or it was made with other settings or by a version that
                saved other things.
        """
        folder, state = self._checkpoints.folder, self._checkpoints.load_latest()
        try:
            self._restore(state)
        except ValueError as error:
            raise CheckpointError(f"{folder}: {error}") from error
        except KeyError as error:
            raise CheckpointError(
                f"{folder}: the newest checkpoint lacks {error}, so another version wrote it; "
                "resume with that version, or start another run."
            ) from error
        self._journal.cut_after(self.env_steps, self._agent.updates)
        self._resumed = True

    def _restore(self, state: dict[str, Any]) -> None:
        self._agent.restore(state["agent"])
        self._replay.restore(state["replay"])
        self._exploration.restore(state["exploration"])
        self._updates.restore(state["sampling"], float(state["loss"]))
        # A run may go on with a guide that it did not have before.
        if self._guidance is not None and state["guidance"] is not None:
            self._guidance.restore(state["guidance"])
        self._counters.update((name, int(value)) for name, value in state["counters"].items())
        # A run may go on with evaluations that are more frequent, or begin earlier.
        due = self._counters["evaluated_at"] + self._settings.evaluate_every
        self._counters["next_evaluation"] = min(
            self._counters["next_evaluation"],
            max(due, self._settings.evaluate_from, self.env_steps),
        )
        self._wall_time_s = float(state["wall_time_s"])
        self._mean_q = float(state["mean_q"])
        self._best.restore(state)
        self.solved_at = None if state["solved_at"] is None else Progress(**state["solved_at"])
        self._episodes.restore(state["episodes"], running=state["envs"] is not None)
        # Episodes that cannot be taken up again begin anew in `run`: cars behind topics may have to
        # be waited for.
        if state["envs"] is not None:
            self._envs.reset(seed=self._env_seed)
            self._envs.restore(state["envs"])
            self._observations = tuple(state["observations"])

    def _begin(self) -> None:
        if self._resumed:
            self._begin_anew()
            return
        observations, _ = self._envs.reset(seed=self._env_seed)
        self._observations = self._layout.split(observations)
        self._replay.begin(self._observations)

    def _begin_anew(self) -> None:
        """Start new episodes behind a restored replay, whose last ones are cut off."""
        observations, _ = self._envs.reset(seed=self._env_seed + self.env_steps)
        self._observations = self._layout.split(observations)
        self._replay.interrupt(self._observations)
        self._episodes.begin_anew()

    def _choose(self) -> Array:
        values = self._agent.noisy_q_values(self._observations)
        self._acting_values = values
        self._mean_q = float(values.max(axis=1).mean())
        actions = self._exploration.choose(values.argmax(axis=1), self.env_steps)
        if self._guidance is not None:
            self._advice = self._guidance.advice()
            actions = self._guidance.choose(actions, self._advice, self.env_steps)
        if self._audience.wants_decision:
            progress = self._progress(float("nan"))
            self._audience.see(
                Decision(self._envs, self._layout, self._observations, values, actions, progress)
            )
        return actions

    def _keep(self, actions: Array, outcome: tuple[Any, ...]) -> None:
        """Put what came of a step into the replay, and count it."""
        observations, rewards, terminated, truncated, infos = outcome
        self._observations = self._layout.split(observations)
        # Where the environment says that it could not do the step, nothing is learned from it.
        if "fault" in infos:
            self._counters["faults"] += 1
            _LOG.warning("step %d is not learned from: %s", self.env_steps, infos["fault"][0])
        self._replay.add(
            actions,
            rewards,
            terminated,
            truncated,
            self._observations,
            infos.get("_fault"),
            self._advice,
        )
        self._counters["env_steps"] += self._episodes.follow(rewards, terminated | truncated, infos)
        self._counters["vector_steps"] += 1

    def _learning_is_due(self) -> bool:
        return (
            self.env_steps >= self._settings.learning_starts
            and self._counters["vector_steps"] % self._settings.train_every == 0
            and self._replay.holds_transitions
        )

    @property
    def _share_done(self) -> float:
        """How much of the run is done, by environment steps, or by updates where it has none."""
        settings = self._settings
        if settings.env_steps:
            return min(1.0, self.env_steps / settings.env_steps)
        return min(1.0, self._agent.updates / settings.offline_updates)

    def _evaluate(self, steps_per_s: float) -> None:
        self._audience.say("Drives or plays an evaluation, without exploring ...")
        evaluation = self._evaluator.evaluate(self._agent.q_values)
        # Not before: one that is broken off is done again by whoever resumes the run.
        self._counters["evaluated_at"] = self.env_steps
        self._counters["evaluated_update"] = self._agent.updates
        progress = self._progress(steps_per_s)
        best = self._best.offer(evaluation, self._agent, self._training_facts())
        self._journal.on_evaluation(progress, evaluation, best)
        if self._evaluator.moves_training_cars:
            self._begin_anew()
        if evaluation.solved:
            if self.solved_at is None:
                self.solved_at = progress
                self._journal.on_solved(progress)
            if self._settings.stop_when_solved:
                self.control.stop()

    def _log(self, steps_per_s: float) -> None:
        self._journal.on_progress(self._progress(steps_per_s), self._acting_values)

    def _progress(self, steps_per_s: float) -> Progress:
        return Progress(
            env_step=self.env_steps,
            update=self._agent.updates,
            wall_time_s=self._wall_time_s,
            steps_per_s=steps_per_s,
            episodes=self._episodes.finished,
            faults=self._counters["faults"],
            episode_return=self._episodes.mean_return,
            episode_length=self._episodes.mean_length,
            epsilon=self._exploration.epsilon(self.env_steps),
            loss=self._updates.loss,
            mean_q=self._mean_q,
        )

    def _training_facts(self) -> dict[str, Any]:
        return {
            "env_steps": self.env_steps,
            "updates": self._agent.updates,
            "wall_time_s": round(self._wall_time_s, 2),
        }

    def _state(self) -> dict[str, Any]:
        # Others have an attribute `state` too, which means something else.
        resumable = callable(getattr(self._envs, "restore", None))
        return {
            "agent": self._agent.state(),
            "replay": self._replay.state(),
            "exploration": self._exploration.state(),
            "sampling": self._updates.state(),
            "guidance": None if self._guidance is None else self._guidance.state(),
            "counters": dict(self._counters),
            "wall_time_s": self._wall_time_s,
            "loss": self._updates.loss,
            "mean_q": self._mean_q,
            **self._best.state(),
            "solved_at": None if self.solved_at is None else vars(self.solved_at),
            "episodes": self._episodes.state(),
            "envs": self._envs.state() if resumable else None,
            "observations": list(self._observations),
        }
