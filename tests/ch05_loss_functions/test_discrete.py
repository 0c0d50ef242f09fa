import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from udl_jax.ch05_loss_functions.discrete import Bernoulli, Categorical, PlackettLuce, Poisson

RNG = np.random.default_rng(0)
OUTPUTS = RNG.normal(scale=4, size=(40, 5))


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


@jax.jit
def log_density(distribution, y):
    return distribution.log_density(y)


def test_bernoulli_is_that_of_scipy():
    coins, y = Bernoulli(jnp.asarray(OUTPUTS[:, 0])), RNG.integers(2, size=40)
    theirs = stats.bernoulli.logpmf(y, coins.probability)
    np.testing.assert_allclose(log_density(coins, y), theirs, rtol=1e-9)


def test_categorical_is_that_of_scipy():
    dice, y = Categorical.from_outputs(jnp.asarray(OUTPUTS)), RNG.integers(5, size=40)
    # scipy wants probabilities that add up to one exactly
    shares = np.array(dice.probabilities) / np.sum(dice.probabilities, axis=1, keepdims=True)
    theirs = stats.multinomial.logpmf(np.eye(5)[y], 1, shares)
    np.testing.assert_allclose(log_density(dice, y), theirs, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("dtype", ["int32", "float64"])
def test_poisson_is_that_of_scipy(dtype):
    events, y = Poisson.from_outputs(jnp.asarray(OUTPUTS[:, :1])), RNG.poisson(3, size=40)
    theirs = stats.poisson.logpmf(y, events.rate)
    np.testing.assert_allclose(log_density(events, jnp.asarray(y, dtype)), theirs, rtol=1e-11)


def test_bernoulli_is_categorical_with_two_labels():
    z, y = jnp.asarray(OUTPUTS[:, 0]), jnp.asarray(RNG.integers(2, size=40))
    two = Categorical(jnp.stack([jnp.zeros(40), z], axis=1))
    np.testing.assert_allclose(log_density(Bernoulli(z), y), log_density(two, y), rtol=1e-12)


def test_rankings_have_probability_one_in_all():
    scores = jnp.asarray(OUTPUTS[0])
    rankings = jnp.array(list(itertools.permutations(range(5))))
    chances = jnp.exp(log_density(PlackettLuce(jnp.tile(scores, (120, 1))), rankings))
    np.testing.assert_allclose(chances.sum(), 1, rtol=1e-12)
    first = jnp.zeros(5).at[rankings[:, 0]].add(chances)
    np.testing.assert_allclose(first, jax.nn.softmax(scores), rtol=1e-10)


def test_ranking_two_items_is_choosing_one():
    scores = jnp.asarray(OUTPUTS[:, :2])
    rankings = jnp.tile(jnp.array([1, 0]), (40, 1))
    choice = Bernoulli(scores[:, 1] - scores[:, 0]).log_density(jnp.ones(40))
    np.testing.assert_allclose(log_density(PlackettLuce.from_outputs(scores), rankings), choice, atol=1e-12)


def test_ranking_does_not_mind_what_the_items_are_called():
    scores, ranking = jnp.asarray(OUTPUTS[0]), jnp.array([3, 1, 4, 0, 2])
    renamed = log_density(PlackettLuce(scores[ranking]), jnp.arange(5))
    np.testing.assert_allclose(log_density(PlackettLuce(scores), ranking), renamed, rtol=1e-12)


@pytest.mark.parametrize("cls, y", [(Categorical, 2), (PlackettLuce, [2, 4, 0, 1, 3])])
def test_only_differences_of_outputs_count(cls, y):
    outputs = jnp.asarray(OUTPUTS[0])
    np.testing.assert_allclose(
        log_density(cls(outputs), jnp.array(y)), log_density(cls(outputs + 700.0), jnp.array(y)), rtol=1e-11
    )


@pytest.mark.parametrize(
    "distribution, y, told",
    [
        (Bernoulli(jnp.zeros(2)), [0, 2], "0 or 1, got 2"),
        (Bernoulli(jnp.zeros(2)), [0.5, 1], r"0 or 1, got 0\.5"),
        (Categorical(jnp.zeros((2, 3))), [0, 3], "labels 0 to 2, got 3"),
        (Categorical(jnp.zeros((2, 3))), [-1, 0], "labels 0 to 2, got -1"),
        (Poisson(jnp.ones(2)), [0, -2], "counts 0, 1, 2, ..., got -2"),
        (Poisson(jnp.ones(2)), [0, 1.5], r"counts 0, 1, 2, ..., got 1\.5"),
        (PlackettLuce(jnp.zeros((2, 3))), [[0, 1, 2], [0, 2, 2]], r"permutations of 0 to 2, got \[0 2 2\]"),
    ],
)
def test_impossible_observation_is_told(distribution, y, told):
    with pytest.raises(ValueError, match=f"y must be {told}"):
        distribution.log_density(jnp.array(y))


@pytest.mark.parametrize("cls", [Bernoulli, Poisson])
def test_wrong_number_of_outputs_is_told(cls):
    with pytest.raises(ValueError, match="takes 1 output an example, got 2"):
        cls.from_outputs(jnp.zeros((4, 2)))
