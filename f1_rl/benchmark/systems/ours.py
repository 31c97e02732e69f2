"""This package: the Trainer, the agent and the replay of `f1-rl train`."""

import tempfile
from pathlib import Path
from typing import Any

from f1_rl.benchmark.channel import Channel, Gate


class _Unused:
    """Stands for the evaluator and the policies, which are never called."""

    moves_training_cars = False

    def evaluate(self, q_values: object) -> Any:
        raise AssertionError("nothing is evaluated here")

    def save(self, *what: object) -> None:
        raise AssertionError("nothing is saved here")


class _GateKeeper:
    """Holds the trainer when it tells how it gets on."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def on_progress(self, progress: Any) -> None:
        if self._gate.due():
            self._gate.hold(progress.env_step, progress.update)

    def on_evaluation(self, *what: object) -> None:
        raise AssertionError("nothing is evaluated here")


def train(channel: Channel, *, settings: dict[str, Any], **_: Any) -> None:
    """Train endlessly with these settings, held at the gate."""
    gate = Gate(channel)
    from f1_rl.learning.agent import Agent
    from f1_rl.learning.augmentation import Augmentation
    from f1_rl.learning.environments import make_environments
    from f1_rl.learning.observations import ObservationLayout
    from f1_rl.learning.run_folder import RunFolder
    from f1_rl.learning.runs import RunSettings
    from f1_rl.learning.trainer import Trainer
    from f1_rl.settings import build_settings

    gate.imported()
    run = build_settings(RunSettings, settings)
    environments = make_environments(run)
    layout = ObservationLayout(environments.observation_space, environments.frame_stack)
    agent = Agent(layout, environments.num_actions, run.agent, seed=run.seed, device="/CPU:0")
    gate.built(sum(weights.size for weights in agent.weights()))
    with tempfile.TemporaryDirectory() as path:
        folder = RunFolder(Path(path))
        folder.create({})
        unused: Any = _Unused()
        Trainer(
            environments.vector,
            agent,
            unused,
            folder,
            unused,
            agent_settings=run.agent,
            training=run.training,
            seed=run.seed,
            listener=_GateKeeper(gate),
            augmentation=Augmentation(
                run.agent.augmentation, layout, environments.mirrored_actions
            ),
        ).run()


class _Watch:
    """Tells of each evaluation."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def on_progress(self, progress: object) -> None:
        """Ignore it."""

    def on_evaluation(self, progress: Any, evaluation: Any, best: bool) -> None:
        self._channel.send(
            env_steps=progress.env_step,
            seconds=self._channel.age_s,
            mean_return=float(evaluation.score[0]),
        )


def solve(
    channel: Channel, *, env: str, seed: int, budget: int, evaluate_every: int, episodes: int
) -> None:
    """Train with the preset for the environment, for as many steps as everybody may take.

    The learning rate, which the preset lets fall over its own steps, falls over these.
    """
    from f1_rl.learning.runs import preset_for, run_settings
    from f1_rl.learning.training import start_run

    training = {
        "env_steps": budget,
        "evaluate_from": 0,
        "evaluate_every": evaluate_every,
        "evaluation_episodes": episodes,
        "stop_when_solved": False,
    }
    run = run_settings(preset_for(env), [{"env": env, "seed": seed, "training": training}])
    with tempfile.TemporaryDirectory() as folder:
        start_run(run, Path(folder) / "run", _Watch(channel), device="cpu").run()
    channel.send(ended=True)
