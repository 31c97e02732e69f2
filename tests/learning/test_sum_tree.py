"""The sum tree against a slow and obviously right one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from f1_rl.learning.sum_tree import SumTree

# Multiples of an eighth are added up exactly.
PRIORITIES = st.integers(0, 80).map(lambda eighths: eighths / 8)


@st.composite
def histories(draw):
    """A number of leaves, and changes of them: leaves with their new priorities."""
    leaves = draw(st.integers(1, 40))
    change = st.dictionaries(st.integers(0, leaves - 1), PRIORITIES, min_size=1)
    return leaves, draw(st.lists(change, min_size=1, max_size=6))


@given(histories(), st.lists(st.floats(0.0, 1.0, exclude_max=True), min_size=1, max_size=20))
def test_every_share_falls_where_the_priorities_added_up_say(history, shares):
    count, changes = history
    tree, naive = SumTree(count), np.zeros(count)
    for change in changes:
        tree.set(np.array(list(change)), list(change.values()))
        for leaf, priority in change.items():
            naive[leaf] = priority
        assert tree.total == naive.sum()
        np.testing.assert_array_equal(tree[np.arange(count)], naive)
    if naive.sum() > 0.0:
        expected = np.searchsorted(np.cumsum(naive), np.array(shares) * naive.sum(), side="right")
        np.testing.assert_array_equal(tree.find(np.array(shares)), expected)


def test_leaves_are_drawn_in_proportion_to_their_priorities():
    tree = SumTree(5)
    tree.set(np.arange(5), [1.0, 0.0, 2.0, 4.0, 3.0])
    drawn = tree.find(np.random.default_rng(0).random((100, 1_000)))
    assert drawn.shape == (100, 1_000)
    shares = np.bincount(drawn.ravel(), minlength=5) / drawn.size
    np.testing.assert_allclose(shares, [0.1, 0.0, 0.2, 0.4, 0.3], atol=0.006)
    assert shares[1] == 0.0


@pytest.mark.parametrize("seed", range(5))
def test_rounding_never_leads_to_a_leaf_without_priority(seed):
    rng = np.random.default_rng(seed)
    priorities = np.where(rng.random(1_000) < 0.9, 0.0, rng.random(1_000) ** 20)
    tree = SumTree(1_000)
    tree.set(np.arange(1_000), priorities)
    shares = np.concatenate([[0.0, np.nextafter(1.0, 0.0)], rng.random(5_000)])
    assert (priorities[tree.find(shares)] > 0.0).all()


def test_of_a_leaf_named_twice_the_last_priority_counts():
    tree = SumTree(4)
    tree.set(np.array([2, 1, 2]), [5.0, 1.0, 3.0])
    assert tree[np.array([2])] == 3.0
    assert tree.total == 4.0
