import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch19_reinforcement import grids, processes
from udl_jax.ch19_reinforcement.processes import Mdp


def test_numbers_and_lists_become_arrays():
    mdp = processes.check_mdp(Mdp([[[1], [0]], [[0], [1]]], [0, 1], [False, False]))
    assert mdp.transitions.dtype == mdp.rewards.dtype == jnp.float32


@pytest.mark.parametrize(
    ("parts", "error", "message"),
    [
        (
            {"transitions": np.ones((2, 3, 1))},
            ValueError,
            r"shape \(states, states, actions\), got \(2, 3, 1\)",
        ),
        ({"transitions": np.eye(2)}, ValueError, "transitions must have 3 axes"),
        (
            {"transitions": np.full((2, 2, 1), 0.4)},
            ValueError,
            "must sum to 1 over next states, got 0.8 from state 0",
        ),
        (
            {"transitions": np.eye(2)[..., None] * 0},
            ValueError,
            "must sum to 1 over next states, got 0 from state 0",
        ),
        ({"transitions": np.array([[2, 0], [-1, 1]])[..., None]}, ValueError, "must not be negative, got -1"),
        ({"transitions": np.full((2, 2, 1), np.nan)}, ValueError, "must not be negative, got nan"),
        (
            {"rewards": np.zeros((2, 1))},
            ValueError,
            r"rewards must have the shape of the states, \(2,\), got \(2, 1\)",
        ),
        ({"rewards": np.array([0, np.inf])}, ValueError, "rewards must be finite, got inf"),
        ({"terminal": np.zeros(3, bool)}, ValueError, r"terminal must have the shape of the states, \(2,\)"),
        ({"terminal": np.zeros(2)}, TypeError, "terminal must hold booleans, got float32"),
        (
            {"terminal": np.array([True, False])},
            ValueError,
            "must be 0, since nothing leads out of a terminal state",
        ),
    ],
)
def test_processes_that_are_none_are_told(parts, error, message):
    good = Mdp(np.eye(2)[..., None], np.zeros(2), np.zeros(2, bool))
    with pytest.raises(error, match=message):
        processes.check_mdp(good._replace(**parts))


def test_other_things_are_no_process():
    with pytest.raises(TypeError, match="mdp must be an Mdp, got tuple"):
        processes.check_mdp((1, 2, 3))


def test_a_policy_is_actions_or_their_probabilities():
    mdp = grids.icy_grid()
    assert processes.check_policy(mdp, np.zeros(16, np.uint8)).dtype == jnp.int32
    assert processes.check_policy(mdp, np.full((4, 16), 0.25)).shape == (4, 16)
    with pytest.raises(
        ValueError, match=r"policy must have the shape of the states, \(16,\).* got \(16, 4\)"
    ):
        processes.check_policy(mdp, np.full((16, 4), 0.25))
    with pytest.raises(ValueError, match="policy must be one of 4 actions counted from 0, got 4"):
        processes.check_policy(mdp, np.full(16, 4))
    with pytest.raises(TypeError, match="policy must hold integers, an action for each state, got float32"):
        processes.check_policy(mdp, np.zeros(16))
    with pytest.raises(ValueError, match=r"policy must be probabilities that sum to 1, got 1\.2"):
        processes.check_policy(mdp, np.full((4, 16), 0.3))
    with pytest.raises(ValueError, match="policy must be probabilities, got -1"):
        processes.check_policy(mdp, np.array([[2], [-1], [0], [0]]) * np.ones(16))


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_fractions_out_of_range_are_told(value):
    with pytest.raises(ValueError, match=r"gamma must (lie in \[0, 1\]|be a number), got"):
        processes.check_fraction("gamma", value)


def test_one_is_refused_where_it_would_be_too_much():
    assert processes.check_fraction("gamma", 1) == 1
    with pytest.raises(ValueError, match=r"gamma must lie in \[0, 1\), got 1"):
        processes.check_fraction("gamma", 1, below=True)


def test_outcomes_are_those_of_numpy():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(7), 40).T
    uniforms = rng.random(40)
    sums = np.cumsum(probabilities, 0)
    theirs = [np.searchsorted(s / s[-1], u, side="right") for s, u in zip(sums.T, uniforms)]
    with jax.enable_x64(True):
        found = jax.vmap(processes.draw_index)(processes.cumulative(probabilities), uniforms)
    np.testing.assert_array_equal(found, theirs)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_outcomes_of_no_probability_never_come(dtype):
    sums = processes.cumulative(jnp.array([0, 0.33, 0.33, 0.34, 0, 0], dtype))
    assert sums.dtype == jnp.float32
    uniforms = np.append(np.linspace(0, 1, 1001), 1 - 1e-12)  # the last is one in single precision
    found = jax.vmap(lambda u: processes.draw_index(sums, u))(uniforms)
    assert set(np.unique(found).tolist()) == {1, 2, 3}


def test_no_probability_at_all_gives_no_nan():
    np.testing.assert_array_equal(processes.cumulative(jnp.zeros((3, 2))), np.zeros((2, 3)))


def test_indices_are_held_to_their_range():
    processes.check_index("state", np.array([0, 15]), 16, "states")
    with pytest.raises(ValueError, match="state must be one of 16 states counted from 0, got 16"):
        processes.check_index("state", np.array([0, 16]), 16, "states")
