"""What a training run can be told: the settings of the agent, the replay and the schedule."""

from typing import Annotated, Literal

from msgspec import Meta

from f1_rl.settings import (
    FiniteFloat,
    Fraction,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Settings,
)

Size = tuple[PositiveInt, PositiveInt]
BestBy = Literal["reward", "lap_time"]


class NetworkSettings(Settings, frozen=True):
    """The Q-network: convolutions over a picture, then dense layers.

    Attributes:
        filters: Filters of each convolution.
        kernels: Kernel (rows, columns) of each convolution.
        strides: Stride (rows, columns) of each convolution.
        units: Units of each dense layer.
        dueling: Whether the last dense layer and the output exist twice, for the value of the state
            and for the advantages of the actions (Wang et al. 2016).
        noisy: Whether the dense layers draw noise on their weights while training, of a strength
            that is learned (Fortunato et al. 2018). It explores without epsilon: set
            `training.epsilon_start` and `epsilon_end` to 0, or random actions come on top. Targets,
            evaluations and saved policies use the weights without noise.
    """

    filters: tuple[PositiveInt, ...] = (8, 16)
    kernels: tuple[Size, ...] = ((4, 8), (3, 3))
    strides: tuple[Size, ...] = ((2, 4), (2, 2))
    units: tuple[PositiveInt, ...] = (128,)
    dueling: bool = False
    noisy: bool = False

    def __post_init__(self) -> None:
        """Check that the convolutions are told alike."""
        if not len(self.filters) == len(self.kernels) == len(self.strides):
            raise ValueError("filters, kernels and strides need one entry for each convolution")


class AugmentationSettings(Settings, frozen=True):
    """How the pictures of a batch are changed before an update learns from them.

    Attributes:
        mirror: Whether half of the transitions are replaced by their mirror images: pictures
            flipped from left to right, and actions exchanged. Right where a mirrored world is as
            good a world, as for driving along a road. A camera beside the car's middle sees there
            what it would see from a place twice as far to the side.
        shift: Pixels by which each picture is shifted at random, up to so many either way in rows
            and columns, edges repeated (DrQ, Kostrikov et al. 2021); 0: not.
    """

    mirror: bool = False
    shift: NonNegativeInt = 0

    @property
    def enabled(self) -> bool:
        """Whether anything is changed."""
        return self.mirror or self.shift > 0


class AgentSettings(Settings, frozen=True):
    """The learning rule.

    Attributes:
        algorithm: TF-Agents' DqnAgent, DdqnAgent or CategoricalDqnAgent; or tabular: Q-learning
            with a table over the line's positions, to which only what is not of the network, its
            optimiser and its target applies.
        network: The Q-network.
        learning_rate: Adam's step size, or the table's, at the start of training.
        final_learning_rate: Its step size at the end, reached linearly.
        adam_epsilon: Adam's epsilon.
        gamma: Discount of one environment step.
        n_step: Rewards summed before bootstrapping.
        batch_size: Samples in one update.
        augmentation: How the pictures of these are changed.
        target_update_period: Updates between updates of the target network.
        target_update_tau: Share of the weights taken over; 1 copies them.
        gradient_clipping: Largest norm of each variable's gradient; none: unclipped.
        loss: Of the temporal-difference error (not for c51).
        reward_scale: What every reward is multiplied with.
        conservative_weight: How strongly the values of actions that were not taken are held down
            (alpha of CQL(H), Kumar et al. 2020); for learning from demonstrations alone, where
            nothing else corrects them. 0: plain Q-learning. Not for c51 and tabular.
        advice_weight: How strongly advised actions are to be valued above all others: those of
            demonstrations, and those of the guide (`training.guide_share`). 0: not at all. Not for
            c51 and tabular.
        advice_temperature: By how much, in returns times `reward_scale`: what is advised is to be
            likely for a policy that takes actions by `softmax(Q / temperature)`.
        atoms: c51: atoms of the value distribution.
        min_value: c51: smallest return that can be represented.
        max_value: c51: largest return that can be represented.
        xla: Whether XLA compiles the updates: several times faster for dense networks, but slower
            for convolutions on a CPU, and seconds slower to begin.
        mixed_precision: What the hidden layers compute in: float16 (with loss scaling) or bfloat16,
            for GPUs whose tensor cores take them, and slower on most CPUs; none: float32. Weights,
            values, targets and saved policies have 32 bits either way.
        line_positions: tabular: positions of the line that are told apart on each row.
    """

    algorithm: Literal["dqn", "double_dqn", "c51", "tabular"] = "double_dqn"
    network: NetworkSettings = NetworkSettings()
    learning_rate: PositiveFloat = 1e-3
    final_learning_rate: PositiveFloat | None = 1e-4
    adam_epsilon: PositiveFloat = 1e-7
    gamma: Fraction = 0.85
    n_step: PositiveInt = 3
    batch_size: PositiveInt = 128
    augmentation: AugmentationSettings = AugmentationSettings()
    target_update_period: PositiveInt = 20
    target_update_tau: Annotated[float, Meta(gt=0.0, le=1.0)] = 1.0
    gradient_clipping: PositiveFloat | None = 10.0
    loss: Literal["huber", "squared"] = "huber"
    reward_scale: PositiveFloat = 1.0
    conservative_weight: NonNegativeFloat = 0.0
    advice_weight: NonNegativeFloat = 0.0
    advice_temperature: PositiveFloat = 0.05
    atoms: Annotated[int, Meta(ge=2)] = 51
    min_value: FiniteFloat = -10.0
    max_value: FiniteFloat = 10.0
    xla: bool = False
    mixed_precision: Literal["none", "float16", "bfloat16"] = "none"
    line_positions: PositiveInt = 15

    def __post_init__(self) -> None:
        """Check the support of the value distribution, and what goes with the algorithm."""
        if self.min_value >= self.max_value:
            raise ValueError("min_value must be below max_value")
        for name in ("conservative_weight", "advice_weight"):
            if getattr(self, name) and self.algorithm in ("c51", "tabular"):
                raise ValueError(f"{name} goes with dqn and double_dqn, not with {self.algorithm}")
        if self.algorithm == "tabular" and self.learning_rate > 1.0:
            raise ValueError("learning_rate of a table is a share of the error, 1 at most")


class PrioritySettings(Settings, frozen=True):
    """Prioritised experience replay (Schaul et al. 2016), proportional.

    Attributes:
        alpha: How much the error of a transition decides how often it is drawn; 0: uniformly.
        beta: How far importance weights correct for that at the start of the run; they grow to the
            full correction, 1, at its end.
        epsilon: Added to each error, so that every transition is drawn now and then.
    """

    alpha: Fraction = 0.6
    beta: Fraction = 0.4
    epsilon: PositiveFloat = 1e-3


class TrainingSettings(Settings, frozen=True):
    """The schedule of a run. All periods in environment steps, summed over the environments.

    Attributes:
        num_envs: Environments (cars) that act in one call.
        env_steps: Environment steps to train for; 0: learn from demonstrations alone.
        replay_capacity: Transitions kept.
        replay_device: Whose memory keeps the frames: the host's, or the learner's (that of the
            device which learns), from where they need not be moved for every batch. auto: the
            learner's if that is a GPU with room for them, and neither augmentation nor
            demonstrations need them on the host. What is drawn and learned is the same either
            way, and so are checkpoints.
        prioritized_replay: Draws what was predicted badly more often; none: uniformly. `{}` takes
            the defaults.
        random_steps: Environment steps with random actions alone, before epsilon counts.
        learning_starts: Environment steps before the first update.
        train_every: Vector steps between calls of the learner.
        updates_per_call: Updates in one call of the learner.
        reset_every_updates: Updates between resets of the network's dense layers, whose weights are
            drawn anew, against overfitting to what was seen first (Nikishin et al. 2022, "The
            Primacy Bias in Deep Reinforcement Learning"); the replay is kept. 0: none.
        overlap: Whether to learn while the environments do their step, in another thread: for
            those that mostly wait, as cars behind topics do.
        epsilon_start: Share of random actions at the start.
        epsilon_end: Share of random actions after `epsilon_steps`.
        epsilon_steps: Environment steps over which it falls, from `random_steps` on.
        epsilon_schedule: How it falls: by equal amounts, or by equal factors.
        epsilon_ladder: How much less the later environments explore than the first: of N, number i
            does so with `epsilon ** (1 + epsilon_ladder * i / (N - 1))` (Horgan et al. 2018, who
            take 7, and 0.4 for epsilon). 0: all alike.
        guide_share: Share of the cars that a driver who knows the circuit drives at first, by the
            actions that it judges best; less and less of them, until `guide_steps`.
        guide_steps: Environment steps after which it drives none.
        guide_tolerance_s: An action that loses so much time has 1 / e of the best one's share in
            its advice.
        guide_margin_m: What its plan leaves of the road on either side.
        guide_reserve: What its plan leaves of grip, brakes and steering, as a share of them.
        demonstration_share: Share of each batch that is drawn from the demonstrations, where there
            are some.
        offline_updates: Updates from demonstrations alone, before the first environment step.
        offline_evaluate_every: Updates between greedy evaluations meanwhile.
        evaluate_every: Environment steps between greedy evaluations.
        evaluate_from: Environment steps before the first of them.
        evaluation_episodes: Episodes of each evaluation, each from a start of its own.
        evaluation_epsilon: Share of random actions in an evaluation of an environment that is not
            ours, so that a greedy policy cannot do the same for ever.
        best_by: What decides between policies that complete as many laps and come as far: the
            reward a step, or the lap time.
        stop_when_solved: End at the first evaluation in which every episode succeeds.
        checkpoint_every_s: Seconds between checkpoints.
        log_every_s: Seconds between rows of metrics.csv.
    """

    num_envs: Annotated[int, Meta(gt=0, le=10_000)] = 32
    env_steps: NonNegativeInt = 12_000
    replay_capacity: PositiveInt = 100_000
    replay_device: Literal["auto", "host", "learner"] = "auto"
    prioritized_replay: PrioritySettings | None = None
    random_steps: NonNegativeInt = 0
    learning_starts: PositiveInt = 256
    train_every: PositiveInt = 1
    updates_per_call: PositiveInt = 6
    reset_every_updates: NonNegativeInt = 0
    overlap: bool = False
    epsilon_start: Fraction = 1.0
    epsilon_end: Fraction = 0.05
    epsilon_steps: PositiveInt = 1_500
    epsilon_schedule: Literal["linear", "exponential"] = "linear"
    epsilon_ladder: NonNegativeFloat = 0.0
    guide_share: Fraction = 0.0
    guide_steps: PositiveInt = 50_000
    guide_tolerance_s: PositiveFloat = 0.005
    guide_margin_m: NonNegativeFloat = 0.25
    guide_reserve: Annotated[float, Meta(ge=0.0, lt=1.0)] = 0.05
    demonstration_share: Fraction = 0.5
    offline_updates: NonNegativeInt = 0
    offline_evaluate_every: PositiveInt = 500
    evaluate_every: PositiveInt = 500
    evaluate_from: NonNegativeInt = 1_500
    evaluation_episodes: PositiveInt = 8
    evaluation_epsilon: Fraction = 0.0
    best_by: BestBy = "reward"
    stop_when_solved: bool = False
    checkpoint_every_s: PositiveFloat = 30.0
    log_every_s: PositiveFloat = 1.0

    def __post_init__(self) -> None:
        """Check that there is something to do, and that epsilon can fall as it should."""
        if self.env_steps == 0 and self.offline_updates == 0:
            raise ValueError("env_steps and offline_updates are both 0: there is nothing to do")
        if self.epsilon_schedule == "exponential" and 0.0 in (self.epsilon_start, self.epsilon_end):
            raise ValueError(
                "epsilon_schedule exponential never comes from or to 0; give epsilon_start and "
                "epsilon_end above 0, or epsilon_schedule linear"
            )


class CarRacingSettings(Settings, frozen=True):
    """How Gymnasium's CarRacing is seen and acted in; `env_options` of a run there.

    Attributes:
        frame_skip: Steps of the environment that each action is repeated for.
        frame_stack: Pictures in an observation, that many steps apart.
        patience: Actions without a new tile of the road after which a training episode is cut.
    """

    frame_skip: PositiveInt = 4
    frame_stack: PositiveInt = 4
    patience: PositiveInt = 40
