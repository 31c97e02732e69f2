"""TF-Agents as its examples use it: DynamicStepDriver and TFUniformReplayBuffer."""

from collections.abc import Callable
from typing import Any

from f1_rl.benchmark.channel import Channel, Gate
from f1_rl.benchmark.solving import Trial


def train(
    channel: Channel,
    *,
    settings: dict[str, Any],
    updates_per_call: int,
    vector_steps_per_call: int,
    vector: bool = False,
    **_: Any,
) -> None:
    """Train with the loop of agents/dqn/examples/v2/train_eval.py, held at the gate.

    Args:
        channel: To the process that measures.
        settings: Of the run.
        updates_per_call: Updates after the environment steps of a turn of the loop.
        vector_steps_per_call: Steps of all environments in a turn of the loop.
        vector: Act in our array of environments, through an adapter.
    """
    gate = Gate(channel)
    from f1_rl.learning.device import import_tensorflow

    tf = import_tensorflow()
    from tf_agents.environments import tf_py_environment
    from tf_agents.utils import common

    gate.imported()
    tf_env = tf_py_environment.TFPyEnvironment(_environment(settings, vector))
    told, num_envs = settings["agent"], settings["training"]["num_envs"]
    agent, updates, q_net = _agent(
        tf,
        tf_env,
        told["network"],
        tf.keras.optimizers.Adam(told["learning_rate"], epsilon=told["adam_epsilon"]),
        epsilon_greedy=settings["training"]["epsilon_end"],
        n_step_update=told["n_step"],
        target_update_period=told["target_update_period"],
        td_errors_loss_fn=common.element_wise_huber_loss,
        gamma=told["gamma"],
        gradient_clipping=told["gradient_clipping"],
    )
    gate.built(sum(int(tf.size(weights)) for weights in q_net.trainable_weights))
    turn, env_steps = _loop(
        tf_env,
        agent,
        capacity=settings["training"]["replay_capacity"] // num_envs,
        first_steps=settings["training"]["learning_starts"],
        # The driver goes on until that many steps are done, resets not counted: of many
        # environments there is nearly always one that resets, so asking for a step of each would
        # make it two.
        steps_per_turn=vector_steps_per_call if num_envs == 1 else 1,
        updates_per_turn=updates_per_call,
        batch_size=told["batch_size"],
        n_step=told["n_step"],
    )
    while True:
        turn()
        if gate.due():
            gate.hold(env_steps.result().numpy(), updates.numpy())


def solve(
    channel: Channel, *, env: str, seed: int, budget: int, evaluate_every: int, episodes: int
) -> None:
    """Train with the recipe of docs/tutorials/1_dqn_tutorial.ipynb.

    Its loop is the one of TF-Agents' examples, because the tutorial's needs Reverb, which exists
    for few versions of TensorFlow and Python.
    """
    from f1_rl.learning.device import import_tensorflow

    tf = import_tensorflow()
    from tf_agents.environments import suite_gym, tf_py_environment
    from tf_agents.utils import common

    tf.keras.utils.set_random_seed(seed)
    py_env = suite_gym.load(env)
    py_env.seed(seed)
    tf_env = tf_py_environment.TFPyEnvironment(py_env)
    agent, _, q_net = _agent(
        tf,
        tf_env,
        {"filters": [], "kernels": [], "strides": [], "units": [100, 50]},
        tf.keras.optimizers.Adam(1e-3),
        td_errors_loss_fn=common.element_wise_squared_loss,
    )
    turn, env_steps = _loop(
        tf_env,
        agent,
        capacity=100_000,
        first_steps=100,
        steps_per_turn=1,
        updates_per_turn=1,
        batch_size=64,
        n_step=1,
    )
    best = tf.function(lambda observations: tf.argmax(q_net(observations)[0], axis=1))
    trial = Trial(channel, env, evaluate_every=evaluate_every, episodes=episodes, seed=seed)
    done = 0
    while done < budget:
        turn()
        done = int(env_steps.result().numpy())
        trial.look(done, lambda observations: best(tf.constant(observations)).numpy())
    channel.send(ended=True)


def _environment(settings: dict[str, Any], vector: bool) -> Any:
    from tf_agents.environments import batched_py_environment, suite_gym

    from f1_rl.driving.registration import CAMERA_ID, register_gym_envs

    if vector:
        from f1_rl.benchmark.systems.stock_vector import OurVectorEnvironment

        return OurVectorEnvironment(settings)
    register_gym_envs()
    options = settings["task"] if settings["env"] == CAMERA_ID else settings["env_options"]
    count = settings["training"]["num_envs"]
    loaded = [suite_gym.load(settings["env"], gym_kwargs=options) for _ in range(count)]
    if count == 1:
        return loaded[0]
    return batched_py_environment.BatchedPyEnvironment(loaded, multithreading=False)


def _agent(
    tf: Any, tf_env: Any, network: dict[str, Any], optimizer: Any, **options: Any
) -> tuple[Any, Any, Any]:
    """Return an agent, its counter of updates and its network."""
    from tf_agents.agents.dqn import dqn_agent
    from tf_agents.networks import q_network

    convolutions = list(
        zip(network["filters"], network["kernels"], network["strides"], strict=True)
    )
    q_net = q_network.QNetwork(
        tf_env.observation_spec(),
        tf_env.action_spec(),
        preprocessing_layers=tf.keras.layers.Rescaling(1 / 255) if convolutions else None,
        conv_layer_params=convolutions or None,
        fc_layer_params=network["units"],
    )
    updates = tf.Variable(0, dtype=tf.int64)
    agent = dqn_agent.DqnAgent(
        tf_env.time_step_spec(),
        tf_env.action_spec(),
        q_network=q_net,
        optimizer=optimizer,
        train_step_counter=updates,
        **options,
    )
    agent.initialize()
    return agent, updates, q_net


def _loop(
    tf_env: Any,
    agent: Any,
    *,
    capacity: int,
    first_steps: int,
    steps_per_turn: int,
    updates_per_turn: int,
    batch_size: int,
    n_step: int,
) -> tuple[Callable[[], None], Any]:
    """Fill the replay a little; return a turn of the loop, and the metric of environment steps."""
    from tf_agents.drivers import dynamic_step_driver
    from tf_agents.metrics import tf_metrics
    from tf_agents.policies import random_tf_policy
    from tf_agents.replay_buffers import tf_uniform_replay_buffer
    from tf_agents.utils import common

    replay = tf_uniform_replay_buffer.TFUniformReplayBuffer(
        data_spec=agent.collect_data_spec, batch_size=tf_env.batch_size, max_length=capacity
    )
    env_steps = tf_metrics.EnvironmentSteps()
    observers = [replay.add_batch, env_steps]
    driver = dynamic_step_driver.DynamicStepDriver(
        tf_env, agent.collect_policy, observers=observers, num_steps=steps_per_turn
    )
    driver.run = common.function(driver.run)
    agent.train = common.function(agent.train)
    dynamic_step_driver.DynamicStepDriver(
        tf_env,
        random_tf_policy.RandomTFPolicy(tf_env.time_step_spec(), tf_env.action_spec()),
        observers=observers,
        num_steps=first_steps,
    ).run()
    samples = replay.as_dataset(
        num_parallel_calls=3, sample_batch_size=batch_size, num_steps=n_step + 1
    )
    iterator = iter(samples.prefetch(3))

    def update() -> Any:
        experience, _ = next(iterator)
        return agent.train(experience)

    update = common.function(update)
    state = [None, agent.collect_policy.get_initial_state(tf_env.batch_size)]

    def turn() -> None:
        state[:] = driver.run(time_step=state[0], policy_state=state[1])
        for _ in range(updates_per_turn):
            update()

    return turn, env_steps
