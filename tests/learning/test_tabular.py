"""Q-learning with a table: known answers, where the line lies, the saved policy, laps."""

import copy
import subprocess
import sys

import gymnasium as gym
import numpy as np
import pytest
from learning_helpers import Quiet

from f1_rl.driving.environment import make_task, observation_space
from f1_rl.driving.line import LineFinder
from f1_rl.learning.environments import make_environments
from f1_rl.learning.observations import ObservationLayout
from f1_rl.learning.replay import Batch
from f1_rl.learning.runs import run_settings
from f1_rl.learning.settings import AgentSettings
from f1_rl.learning.tabular import LineStates, TabularAgent
from f1_rl.learning.training import start_run
from f1_rl.policy import load_policy, save_policy
from f1_rl.policy.manifest import describe_task
from f1_rl.settings import SettingsError

COLUMNS = 64
ROAD, LINE = 98, 255


def layout_of(*shape: int) -> ObservationLayout:
    return ObservationLayout(gym.spaces.Box(0, 255, shape, np.uint8))


def make_agent(*, rows=1, positions=4, num_actions=2, **changes) -> TabularAgent:
    settings = AgentSettings(
        **{"algorithm": "tabular", "line_positions": positions, "learning_rate": 0.5, **changes}
    )
    return TabularAgent(layout_of(rows, COLUMNS, 1), num_actions, settings)


def picture(*lines: tuple[int, int] | None) -> np.ndarray:
    """Road with a line from one column up to another on each row, or none."""
    pixels = np.full((len(lines), COLUMNS, 1), ROAD, np.uint8)
    for row, line in enumerate(lines):
        if line is not None:
            pixels[row, slice(*line)] = LINE
    return pixels


# Of a single row with four positions, the line in the middle of each.
PLACES = np.stack([picture((start, start + 4)) for start in (6, 22, 38, 54)])


@pytest.mark.parametrize(
    ("line", "position"),
    [
        ((0, 1), 0),
        ((0, 8), 0),
        ((15, 17), 1),
        ((30, 34), 2),
        ((29, 34), 1),
        ((56, 64), 3),
        ((63, 64), 3),
        (None, 4),
    ],
)
def test_the_middle_of_the_line_says_its_position(line, position):
    states = LineStates(layout_of(1, COLUMNS, 1), 4)
    assert states.find_positions(picture(line)).tolist() == [position]


def test_the_edge_between_road_and_grass_is_no_line():
    pixels = picture(None)
    pixels[0, 32:] = 42
    states = LineStates(layout_of(1, COLUMNS, 1), 4)
    assert states.find_positions(pixels).tolist() == [4]
    assert states.find_positions(np.full_like(pixels, 255)).tolist() == [4]
    assert states.find_positions(np.zeros_like(pixels)).tolist() == [4]


def test_mirrored_pictures_have_mirrored_positions():
    states = LineStates(layout_of(1, COLUMNS, 1), 5)
    pixels = np.stack([picture((start, start + width)) for start in range(50) for width in (1, 6)])
    pixels = np.clip(pixels + np.random.default_rng(0).normal(0, 8, pixels.shape), 0, 255)
    left = states.find_positions(pixels.astype(np.uint8))
    right = states.find_positions(pixels.astype(np.uint8)[:, :, ::-1])
    # A middle exactly between two shares belongs to the right one of them.
    assert (left + right != 4).mean() < 0.1
    assert set(left.ravel()) == set(range(5))


def test_every_combination_of_positions_is_a_state_of_its_own():
    states = LineStates(layout_of(2, COLUMNS, 1), 4)
    lines = [(6, 10), (22, 26), (38, 42), (54, 58), None]
    pictures = np.stack([picture(far, near) for far in lines for near in lines])
    assert states.find(pictures).tolist() == list(range(25))
    assert states.count == 25


def test_in_pictures_of_the_camera_the_positions_are_those_of_the_line_on_the_ground():
    """The classical driver's line finder measures in metres, from the camera's geometry."""
    settings = run_settings("tabular", [])
    environments = make_environments(settings)
    pictures, _ = environments.vector.reset(seed=3)
    positions = LineStates(ObservationLayout(environments.observation_space), 63)
    found = positions.find_positions(pictures)
    seen, left_m = LineFinder(environments.vector.task.preprocessing).find(pictures)
    assert seen.mean() > 0.5
    np.testing.assert_array_equal(found < 63, seen)
    for row in range(2):
        in_row = seen[:, row]
        assert np.corrcoef(found[in_row, row], left_m[in_row, row])[0, 1] < -0.99


def chain(updates: int, batch_size: int, seed: int) -> Batch:
    """From place s the first action goes right for a reward of s + 1, the second stays for 0.5."""
    rng = np.random.default_rng(seed)
    states, actions = rng.integers(0, [[[3]], [[2]]], (2, updates, batch_size))
    goes_on = actions == 0
    following = np.where(goes_on, np.minimum(states + 1, 2), states)
    return Batch(
        observations=(np.stack([PLACES[states], PLACES[following]], axis=2),),
        actions=actions.astype(np.int32),
        rewards=np.where(goes_on, states + 1.0, 0.5).astype(np.float32),
        discounts=np.where(goes_on & (states == 2), 0.0, 1.0).astype(np.float32),
    )


def test_values_of_a_chain_become_the_analytic_ones():
    agent = make_agent(gamma=0.5)
    loss = [agent.train(chain(20, 16, seed)) for seed in range(10)]
    answer = np.array([[2.75, 1.875], [3.5, 2.25], [3.0, 2.0]])
    np.testing.assert_allclose(agent.q_values([PLACES[:3]]), answer, atol=1e-4)
    assert (agent.q_values([PLACES[3:]]) == 0.0).all()
    assert agent.updates == 200
    assert loss[-1] < 1e-6 < loss[0]


def test_an_update_goes_by_the_learning_rate_to_the_mean_of_the_targets():
    agent = make_agent(gamma=0.5, reward_scale=2.0)
    agent.set_weights([np.arange(10, dtype=np.float32).reshape(5, 2)])
    agent.set_learning_rate(0.25)
    # Twice the same state and action, to the third place (values 4, 5) and to an end.
    batch = Batch(
        observations=(np.stack([PLACES[[0, 0]], PLACES[[2, 3]]], axis=1)[None],),
        actions=np.array([[1, 1]], np.int32),
        rewards=np.array([[3.0, -1.0]], np.float32),
        discounts=np.array([[1.0, 0.0]], np.float32),
    )
    # Targets 2 * 3 + 0.5 * 5 = 8.5 and -2, so 3.25 on average, where there was 1.
    assert agent.train(batch) == pytest.approx((7.5**2 + 3.0**2) / 2)
    expected = np.arange(10, dtype=np.float32).reshape(5, 2)
    expected[0, 1] = 1.0 + 0.25 * (3.25 - 1.0)
    np.testing.assert_allclose(agent.weights()[0], expected)


def test_a_restored_table_goes_on_bit_for_bit():
    original, restored = make_agent(), make_agent()
    original.train(chain(5, 16, 0))
    original.set_learning_rate(0.1)
    restored.restore(copy.deepcopy(original.state()))
    assert restored.updates == original.updates == 5
    assert restored.train(chain(5, 16, 1)) == original.train(chain(5, 16, 1))
    np.testing.assert_array_equal(restored.weights()[0], original.weights()[0])


def test_the_state_of_another_table_is_refused():
    with pytest.raises(ValueError, match="network or table is not this run's"):
        make_agent().restore(make_agent(positions=5).state())


@pytest.mark.parametrize("shape", [(2, COLUMNS, 2), (4,)])
def test_observations_that_are_no_single_pictures_are_refused(shape):
    with pytest.raises(SettingsError, match=r"tabular reads single pictures of one channel, not"):
        TabularAgent(layout_of(*shape), 2, AgentSettings(algorithm="tabular"))


def test_a_table_that_would_be_too_large_is_refused():
    with pytest.raises(SettingsError, match=r"15 positions on 24 rows make 7\.92e"):
        make_agent(rows=24, positions=15)
    with pytest.raises(SettingsError, match=r"1000 positions on 128 rows make 1\.14e\+384 states"):
        make_agent(rows=128, positions=1000)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"conservative_weight": 1.0}, "goes with dqn and double_dqn, not with tabular"),
        ({"learning_rate": 1.5}, "learning_rate of a table is a share of the error, 1 at most"),
    ],
)
def test_settings_that_do_not_go_with_a_table_are_refused(changes, sentence):
    with pytest.raises(SettingsError, match=sentence):
        run_settings("tabular", [{"agent": changes}])


def many_pictures(agent: TabularAgent) -> np.ndarray:
    """Noise of every strength, black, white, and lines of every width anywhere."""
    shape = (500, *agent.layout.parts[0].shape)
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, shape) * rng.random((500, 1, 1, 1))
    flat = np.broadcast_to(np.linspace(0, 255, 500)[:, None, None, None], shape)
    start, width = rng.integers(-4, COLUMNS, (2, 3000, 2, 1))
    columns = np.arange(COLUMNS)
    lines = (columns >= start) & (columns < start + 1 + width // 4)
    lines = np.where(lines, 255, 98) * rng.random((3000, 1, 1))
    return np.concatenate([noise, flat, lines[..., None]]).astype(np.uint8)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A table of random values for the task of the preset, and the folder of its policy."""
    settings = run_settings("tabular", [])
    task = make_task(settings.task)
    layout = ObservationLayout(observation_space(task))
    agent = TabularAgent(layout, len(task.actions), settings.agent)
    agent.set_weights([np.random.default_rng(0).normal(size=agent.table.shape)])
    folder = tmp_path_factory.mktemp("saved") / "policy"
    manifest = describe_task(task, training={}, results={}, versions={})
    save_policy(folder, agent, manifest)
    return agent, folder


def test_the_saved_policy_has_the_tables_values_to_the_bit(saved):
    agent, folder = saved
    pictures = many_pictures(agent)
    expected = agent.q_values([pictures])
    policy = load_policy(folder)
    np.testing.assert_array_equal(policy.q_values([pictures]), expected)
    np.testing.assert_array_equal(policy.q_values([pictures[:1]]), expected[:1])
    assert len(np.unique(agent.states.find(pictures))) > 0.8 * agent.states.count


def test_the_saved_model_takes_the_greedy_actions_of_the_table(saved):
    import tensorflow as tf
    from tf_agents.trajectories import time_step

    agent, folder = saved
    model = tf.saved_model.load(str(folder / "saved_model"))
    pictures = many_pictures(agent)
    step = time_step.restart(tf.constant(pictures), batch_size=len(pictures))
    greedy = model.action(step, model.get_initial_state(len(pictures))).action.numpy()
    np.testing.assert_array_equal(greedy, agent.q_values([pictures]).argmax(axis=1))


def train(folder, *, resume=False, **training):
    changes = {"training": {"num_envs": 16, "evaluate_from": 10_000, **training}}
    return start_run(run_settings("tabular", [changes]), folder, Quiet(), resume=resume)


def test_a_resumed_table_is_the_one_of_a_run_that_was_never_interrupted(tmp_path):
    whole = train(tmp_path / "whole", env_steps=2_000)
    whole.run()
    part = train(tmp_path / "part", env_steps=2_000, log_every_s=1e-6)
    part._audience.on_progress = lambda progress: progress.env_step > 500 and part.request_stop()
    part.run()
    assert 0 < part.env_steps < 2_000
    rest = train(tmp_path / "part", env_steps=2_000, resume=True)
    rest.run()
    np.testing.assert_array_equal(rest._agent.weights()[0], whole._agent.weights()[0])
    assert rest._agent.updates == whole._agent.updates


LAPS = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from learning_helpers import Quiet
from f1_rl.learning.runs import run_settings
from f1_rl.learning.training import start_run
settings = run_settings("tabular", [{"training": {"stop_when_solved": True}}])
trainer = start_run(settings, Path(sys.argv[2]), Quiet())
trainer.save = lambda: sys.exit(0 if trainer.solved_at and "tensorflow" not in sys.modules else 1)
trainer.run()
"""


def test_laps_from_all_starts_are_learned_without_tensorflow(request, tmp_path):
    folder = tmp_path / "run"
    command = [sys.executable, "-c", LAPS, str(request.path.parent), str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr
    assert not (folder / "policy").exists()
