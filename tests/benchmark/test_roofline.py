"""The roofline: operations counted from layers, shares of measured peaks, what is left to gain."""

import io
import json

import pytest

from f1_rl.benchmark import computing
from f1_rl.benchmark.channel import Channel, FinishedError
from f1_rl.benchmark.flops import counted_network, network_flops, step_flops, update_flops
from f1_rl.benchmark.groups import GROUPS
from f1_rl.benchmark.roofline import bounds, summarise_roofline
from f1_rl.benchmark.turns import Turns
from f1_rl.benchmark.work import CARTPOLE, Work
from f1_rl.learning.settings import AgentSettings, NetworkSettings

DENSE = NetworkSettings(filters=(), kernels=(), strides=(), units=(100,))


def test_dense_layers_are_counted():
    counted = network_flops((4,), 2, DENSE)
    assert counted.forward == 2 * (4 * 100 + 100 * 2)
    assert counted.first == 2 * 4 * 100
    assert counted.backward == 2 * counted.forward - counted.first


def test_convolutions_are_counted():
    network = NetworkSettings(filters=(8,), kernels=((4, 8),), strides=((2, 4),), units=(16,))
    counted = network_flops((24, 64, 2), 7, network)
    # (24 - 4) / 2 + 1 rows, (64 - 8) / 4 + 1 columns.
    first = 2 * 11 * 15 * 8 * 2 * 4 * 8
    assert counted.first == first
    assert counted.forward == first + 2 * (11 * 15 * 8 * 16 + 16 * 7)


def test_double_dqn_needs_another_forward_pass():
    counted = network_flops((4,), 2, DENSE)
    plain = update_flops(counted, AgentSettings(algorithm="dqn", batch_size=10))
    double = update_flops(counted, AgentSettings(algorithm="double_dqn", batch_size=10))
    assert plain == 10 * (2 * counted.forward + counted.backward)
    assert double - plain == 10 * counted.forward


def test_a_step_acts_once_and_learns_its_share():
    work = Work(preset=CARTPOLE, steps_per_call=4, steps_per_update=4, units=(100,))
    counted = network_flops((4,), 2, DENSE)
    expected = counted.forward + 64 * (2 * counted.forward + counted.backward) / 4
    assert step_flops(work) == expected


def test_the_network_of_the_pixel_group_is_that_of_the_driving_task():
    settings = GROUPS[-1].entries[0].work.settings()
    assert counted_network(settings).forward > 100_000


def turns(*rates: float) -> Turns:
    return Turns((), tuple(tuple({"rate": rate * factor} for rate in rates) for factor in (1, 2)))


def test_shares_are_those_of_the_measured_peaks():
    outcome = summarise_roofline(turns(50e9, 100e9, 80e9, 1e9, 40e9, 10e9))
    rows = {row[0]: row for row in outcome.tables[0].rows}
    learner = rows["f1_rl's learner, pixel network"]
    assert learner[1] == "60.0 (40.0 to 80.0)"
    assert learner[2].startswith("0.400")
    assert learner[3].startswith("0.500")
    assert outcome.summary["peak_flops"] == 150e9


def test_the_most_that_can_be_gained_is_the_inverse_of_the_share():
    row = {"title": "TF-Agents", "flops_per_env_step": 4e6, "env_steps_per_s": {"value": 5e3}}
    (line,) = bounds({"cartpole": [row]}, {"peak_flops": 80e9}).rows
    assert line[0].endswith(": TF-Agents")
    assert line[1:] == ("4.00", "20.0", "25.0%", "4.00")


def rate_of(worker, **arguments: object) -> float:
    """Return what a worker of the track answers to one request."""
    output = io.StringIO()
    request = io.StringIO(json.dumps({"seconds": 0.01}) + "\n")
    with pytest.raises(FinishedError):
        worker(Channel(output, request), **arguments)
    return float(json.loads(output.getvalue().splitlines()[-1])["rate"])


def test_products_of_matrices_are_measured():
    assert rate_of(computing.numpy_product, size=64) > 1e6


@pytest.mark.tensorflow
def test_tensorflows_arithmetic_is_measured():
    assert rate_of(computing.tensorflow_product, size=64) > 1e6
    assert rate_of(computing.convolution, batch=1) > 1e6


@pytest.mark.tensorflow
@pytest.mark.parametrize("group", [GROUPS[0], GROUPS[-1]], ids=lambda group: group.name)
def test_the_learner_is_measured(group):
    assert rate_of(computing.learner, work=group.entries[0].work.as_dict()) > 1e3
