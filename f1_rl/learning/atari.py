"""Atari games: ALE's own vector environment, with what DQN adds to a game.

The preprocessing is that of Mnih et al. (2015), "Human-level control through deep reinforcement
learning", in the order that is usual today (Machado et al. 2018): up to thirty no-ops at the start
of a game, an action repeated for four frames, the maximum over the last two of them, grey, resized
to 84 x 84, four of them stacked; FIRE at the start of every life, for without it no ball is in play
in Breakout; in training, rewards clipped to [-1, 1], and a lost life ends an episode of learning
while the game goes on.

ALE's own `episodic_life` is not used: it begins another game after each life. Its own stack is not
either: the replay rebuilds stacks from single frames, and the stack at a new life must be the same
when acting.
"""

from typing import TYPE_CHECKING, Any

import cv2
import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode

from f1_rl.learning.environment_errors import refused
from f1_rl.settings import Fraction, NonNegativeInt, PositiveInt, Settings, SettingsError

if TYPE_CHECKING:
    from ale_py.vector_env import AtariVectorEnv

Array = npt.NDArray[Any]

PREFIX = "ALE/"


class AtariOptions(Settings, frozen=True):
    """What `env_options` of an Atari game can say.

    Attributes:
        repeat_action_probability: Probability with which a frame repeats the action before it
            ("sticky actions", Machado et al. 2018). Off: the scores of DQN's papers, and those of
            CleanRL and SB3, are without. Dopamine's are with 0.25.
        frameskip: Frames for which an action is repeated; that makes one environment step.
        stack_num: Frames in an observation.
        img_height: Rows of a frame.
        img_width: Columns of a frame.
        noop_max: Most frames without action at the start of a game.
        use_fire_reset: Press FIRE at the start of every life, in games that have it.
        episodic_life: In training, a lost life ends an episode of learning; if not, the episode is
            cut there, so that values reach over all lives.
        reward_clipping: In training, rewards are clipped to [-1, 1].
        full_action_space: All 18 actions, not those alone that mean something in the game.
        max_num_frames_per_episode: Frames after which a game is cut; 108,000 are half an hour.
        num_threads: Threads that emulate; 0: one for each core, or each game where these are less.
    """

    repeat_action_probability: Fraction = 0.0
    frameskip: PositiveInt = 4
    stack_num: PositiveInt = 4
    img_height: PositiveInt = 84
    img_width: PositiveInt = 84
    noop_max: NonNegativeInt = 30
    use_fire_reset: bool = True
    episodic_life: bool = True
    reward_clipping: bool = True
    full_action_space: bool = False
    max_num_frames_per_episode: PositiveInt = 108_000
    num_threads: NonNegativeInt = 0

    @property
    def max_episode_steps(self) -> int:
        """Environment steps after which a game is cut."""
        return -(-self.max_num_frames_per_episode // self.frameskip)


class AtariGames(gym.vector.VectorEnv[Any, Any, Any]):
    """Several games of one kind, with observations `(N, rows, columns, stack) uint8`.

    A game that has ended resets in the next step. Where lives end episodes of learning, the step
    after a lost life counts as a reset as well: it presses FIRE (or does nothing, in games without
    it) and its observation begins the next episode.

    Every step's `infos["episode"]` holds the raw score `r` and the environment steps `l` of the
    games that ended in it, where `infos["_episode"]` is true, as Gymnasium's
    `RecordEpisodeStatistics` has it.
    """

    def __init__(
        self, env: str, num_envs: int, options: AtariOptions | None = None, *, training: bool
    ) -> None:
        """Load the game.

        Args:
            env: Id, `ALE/Breakout-v5`, say; the sticky actions of version 5 are off unless asked
                for in the options.
            num_envs: Games at once.
            options: How they are played.
            training: Clip rewards and end episodes with a life, as the options say; otherwise
                whole games are played for their scores.

        Raises:
            SettingsError: ale-py is not installed or does not have that game.
        """
        options = AtariOptions() if options is None else options
        self._ale = _load(env, num_envs, options)
        self._clips = training and options.reward_clipping
        self._ends_with_life = training and options.episodic_life
        # Else what is done there, FIRE on a stack that begins, would be learned as another action
        # on another stack.
        self._cuts_at_life = training and not options.episodic_life
        self.num_envs = num_envs
        self.frame_stack = options.stack_num
        self.max_episode_steps = options.max_episode_steps
        self.metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP}
        shape = (options.img_height, options.img_width, options.stack_num)
        self.single_observation_space = gym.spaces.Box(0, 255, shape, np.uint8)
        self.observation_space = gym.vector.utils.batch_space(
            self.single_observation_space, num_envs
        )
        self.single_action_space = self._ale.single_action_space
        self.action_space = self._ale.action_space
        self._opening = _opening(self._ale, options)
        frames = (options.stack_num, num_envs, *shape[:2])
        self._frames: list[Array] = list(np.zeros(frames, np.uint8))
        self._lives = np.zeros(num_envs, np.int32)
        self._begins = np.zeros(num_envs, np.bool_)
        self._resets = np.zeros(num_envs, np.bool_)
        self._score = np.zeros(num_envs)
        self._length = np.zeros(num_envs, np.int64)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Begin a game in every environment.

        Args:
            seed: Of the no-ops and the sticky actions; environment `i` takes `seed + i`.
            options: None.
        """
        # The emulator takes 31 bits, and -1 for none.
        frames, infos = self._ale.reset(seed=None if seed is None else seed % 2**30)
        self._frames = [frames[:, 0].copy() for _ in self._frames]
        self._lives = infos["lives"]
        self._begins = np.zeros(self.num_envs, np.bool_)
        self._resets = np.zeros(self.num_envs, np.bool_)
        self._score = np.zeros(self.num_envs)
        self._length = np.zeros(self.num_envs, np.int64)
        return self._stacked(), {}

    def step(self, actions: Array) -> tuple[Array, Array, Array, Array, dict[str, Any]]:
        """Do one action for `frameskip` frames in every game.

        Args:
            actions: `(N,)`; those of games and lives that begin are not heeded.

        Returns:
            Observations, rewards `(N,)`, terminated `(N,)`, truncated `(N,)` and infos.
        """
        opens = self._begins if self._opening is not None else np.zeros_like(self._begins)
        chosen = np.where(opens, self._opening or 0, actions)
        frames, scores, over, cut, infos = self._ale.step(chosen)
        died = (infos["lives"] < self._lives) & (infos["lives"] > 0) & ~self._resets & ~over
        self._lives = infos["lives"]
        self._follow_frames(frames[:, 0])
        episodes = self._follow_games(scores, over | cut)
        terminated = over | died if self._ends_with_life else over
        truncated = cut | died if self._cuts_at_life else cut
        self._resets = over | cut
        self._begins = self._resets | died
        rewards = np.clip(scores, -1, 1) if self._clips else scores
        return self._stacked(), rewards.astype(np.float32), terminated, truncated, episodes

    def close_extras(self, **kwargs: Any) -> None:
        """Let go of the emulators."""
        self._ale.close()

    def _follow_frames(self, newest: Array) -> None:
        """Put the newest frames `(N, rows, columns)` on the stacks; one that begins is filled."""
        self._frames = [*self._frames[1:], newest.copy()]
        if self._begins.any():
            for frames in self._frames:
                frames[self._begins] = newest[self._begins]

    def _stacked(self) -> Array:
        """Return the observations: OpenCV interleaves frames much faster than NumPy."""
        shape = self._frames[0].shape
        stacked = cv2.merge([frames.reshape(-1, shape[-1]) for frames in self._frames])
        return np.asarray(stacked).reshape(*shape, len(self._frames))

    def _follow_games(self, scores: Array, ended: Array) -> dict[str, Any]:
        """Add up the scores of the games and return the infos about those that ended."""
        self._score = np.where(self._resets, 0.0, self._score + scores)
        self._length = np.where(self._resets, 0, self._length + 1)
        ended = ended & ~self._resets
        return {
            "episode": {"r": np.where(ended, self._score, 0.0), "l": self._length * ended},
            "_episode": ended,
        }


def _load(env: str, num_envs: int, options: AtariOptions) -> "AtariVectorEnv":
    try:
        import ale_py
        from ale_py.vector_env import AtariVectorEnv
    except ImportError as error:
        raise SettingsError(
            f"env {env}: needs ale-py ({error}); install it with pip install 'f1_rl[games]'."
        ) from error
    gym.register_envs(ale_py)
    try:
        game = gym.spec(env).kwargs["game"]
    except gym.error.Error as error:
        raise refused(env, error) from error
    given = options.as_dict()
    for ours in ("stack_num", "episodic_life", "reward_clipping"):
        del given[ours]
    return AtariVectorEnv(
        game,
        num_envs,
        stack_num=1,
        episodic_life=False,
        reward_clipping=False,
        autoreset_mode=AutoresetMode.NEXT_STEP,
        **given,
    )


def _opening(ale: "AtariVectorEnv", options: AtariOptions) -> int | None:
    """Return the action that begins a life; None: the player's own."""
    names = [str(action) for action in ale.ale.get_action_set()]
    return names.index("Action.FIRE") if options.use_fire_reset and "Action.FIRE" in names else None
