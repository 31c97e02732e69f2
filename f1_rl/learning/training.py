"""Starting and resuming a training run. Imports TensorFlow where a network learns."""

import logging
from contextlib import closing
from pathlib import Path
from typing import Any

from f1_rl.bags.episodes import Account, Episode
from f1_rl.bags.transitions import convert_bags
from f1_rl.driving.task import DrivingTask
from f1_rl.learning.audience import Listener, Spectator
from f1_rl.learning.augmentation import Augmentation
from f1_rl.learning.demonstrations import Demonstrations, load_episodes, save_episodes
from f1_rl.learning.device import DeviceChoice, NoGpuError, choose_device
from f1_rl.learning.environments import (
    Environments,
    make_environments,
    make_evaluation_environments,
)
from f1_rl.learning.evaluation import EpisodeEvaluator, Evaluator, LapEvaluator
from f1_rl.learning.learner import Learner
from f1_rl.learning.observations import ObservationLayout
from f1_rl.learning.run_folder import RunFolder, Table, describe_versions
from f1_rl.learning.runs import RunSettings, check_learnable
from f1_rl.learning.tabular import TabularAgent
from f1_rl.learning.tensorboard import EventWriter
from f1_rl.learning.trainer import Trainer
from f1_rl.policy.environment import EnvironmentManifest
from f1_rl.policy.manifest import PolicyManifest, describe_task
from f1_rl.policy.writer import save_policy

_LOG = logging.getLogger(__name__)


class _PolicyFolders:
    """Saves policies into the run folder."""

    def __init__(self, folder: RunFolder, task: DrivingTask | None, settings: RunSettings) -> None:
        self._folder = folder
        self._task = task
        self._settings = settings

    def save(self, name: str, agent: Learner, training: dict[str, Any], results: Any) -> None:
        facts: dict[str, Any] = {
            "training": {**training, "seed": self._settings.seed},
            "results": results or {},
            "versions": describe_versions(),
        }
        manifest: PolicyManifest | EnvironmentManifest
        if self._task is None:
            manifest = EnvironmentManifest(
                env=self._settings.env,
                env_options=self._settings.env_options,
                epsilon=self._settings.training.evaluation_epsilon,
                **facts,
            )
        else:
            manifest = describe_task(self._task, **facts)
        save_policy(self._folder.path / name, agent, manifest)
        if isinstance(agent, TabularAgent):
            agent.write_table(self._folder.path / name / "table.csv")


def start_run(
    settings: RunSettings,
    path: Path,
    listener: Listener,
    *,
    device: DeviceChoice = "auto",
    resume: bool = False,
    spectator: Spectator | None = None,
) -> Trainer:
    """Return a trainer that is ready to run in a folder, which it keeps others from until then.

    Args:
        settings: Of the run; when resuming, those of its `config.yaml`, or changed ones.
        path: The run folder.
        listener: Is told how training goes.
        device: Where to compute.
        resume: Go on from the newest checkpoint; `config.yaml` is written anew.
        spectator: Looks at training now and then.

    Raises:
        NoGpuError: A GPU was asked for and there is none.
        RunFolderError: The folder holds a run already, cannot be written, or another process
            trains in it.
        CheckpointError: There is nothing to resume from, or it does not fit the settings.
        SettingsError: The environment, the network or the replay cannot be made as they are set.
        BagError: A bag of demonstrations cannot be learned from.
        CarFault: Gazebo is to be stepped, and ros_gz_interfaces is not installed.
    """
    folder = RunFolder(path)
    try:
        check_learnable(settings)
        recorded = _demonstrated(settings, folder, resume)
        # Before TensorFlow is imported, so that a wrong circuit or environment does not cost that
        # time.
        environments = make_environments(settings)
        try:
            chosen = _choose_device(settings, device)
            return _make_trainer(
                settings, folder, listener, spectator, environments, recorded, chosen, resume
            )
        except BaseException:
            # Cars behind topics have one commander; one that is left over keeps the next away.
            environments.vector.close()
            raise
    except BaseException:
        folder.release()
        if not resume:
            folder.remove_empty()
        raise


def _make_trainer(
    settings: RunSettings,
    folder: RunFolder,
    listener: Listener,
    spectator: Spectator | None,
    environments: Environments,
    recorded: tuple[list[Episode], list[Account]],
    device: str,
    resume: bool,
) -> Trainer:
    episodes, accounts = recorded
    layout = ObservationLayout(environments.observation_space, environments.frame_stack)
    agent = make_agent(settings, layout, environments.num_actions, device)
    demonstrations = None
    if episodes:
        demonstrations = Demonstrations(
            episodes,
            layout,
            num_actions=environments.num_actions,
            n_step=settings.agent.n_step,
            gamma=settings.agent.gamma,
            accounts=accounts,
        )
    # Both before the trainer, whose tables go on with what they find.
    if resume:
        folder.claim()
    else:
        folder.begin()
    trainer = Trainer(
        environments.vector,
        agent,
        _evaluator(settings, layout, environments),
        folder,
        _PolicyFolders(folder, _task(environments, settings), settings),
        agent_settings=settings.agent,
        training=settings.training,
        seed=settings.seed,
        listener=listener,
        spectator=spectator,
        augmentation=Augmentation(
            settings.agent.augmentation, layout, environments.mirrored_actions
        ),
        demonstrations=demonstrations,
    )
    config = {**settings.as_dict(), "versions": describe_versions()}
    if resume:
        trainer.resume()
        folder.write_config(config)
    else:
        folder.write_config(config)
        save_episodes(folder.demonstrations, episodes)
        for account in accounts:
            Table(folder.demonstration_accounts).write(account.as_dict())
    with closing(EventWriter(folder.events)) as events:
        events.write_settings(settings.as_dict())
    return trainer


def _choose_device(settings: RunSettings, device: DeviceChoice) -> str:
    if settings.agent.algorithm != "tabular":
        return choose_device(device)
    if device == "gpu":
        raise NoGpuError("a table is learned on the CPU; leave out --device gpu.")
    return TabularAgent.device


def make_agent(
    settings: RunSettings, layout: ObservationLayout, num_actions: int, device: str
) -> Learner:
    """Return what learns in a run: a table, or a network.

    Args:
        settings: Of the run.
        layout: Of the observations.
        num_actions: Size of the discrete action space.
        device: The TensorFlow device of a network.

    Raises:
        SettingsError: The network or the table does not fit the observations.
    """
    if settings.agent.algorithm == "tabular":
        return TabularAgent(layout, num_actions, settings.agent)
    # Only now: a table is learned before TensorFlow would be imported.
    from f1_rl.learning.agent import Agent

    return Agent(layout, num_actions, settings.agent, seed=settings.seed, device=device)


def _demonstrated(
    settings: RunSettings, folder: RunFolder, resume: bool
) -> tuple[list[Episode], list[Account]]:
    """Return what bags demonstrate; a run that goes on has kept it."""
    if not settings.demonstrations.bags:
        return [], []
    if resume:
        return load_episodes(folder.demonstrations), []
    folder.check_unused()
    episodes, accounts = convert_bags(settings.demonstrations, settings.task)
    for account in accounts:
        _LOG.info("%s", account)
    return episodes, accounts


def _task(environments: Environments, settings: RunSettings) -> DrivingTask | None:
    return environments.vector.task if settings.drives else None


def _evaluator(
    settings: RunSettings, layout: ObservationLayout, environments: Environments
) -> Evaluator:
    if settings.drives:
        cars = environments.vector.task.cars if settings.is_behind_topics else None
        return LapEvaluator(
            settings.task,
            layout,
            settings.training.evaluation_episodes,
            cars,
            settings.training.best_by,
        )
    return EpisodeEvaluator(
        make_evaluation_environments(settings),
        layout,
        seed=settings.seed,
        epsilon=settings.training.evaluation_epsilon,
    )
