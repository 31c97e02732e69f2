"""CarRacing-v3 of Gymnasium from small grey pictures, with its five discrete actions.

What learns and what is evaluated share `SmallPictures`; only learning uses a quicker renderer of
the same pictures and cuts episodes that lead nowhere. Needs Box2D and pygame.
"""

import multiprocessing
import signal
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from f1_rl.learning.settings import CarRacingSettings

# pygame warns at import that setuptools will give up what it uses.
with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)
    import pygame
    from gymnasium.envs.box2d import car_racing as original
    from pygame import gfxdraw

Array = npt.NDArray[Any]

_WIDTH, _HEIGHT = original.WINDOW_W, original.WINDOW_H
# Rows of the window that the bar with the gauges covers.
_BAR = _HEIGHT // 8
_BAR_ROWS = slice(84, None)
_SCORE_COLUMNS = slice(None, 12)
_SPEED_COLUMNS = slice(12, 16)
_SPEED_MIRRORED = slice(80, 84)
_GREEN = 1
# Do nothing, right, left, gas, brake.
MIRRORED_ACTIONS = (0, 2, 1, 3, 4)
_SIDE = original.STATE_W // 2
_SQUARE = np.array([(1, 0), (0, 0), (0, 1), (1, 1)])
_GRASS = original.GRASS_DIM * np.array(
    [_SQUARE + np.array((x, y)) for x in range(-20, 20, 2) for y in range(-20, 20, 2)]
)
# Pixels from the car to the farthest corner of the window, rounded up.
_FARTHEST = 800


class QuickCarRacing(original.CarRacing):
    """CarRacing whose every n-th picture is drawn, the same to the pixel in a third of the time.

    What is outside the window is found for all polygons at once and left out; the original turns
    and draws some 700 of them one by one. Pictures in between are not drawn: the last one is
    returned again.
    """

    surf: Any
    car: Any

    def __init__(self, every: int = 1) -> None:
        """Draw the picture of a reset and of every `every`-th step after it."""
        super().__init__(continuous=False)
        pygame.font.init()
        self._font = pygame.font.Font(pygame.font.get_default_font(), 42)
        self._every = every
        self._frame = 0
        self._picture = np.zeros((original.STATE_H, original.STATE_W, 3), np.uint8)
        self._window, self._bar = (pygame.Surface((_WIDTH, _HEIGHT)) for _ in range(2))
        self._narrow = pygame.Surface((original.STATE_W, _HEIGHT))
        self._polygons, self._centers = np.zeros((0, 4, 2)), np.zeros((0, 2))
        self._radii = np.zeros(0)
        self._colors: list[Any] = []

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Begin an episode on the track that the seed says."""
        self._frame = 0
        observation, info = super().reset(seed=seed, options=options)
        return observation, info

    def _create_track(self) -> bool:
        if not super()._create_track():  # type: ignore[no-untyped-call]
            return False
        self._polygons = np.array([*_GRASS, *(corners for corners, _ in self.road_poly)])
        self._centers = self._polygons.mean(axis=1)
        offsets = self._polygons - self._centers[:, None]
        self._radii = np.linalg.norm(offsets, axis=-1).max(axis=1)
        # The arrays themselves: a tile that is driven over changes its own.
        self._colors = [self.grass_color] * len(_GRASS) + [color for _, color in self.road_poly]
        return True

    def _render(self, mode: str) -> Array:
        if self._frame % self._every == 0:
            self._picture = self._draw()
        self._frame += 1
        return self._picture

    def _draw(self) -> Array:
        """Return what the original's `_render` does, `(96, 96, 3) uint8`."""
        hull = self.car.hull
        zoom = 0.1 * original.SCALE * max(1 - self.t, 0)
        zoom += original.ZOOM * original.SCALE * min(self.t, 1)
        moved = pygame.math.Vector2(-hull.position[0] * zoom, -hull.position[1] * zoom)
        moved = moved.rotate_rad(-hull.angle)
        origin = (_WIDTH / 2 + moved[0], _HEIGHT / 4 + moved[1])
        self.surf = self._window
        self._render_road(zoom, origin, -hull.angle)
        self.car.draw(self.surf, zoom, origin, -hull.angle, False)
        self.surf = self._bar
        self._render_indicators(_WIDTH, _HEIGHT)  # type: ignore[no-untyped-call]
        text = self._font.render(f"{self.reward:04.0f}", True, (255, 255, 255), (0, 0, 0))
        self.surf.blit(text, text.get_rect(center=(60, _HEIGHT - _HEIGHT * 2.5 / 40.0)))
        return self._shrink()

    def _shrink(self) -> Array:
        """Return the small picture of window and bar.

        As pygame shrinks columns first and each row alone, rows are turned over and brought
        together when there are fewer columns.
        """
        columns, rows = original.STATE_W, _HEIGHT - _BAR
        # Still upside down.
        road = self._window.subsurface((0, _BAR, _WIDTH, rows))
        road = pygame.transform.smoothscale(road, (columns, rows))
        bar = self._bar.subsurface((0, rows, _WIDTH, _BAR))
        self._narrow.blit(pygame.transform.flip(road, False, True), (0, 0))
        self._narrow.blit(pygame.transform.smoothscale(bar, (columns, _BAR)), (0, rows))
        small = pygame.transform.smoothscale(self._narrow, (columns, original.STATE_H))
        return np.array(pygame.surfarray.pixels3d(small).transpose(1, 0, 2))

    def _render_road(self, zoom: float, translation: tuple[float, float], angle: float) -> None:
        if max(map(abs, self.car.hull.position)) + _FARTHEST / zoom < original.PLAYFIELD:
            self.surf.fill(self.bg_color)
        else:
            self.surf.fill((0, 0, 0))
            far = original.PLAYFIELD
            field = [(far, far), (far, -far), (-far, -far), (-far, far)]
            self._draw_colored_polygon(  # type: ignore[no-untyped-call]
                self.surf, field, self.bg_color, zoom, translation, angle, clip=False
            )

        def place(points: Array) -> Array:
            # In the original's order of operations, for the same last bits.
            cosine, sine = pygame.math.Vector2(1, 0).rotate_rad(angle)
            x, y = points[..., 0], points[..., 1]
            turned = np.stack((cosine * x - sine * y, sine * x + cosine * y), axis=-1)
            return np.asarray(turned * zoom + translation)

        window = np.array((_WIDTH, _HEIGHT)) / 2
        beyond = np.abs(place(self._centers) - window) - window
        near = np.flatnonzero(beyond.max(axis=1) < self._radii * zoom + 2)
        polygons = place(self._polygons[near]).tolist()
        for index, polygon in zip(near.tolist(), polygons, strict=True):
            color = [int(c) for c in self._colors[index]]
            gfxdraw.aapolygon(self.surf, polygon, color)
            gfxdraw.filled_polygon(self.surf, polygon, color)


class SmallPictures(gym.Wrapper[Array, int, Array, int]):
    """Repeats each action, and shows the last few pictures small, in one colour.

    Of the green channel, in which road, grass, kerbs and car differ most, the mean of two by two
    pixels is kept. Of the bar below remain the gauges of steering, which is in the middle, and of
    speed, which is put on both sides: the mirror image of a picture is one that can be seen.
    """

    def __init__(self, env: gym.Env[Array, int], settings: CarRacingSettings) -> None:
        """Wrap an environment with CarRacing's pictures.

        The observation is `(48, 48, frame_stack) uint8`, the newest picture last.
        """
        super().__init__(env)
        self._skip = settings.frame_skip
        shape = (_SIDE, _SIDE, settings.frame_stack)
        self.observation_space = gym.spaces.Box(0, 255, shape, np.uint8)
        self._stack = np.zeros(shape, np.uint8)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Begin an episode; the stack is filled with its first picture."""
        picture, info = self.env.reset(seed=seed, options=options)
        self._stack[:] = _reduce(picture)[..., None]
        return self._stack.copy(), info

    def step(self, action: int) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Do the action `frame_skip` times or until the episode ends; the rewards are summed."""
        total = 0.0
        for _ in range(self._skip):
            picture, reward, terminated, truncated, info = self.env.step(action)
            total += float(reward)
            if terminated or truncated:
                break
        self._stack = np.roll(self._stack, -1, axis=-1)
        self._stack[..., -1] = _reduce(picture)
        return self._stack.copy(), total, terminated, truncated, info


class TrainingEpisodes(gym.Wrapper[Array, int, Array, int]):
    """Cuts episodes that lead nowhere, and those that complete the lap.

    Where a lap ends is not to be seen in the pictures. Were its end a terminal state, the same
    picture would be worth nothing there and much elsewhere; cut, it is worth the same.
    """

    def __init__(self, env: gym.Env[Array, int], patience: int) -> None:
        """Cut an episode after `patience` steps in a row without a positive reward."""
        super().__init__(env)
        self._patience = patience
        self._idle = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Begin an episode."""
        self._idle = 0
        return self.env.reset(seed=seed, options=options)

    def step(self, action: int) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Do a step."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._idle = 0 if float(reward) > 0.0 else self._idle + 1
        completed = terminated and bool(info.get("lap_finished"))
        truncated = truncated or completed or self._idle >= self._patience
        return observation, float(reward), terminated and not completed, truncated, info


def training_environment(env: str, settings: CarRacingSettings) -> gym.Env[Array, int]:
    """Return an environment to learn in."""
    return TrainingEpisodes(quick_environment(env, settings), settings.patience)


def quick_environment(env: str, settings: CarRacingSettings) -> gym.Env[Array, int]:
    """Return an environment with the episodes of the original, drawn quicker."""
    quick = QuickCarRacing(settings.frame_skip)
    limited = gym.wrappers.TimeLimit(quick, gym.spec(env).max_episode_steps or 0)
    return SmallPictures(limited, settings)


def unmodified_environment(env: str, settings: CarRacingSettings) -> gym.Env[Array, int]:
    """Return Gymnasium's own environment, seen through `SmallPictures`."""
    return SmallPictures(gym.make(env, continuous=False), settings)


def make_vector(
    make: Callable[[str, CarRacingSettings], gym.Env[Array, int]],
    env: str,
    settings: CarRacingSettings,
    count: int,
) -> gym.vector.AsyncVectorEnv:
    """Return `count` environments, each in a process of its own."""
    worker = partial(_in_worker, make, env, settings)
    # Forking a process in which TensorFlow has threads may lock up.
    return gym.vector.AsyncVectorEnv([worker] * count, context="forkserver")


def _in_worker(
    make: Callable[[str, CarRacingSettings], gym.Env[Array, int]],
    env: str,
    settings: CarRacingSettings,
) -> gym.Env[Array, int]:
    if multiprocessing.parent_process() is not None:
        # Ctrl-C is for the process that trains: it ends its workers when it has saved.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return make(env, settings)


def _reduce(picture: Array) -> Array:
    """Return the `(48, 48) uint8` that is kept of a `(96, 96, 3)` picture."""
    green = picture[..., _GREEN].astype(np.uint16)
    bar = green[_BAR_ROWS]
    bar[:, _SCORE_COLUMNS] = 0
    bar[:, _SPEED_MIRRORED] = bar[:, _SPEED_COLUMNS][:, ::-1]
    rows = green[::2] + green[1::2]
    return np.asarray((rows[:, ::2] + rows[:, 1::2]) // 4, np.uint8)
