"""How fast training runs, beside TF-Agents' stock loop and Stable-Baselines3 in the same run.

    python benchmarks/throughput.py [--groups one many cartpole] [--seconds 10] [--repetitions 3]

A full training loop is measured: act, step, store, sample, update; no evaluation, no checkpoint.
Each system lives in a process of its own, is warmed up, and then the systems take turns, so that a
busy machine disturbs all of them alike. TensorFlow's graphs are traced before that: the time from
the start of the process to the end of the first update has columns of its own.

Peers that are not installed are skipped. TF-Agents comes with the package's training
requirements. For Stable-Baselines3, without letting it change NumPy:

    pip install --index-url https://download.pytorch.org/whl/cpu torch==2.13.0
    pip install --no-deps stable-baselines3==2.9.2 cloudpickle

Equal in all systems: the environment (f1_rl/F1Camera-v0, or CartPole-v1), the processors and the
threads for each library, CPU only, OpenMP's threads sleeping where they wait (OMP_WAIT_POLICY=
PASSIVE unless it is set: torch, whose threads would spin otherwise, is several times slower when
anything else runs); the default preset's network, with the number of parameters compared; batch
size, updates per environment step, n-step returns, replay capacity, Adam, Huber loss, plain DQN
(Stable-Baselines3 has no Double DQN), epsilon 0.05, copying to the target network every 40 updates.

Not equal: TF-Agents has the environment through gym, the others through Gymnasium (CartPole is thus
each library's own). Stable-Baselines3 clips the norm of all gradients together, the others that of
each variable, and skips the network for a random action. TF-Agents moves all n + 1 observations of
a sample, ours and Stable-Baselines3 the first and the last. Ours counts the step that resets an
environment when it schedules updates, and writes a row of its log four times a second.

Group "one": one environment acts, as the stock loops are written. Group "many": 32 at once. The
peers do that with their own vector environments of 32 separate ones (TF-Agents'
BatchedPyEnvironment without threads, Stable-Baselines3's DummyVecEnv), and, in the rows "our vector
environment", through an adapter to the array of cars that ours drives. The adapter for
Stable-Baselines3, which wants resets in the step that ends an episode, is for measuring only: it
stores one transition from each episode's last observation to the next one's first. Group
"cartpole": one CartPole-v1 and an MLP of the preset cartpole.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from f1_rl.learning.runs import RunSettings

STARTED_S = time.perf_counter()
MANY = 32
TARGET_UPDATE_PERIOD = 40
EPSILON = 0.05
FIRST_STEPS = 256
ENDLESS = 10**9
LOG_EVERY_S = 0.25
OMP_WAIT_POLICY = os.environ.get("OMP_WAIT_POLICY", "PASSIVE")
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)


class FinishedError(Exception):
    """Nothing more is to be measured."""


class WorkerError(RuntimeError):
    """A system could not be measured."""


@dataclass(frozen=True)
class Plan:
    """What one process runs."""

    system: str
    preset: str
    circuit: str
    num_envs: int
    batch_size: int
    n_step: int
    steps_per_update: int
    processors: tuple[int, ...]

    @property
    def train_every(self) -> int:
        """Vector steps between calls of the learner."""
        return max(1, self.steps_per_update // self.num_envs)

    @property
    def updates_per_call(self) -> int:
        """Updates in one call of the learner."""
        return max(1, self.num_envs // self.steps_per_update)

    def settings(self) -> RunSettings:
        """Return the preset with all that the systems must have in common."""
        from f1_rl.learning.runs import run_settings

        agent = {
            "algorithm": "dqn",
            "batch_size": self.batch_size,
            "n_step": self.n_step,
            "target_update_period": TARGET_UPDATE_PERIOD,
        }
        training = {
            "num_envs": self.num_envs,
            "env_steps": ENDLESS,
            "learning_starts": FIRST_STEPS,
            "train_every": self.train_every,
            "updates_per_call": self.updates_per_call,
            "epsilon_start": EPSILON,
            "epsilon_end": EPSILON,
            "evaluate_from": ENDLESS,
            "evaluate_every": ENDLESS,
            "checkpoint_every_s": float(ENDLESS),
            "log_every_s": LOG_EVERY_S,
        }
        changes: dict[str, Any] = {"agent": agent, "training": training}
        if self.preset == "embedded":
            changes["task"] = {"circuits": [self.circuit]}
        return run_settings(self.preset, [changes])


class Gate:
    """Lets a training loop run while it is measured, and holds it in between."""

    def __init__(self, channel: TextIO) -> None:
        self._channel = channel
        self._imported_s = 0.0
        self._parameters = 0
        self._ready = False
        self._begun_s = self._until_s = 0.0
        self._env_steps = self._updates = 0

    def imported(self) -> None:
        """Say that everything is imported."""
        self._imported_s = time.perf_counter() - STARTED_S

    def built(self, parameters: int) -> None:
        """Say that everything is built, with that many trainable parameters."""
        self._parameters = parameters

    def due(self) -> bool:
        """Return whether the loop must call `hold` now."""
        return not self._ready or time.perf_counter() >= self._until_s

    def hold(self, env_steps: int, updates: int) -> None:
        """Report, and wait for the next measurement.

        Raises:
            FinishedError: There is none.
        """
        now_s = time.perf_counter()
        if self._ready:
            self._send(
                seconds=now_s - self._begun_s,
                env_steps=int(env_steps) - self._env_steps,
                updates=int(updates) - self._updates,
            )
        elif updates > 0:
            self._ready = True
            self._send(
                import_s=self._imported_s,
                first_update_s=now_s - STARTED_S,
                parameters=self._parameters,
            )
        else:
            return
        seconds = sys.stdin.readline()
        if not seconds:
            raise FinishedError
        self._env_steps, self._updates = int(env_steps), int(updates)
        self._begun_s = time.perf_counter()
        self._until_s = self._begun_s + float(seconds)

    def _send(self, **message: float) -> None:
        print(json.dumps(message), file=self._channel, flush=True)


def run_ours(plan: Plan, gate: Gate) -> None:
    """Train with the Trainer, the agent and the replay of `f1-rl train`."""
    from f1_rl.learning.agent import Agent
    from f1_rl.learning.environments import make_environments
    from f1_rl.learning.observations import ObservationLayout
    from f1_rl.learning.progress import Progress
    from f1_rl.learning.run_folder import RunFolder
    from f1_rl.learning.trainer import Trainer

    gate.imported()

    class Unused:
        """Stands for the evaluator and the policies, which are never called."""

        def evaluate(self, q_values: object) -> Any:
            raise AssertionError("nothing is evaluated here")

        def save(self, *what: object) -> None:
            raise AssertionError("nothing is saved here")

    class Listener:
        def on_progress(self, progress: Progress) -> None:
            if gate.due():
                gate.hold(progress.env_step, progress.update)

        def on_evaluation(self, *what: object) -> None:
            raise AssertionError("nothing is evaluated here")

    settings = plan.settings()
    environments = make_environments(settings)
    layout = ObservationLayout(environments.observation_space, environments.frame_stack)
    agent = Agent(
        layout, environments.num_actions, settings.agent, seed=settings.seed, device="/CPU:0"
    )
    gate.built(sum(weights.size for weights in agent.weights()))
    with tempfile.TemporaryDirectory() as path:
        folder = RunFolder(Path(path))
        folder.create({})
        Trainer(
            environments.vector,
            agent,
            Unused(),
            folder,
            Unused(),
            agent_settings=settings.agent,
            training=settings.training,
            seed=settings.seed,
            listener=Listener(),
        ).run()


def run_tf_agents(plan: Plan, gate: Gate, *, our_vector: bool = False) -> None:
    """Train with the loop of TF-Agents' agents/dqn/examples/v2/train_eval.py."""
    from f1_rl.learning.device import import_tensorflow

    tf = import_tensorflow()
    from tf_agents.agents.dqn import dqn_agent
    from tf_agents.drivers import dynamic_step_driver
    from tf_agents.environments import batched_py_environment, suite_gym, tf_py_environment
    from tf_agents.metrics import tf_metrics
    from tf_agents.networks import q_network
    from tf_agents.policies import random_tf_policy
    from tf_agents.replay_buffers import tf_uniform_replay_buffer
    from tf_agents.utils import common

    from f1_rl.driving.registration import register_gym_envs

    gate.imported()
    settings = plan.settings()
    register_gym_envs()
    options = {"circuits": [plan.circuit]} if settings.drives else {}
    if our_vector:
        py_env = tf_agents_vector(settings)
    elif plan.num_envs == 1:
        py_env = suite_gym.load(settings.env, gym_kwargs=options)
    else:
        py_env = batched_py_environment.BatchedPyEnvironment(
            [suite_gym.load(settings.env, gym_kwargs=options) for _ in range(plan.num_envs)],
            multithreading=False,
        )
    tf_env = tf_py_environment.TFPyEnvironment(py_env)

    network = settings.agent.network
    pictures = bool(network.filters)
    q_net = q_network.QNetwork(
        tf_env.observation_spec(),
        tf_env.action_spec(),
        preprocessing_layers=tf.keras.layers.Rescaling(1 / 255) if pictures else None,
        conv_layer_params=list(zip(network.filters, network.kernels, network.strides, strict=True)),
        fc_layer_params=network.units,
    )
    updates = tf.Variable(0, dtype=tf.int64)
    agent = dqn_agent.DqnAgent(
        tf_env.time_step_spec(),
        tf_env.action_spec(),
        q_network=q_net,
        epsilon_greedy=EPSILON,
        n_step_update=plan.n_step,
        target_update_period=TARGET_UPDATE_PERIOD,
        optimizer=tf.keras.optimizers.Adam(
            settings.agent.learning_rate, epsilon=settings.agent.adam_epsilon
        ),
        td_errors_loss_fn=common.element_wise_huber_loss,
        gamma=settings.agent.gamma,
        gradient_clipping=settings.agent.gradient_clipping,
        train_step_counter=updates,
    )
    agent.initialize()
    gate.built(sum(int(tf.size(weights)) for weights in q_net.trainable_weights))

    replay = tf_uniform_replay_buffer.TFUniformReplayBuffer(
        data_spec=agent.collect_data_spec,
        batch_size=tf_env.batch_size,
        max_length=settings.training.replay_capacity // plan.num_envs,
    )
    env_steps = tf_metrics.EnvironmentSteps()
    # The driver goes on until that many steps are done, resets not counted: of many environments
    # there is nearly always one that resets, so asking for a step of each would make it two.
    num_steps = plan.train_every if plan.num_envs == 1 else 1
    driver = dynamic_step_driver.DynamicStepDriver(
        tf_env,
        agent.collect_policy,
        observers=[replay.add_batch, env_steps],
        num_steps=num_steps,
    )
    driver.run = common.function(driver.run)
    agent.train = common.function(agent.train)
    dynamic_step_driver.DynamicStepDriver(
        tf_env,
        random_tf_policy.RandomTFPolicy(tf_env.time_step_spec(), tf_env.action_spec()),
        observers=[replay.add_batch, env_steps],
        num_steps=FIRST_STEPS,
    ).run()
    iterator = iter(
        replay.as_dataset(
            num_parallel_calls=3, sample_batch_size=plan.batch_size, num_steps=plan.n_step + 1
        ).prefetch(3)
    )

    def train_step() -> Any:
        experience, _ = next(iterator)
        return agent.train(experience)

    train_step = common.function(train_step)
    time_step, policy_state = None, agent.collect_policy.get_initial_state(tf_env.batch_size)
    while True:
        time_step, policy_state = driver.run(time_step=time_step, policy_state=policy_state)
        for _ in range(plan.updates_per_call):
            train_step()
        if gate.due():
            gate.hold(env_steps.result().numpy(), updates.numpy())


def run_tf_agents_vector(plan: Plan, gate: Gate) -> None:
    """Train with TF-Agents' loop in our vector environment."""
    run_tf_agents(plan, gate, our_vector=True)


def tf_agents_vector(settings: RunSettings) -> Any:
    """Return our vector environment for TF-Agents, which resets at the same time as ours."""
    import numpy as np
    from tf_agents.environments import py_environment
    from tf_agents.specs import array_spec
    from tf_agents.trajectories import time_step

    from f1_rl.learning.environments import make_environments

    environments = make_environments(settings)
    space, vector = environments.observation_space, environments.vector
    step_type = time_step.StepType

    class VectorEnvironment(py_environment.PyEnvironment):
        def __init__(self) -> None:
            super().__init__(handle_auto_reset=False)
            self._ended = np.zeros(vector.num_envs, np.bool_)

        @property
        def batched(self) -> bool:
            return True

        @property
        def batch_size(self) -> int:
            return int(vector.num_envs)

        def observation_spec(self) -> Any:
            return array_spec.BoundedArraySpec(space.shape, space.dtype, 0, 255)

        def action_spec(self) -> Any:
            return array_spec.BoundedArraySpec((), np.int64, 0, environments.num_actions - 1)

        def _reset(self) -> Any:
            self._ended[:] = False
            observations, _ = vector.reset(seed=settings.seed)
            return time_step.restart(observations, batch_size=self.batch_size)

        def _step(self, actions: Any) -> Any:
            observations, rewards, terminated, truncated, _ = vector.step(actions)
            resetting, self._ended = self._ended, terminated | truncated
            kinds = np.where(self._ended, step_type.LAST, step_type.MID)
            kinds[resetting] = step_type.FIRST
            discounts = np.where(terminated, 0.0, 1.0).astype(np.float32)
            return time_step.TimeStep(
                kinds.astype(np.int32), rewards.astype(np.float32), discounts, observations
            )

    return VectorEnvironment()


def run_sb3(plan: Plan, gate: Gate, *, our_vector: bool = False) -> None:
    """Train with Stable-Baselines3's DQN."""
    # For its TensorBoard logger it would load TensorFlow, where that is installed.
    sys.modules.update(dict.fromkeys(("tensorboard", "tensorflow")))  # type: ignore[arg-type]

    import torch
    from stable_baselines3 import DQN
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

    import f1_rl  # noqa: F401  # registers the environment

    gate.imported()
    torch.set_num_threads(len(plan.processors))
    settings = plan.settings()
    network = settings.agent.network

    class Convolutions(BaseFeaturesExtractor):
        def __init__(self, observation_space: Any) -> None:
            channels = observation_space.shape[0]
            layers: list[torch.nn.Module] = []
            for filters, kernel, stride in zip(
                network.filters, network.kernels, network.strides, strict=True
            ):
                layers += [torch.nn.Conv2d(channels, filters, kernel, stride), torch.nn.ReLU()]
                channels = filters
            convolutions = torch.nn.Sequential(*layers, torch.nn.Flatten())
            with torch.no_grad():
                features = convolutions(torch.zeros(1, *observation_space.shape)).shape[1]
            super().__init__(observation_space, features)
            self.convolutions = convolutions

        def forward(self, observations: torch.Tensor) -> torch.Tensor:
            return self.convolutions(observations)

    if our_vector:
        env = sb3_vector(settings)
    else:
        options = {"circuits": [plan.circuit]} if settings.drives else {}
        env = make_vec_env(
            settings.env, n_envs=plan.num_envs, seed=settings.seed, env_kwargs=options
        )

    class Measuring(BaseCallback):
        def _on_step(self) -> bool:
            if gate.due():
                resets = env.resets if our_vector else 0
                gate.hold(self.model.num_timesteps - resets, self.model._n_updates)
            return True

    policy: dict[str, Any] = {
        "net_arch": list(network.units),
        "activation_fn": torch.nn.ReLU,
        "optimizer_kwargs": {"eps": settings.agent.adam_epsilon},
    }
    if network.filters:
        policy["features_extractor_class"] = Convolutions
    model = DQN(
        "CnnPolicy" if network.filters else "MlpPolicy",
        env,
        learning_rate=settings.agent.learning_rate,
        buffer_size=settings.training.replay_capacity,
        learning_starts=FIRST_STEPS,
        batch_size=plan.batch_size,
        gamma=settings.agent.gamma,
        train_freq=plan.train_every,
        gradient_steps=plan.updates_per_call,
        n_steps=plan.n_step,
        # In environment steps.
        target_update_interval=TARGET_UPDATE_PERIOD * plan.steps_per_update,
        exploration_initial_eps=EPSILON,
        exploration_final_eps=EPSILON,
        max_grad_norm=settings.agent.gradient_clipping,
        policy_kwargs=policy,
        seed=settings.seed,
        device="cpu",
    )
    gate.built(sum(weights.numel() for weights in model.q_net.parameters()))
    model.learn(ENDLESS, callback=Measuring())


def run_sb3_vector(plan: Plan, gate: Gate) -> None:
    """Train with Stable-Baselines3's DQN in our vector environment."""
    run_sb3(plan, gate, our_vector=True)


def sb3_vector(settings: RunSettings) -> Any:
    """Return our vector environment for Stable-Baselines3, good enough for measuring."""
    import numpy as np
    from stable_baselines3.common.vec_env import VecEnv

    from f1_rl.learning.environments import make_environments

    environments = make_environments(settings)
    vector = environments.vector

    class VectorEnvironment(VecEnv):
        render_mode = None

        def __init__(self) -> None:
            self.resets = 0
            self._ended = np.zeros(vector.num_envs, np.bool_)
            super().__init__(
                vector.num_envs, environments.observation_space, vector.single_action_space
            )

        def reset(self) -> Any:
            return vector.reset(seed=settings.seed)[0]

        def step_async(self, actions: Any) -> None:
            self._actions = actions

        def step_wait(self) -> Any:
            observations, rewards, terminated, truncated, _ = vector.step(self._actions)
            self.resets += int(self._ended.sum())
            self._ended = terminated | truncated
            infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
            for index in np.flatnonzero(self._ended):
                infos[index] = {
                    "terminal_observation": observations[index],
                    "TimeLimit.truncated": bool(truncated[index] and not terminated[index]),
                }
            return observations, rewards.astype(np.float32), self._ended.copy(), infos

        def close(self) -> None:
            vector.close()

        def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
            return [getattr(self, attr_name)] * self.num_envs

        def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
            raise NotImplementedError

        def env_method(self, method_name: str, *args: Any, **kwargs: Any) -> list[Any]:
            raise NotImplementedError

        def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
            return [False] * self.num_envs

    return VectorEnvironment()


@dataclass(frozen=True)
class System:
    """Something to measure, and the modules that it needs."""

    title: str
    run: Callable[[Plan, Gate], None]
    modules: tuple[str, ...]
    install: str


@dataclass(frozen=True)
class Group:
    """Systems that are compared with each other."""

    title: str
    preset: str
    num_envs: int
    systems: tuple[str, ...]


INSTALL_TRAIN = "pip install 'f1_rl[train]'"
INSTALL_SB3 = (
    "pip install --index-url https://download.pytorch.org/whl/cpu torch==2.13.0 && "
    "pip install --no-deps stable-baselines3==2.9.2 cloudpickle"
)
TENSORFLOW, TORCH = ("tensorflow", "tf_agents"), ("torch", "stable_baselines3", "cloudpickle")
SYSTEMS: Mapping[str, System] = {
    "ours": System("f1_rl", run_ours, TENSORFLOW, INSTALL_TRAIN),
    "tf-agents": System("TF-Agents", run_tf_agents, TENSORFLOW, INSTALL_TRAIN),
    "tf-agents-vector": System(
        "TF-Agents, our vector environment", run_tf_agents_vector, TENSORFLOW, INSTALL_TRAIN
    ),
    "sb3": System("Stable-Baselines3", run_sb3, TORCH, INSTALL_SB3),
    "sb3-vector": System(
        "Stable-Baselines3, our vector environment", run_sb3_vector, TORCH, INSTALL_SB3
    ),
}
GROUPS: Mapping[str, Group] = {
    "one": Group("one car", "embedded", 1, ("ours", "tf-agents", "sb3")),
    "many": Group(f"{MANY} cars", "embedded", MANY, tuple(SYSTEMS)),
    "cartpole": Group("one CartPole-v1, MLP", "cartpole", 1, ("ours", "tf-agents", "sb3")),
}


class Worker:
    """A process that trains while it is measured."""

    def __init__(self, plan: Plan) -> None:
        self._title = SYSTEMS[plan.system].title
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed with the process
        threads = dict.fromkeys(THREAD_VARIABLES, str(len(plan.processors)))
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--worker", json.dumps(asdict(plan))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env={
                **os.environ,
                **threads,
                "OMP_WAIT_POLICY": OMP_WAIT_POLICY,
                "CUDA_VISIBLE_DEVICES": "-1",
            },
        )
        self.start = self._receive()

    def measure(self, seconds: float) -> dict[str, float]:
        """Let it train for so long and return the seconds, environment steps and updates."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{seconds}\n")
        self._process.stdin.flush()
        return self._receive()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._log.close()

    def _receive(self) -> dict[str, float]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._log.seek(0)
            raise WorkerError(f"{self._title} ended: {self._log.read()[-3000:]}")
        message: dict[str, float] = json.loads(line)
        return message


@dataclass(frozen=True)
class Measurement:
    """Medians over the repetitions; `ours_is_times` is that of the ratios within each."""

    group: str
    system: str
    env_steps_per_s: float
    lowest: float
    highest: float
    updates_per_s: float
    samples_per_step: float
    ours_is_times: float
    import_s: float
    build_to_first_update_s: float
    parameters: int


def measure_group(
    name: str, plans: Sequence[Plan], seconds: float, warm_up: float, repetitions: int
) -> list[Measurement]:
    """Start all systems of a group, then measure them in turns."""
    with ExitStack() as stack:
        workers = []
        for plan in plans:
            worker = Worker(plan)
            stack.callback(worker.close)
            workers.append(worker)
            worker.measure(warm_up)
        counts = {int(worker.start["parameters"]) for worker in workers}
        if len(counts) > 1:
            raise WorkerError(f"the networks of group {name} differ: {sorted(counts)} parameters.")
        rounds = [[worker.measure(seconds) for worker in workers] for _ in range(repetitions)]
    rates = [[result["env_steps"] / result["seconds"] for result in row] for row in rounds]
    measurements = []
    for index, (plan, worker) in enumerate(zip(plans, workers, strict=True)):
        own = [row[index] for row in rates]
        results = [row[index] for row in rounds]
        updates = sum(result["updates"] for result in results)
        measurements.append(
            Measurement(
                group=name,
                system=plan.system,
                env_steps_per_s=statistics.median(own),
                lowest=min(own),
                highest=max(own),
                updates_per_s=statistics.median(r["updates"] / r["seconds"] for r in results),
                samples_per_step=updates * plan.batch_size / sum(r["env_steps"] for r in results),
                # The first is ours.
                ours_is_times=statistics.median(row[0] / row[index] for row in rates),
                import_s=worker.start["import_s"],
                build_to_first_update_s=worker.start["first_update_s"] - worker.start["import_s"],
                parameters=int(worker.start["parameters"]),
            )
        )
    return measurements


def print_table(group: Group, measurements: Sequence[Measurement]) -> None:
    print(f"\n{group.title}, {measurements[0].parameters:,} parameters in each network\n")
    print(
        "| system | environment steps/s | lowest to highest | updates/s | samples per step "
        "| ours is times | import, s | build to first update, s |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for row in measurements:
        print(
            f"| {SYSTEMS[row.system].title} | {row.env_steps_per_s:,.0f} "
            f"| {row.lowest:,.0f} to {row.highest:,.0f} | {row.updates_per_s:,.1f} "
            f"| {row.samples_per_step:.1f} | {row.ours_is_times:.2f} | {row.import_s:.1f} "
            f"| {row.build_to_first_update_s:.1f} |",
            flush=True,
        )


def work(plan: Plan) -> None:
    """Be the process of one system; talk over what was standard output, which libraries use."""
    os.sched_setaffinity(0, plan.processors)
    channel = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        SYSTEMS[plan.system].run(plan, Gate(channel))
    except FinishedError:
        return


def installed(system: str) -> bool:
    return all(importlib.util.find_spec(module) for module in SYSTEMS[system].modules)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--groups", nargs="+", choices=GROUPS, default=["one", "many"])
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    parser.add_argument("--circuit", default="simple", help="a circuit's name")
    parser.add_argument("--seconds", type=float, default=10.0, help="time for each measurement")
    parser.add_argument("--warm-up", type=float, default=3.0, help="time before the first one, s")
    parser.add_argument("--repetitions", type=int, default=3, help="measurements of each system")
    parser.add_argument("--batch-size", type=int, default=128, help="samples in one update")
    parser.add_argument("--n-step", type=int, default=3, help="rewards before bootstrapping")
    parser.add_argument(
        "--steps-per-update", type=int, default=4, help=f"a divisor of {MANY}, or a multiple"
    )
    available = sorted(os.sched_getaffinity(0))
    parser.add_argument(
        "--threads", type=int, default=len(available), help="processors, and threads for each pool"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not 1 <= arguments.threads <= len(available):
        parser.error(f"--threads {arguments.threads}: there are {len(available)} processors.")
    if arguments.repetitions < 1:
        parser.error(f"--repetitions {arguments.repetitions}: give at least 1.")
    steps = arguments.steps_per_update
    if steps < 1 or (MANY % steps and steps % MANY):
        parser.error(f"--steps-per-update {steps}: give a divisor or a multiple of {MANY}.")
    if "ours" not in arguments.systems:
        parser.error("--systems: the others are compared with ours; name it too.")
    arguments.processors = tuple(available[: arguments.threads])
    return arguments


def main() -> None:
    arguments = parse_arguments()
    if arguments.worker is not None:
        values = json.loads(arguments.worker)
        work(Plan(**{**values, "processors": tuple(values["processors"])}))
        return
    notes = sys.stderr if arguments.json else sys.stdout
    missing = {name for name in arguments.systems if not installed(name)}
    for name in sorted(missing):
        system = SYSTEMS[name]
        print(f"{system.title} is not installed, skipped; {system.install}", file=notes)
    if "ours" in missing:
        return
    print(
        f"circuit {arguments.circuit}, batch {arguments.batch_size}, 1 update in "
        f"{arguments.steps_per_update} steps, {arguments.n_step}-step returns; processors "
        f"{', '.join(map(str, arguments.processors))}, {arguments.threads} threads in each pool, "
        f"OMP_WAIT_POLICY={OMP_WAIT_POLICY}; "
        f"{arguments.repetitions} x {arguments.seconds:g} s in turns; "
        f"load average before {os.getloadavg()[0]:.1f}",
        file=notes,
        flush=True,
    )
    measurements = []
    for name in arguments.groups:
        group = GROUPS[name]
        plans = [
            Plan(
                system,
                group.preset,
                arguments.circuit,
                group.num_envs,
                arguments.batch_size,
                arguments.n_step,
                arguments.steps_per_update,
                arguments.processors,
            )
            for system in group.systems
            if system in arguments.systems and system not in missing
        ]
        try:
            rows = measure_group(
                name, plans, arguments.seconds, arguments.warm_up, arguments.repetitions
            )
        except WorkerError as error:
            raise SystemExit(str(error)) from error
        measurements += rows
        if not arguments.json:
            print_table(group, rows)
    if arguments.json:
        print(json.dumps([asdict(row) for row in measurements], indent=2))


if __name__ == "__main__":
    main()
