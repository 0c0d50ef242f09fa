import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from udl_jax import training
from udl_jax.ch03_shallow_networks.shallow_network import ShallowNetwork
from udl_jax.ch05_loss_functions import distributions, heads, least_squares
from udl_jax.data import toy

X = toy.univariate_regression_points().x[:, None]
DATA = {
    heads.ConstantGaussianHead: (1, toy.univariate_regression_points().y),
    heads.GaussianHead: (2, toy.univariate_regression_points().y),
    heads.BernoulliHead: (1, toy.binary_classification_points().y),
    heads.CategoricalHead: (3, toy.multiclass_classification_points().y),
}


def fit(head, y, steps=2000):
    variables = jax.jit(head.init)(jax.random.key(0), X)
    return heads.fit(head, variables, training.Examples(X, y), optax.adam(0.02), steps=steps)


@functools.cache
def fitted(cls):
    outputs, y = DATA[cls]
    head = cls(ShallowNetwork(3, outputs))
    return head, *fit(head, y)


@pytest.mark.parametrize("cls", DATA)
def test_training_lowers_the_loss(cls):
    _, state, history = fitted(cls)
    assert history.train.loss[-1] < history.train.loss[0] - 1
    assert state.failed_at[0] == -1


def test_constant_deviation_is_trained_to_the_closed_form():
    head, state, _ = fitted(heads.ConstantGaussianHead)
    predicted = head.apply(state.variables, X)
    assert jnp.ptp(predicted.deviation) == 0
    best = least_squares.best_deviation(DATA[heads.ConstantGaussianHead][1], predicted.mean)
    np.testing.assert_allclose(predicted.deviation[0], best, rtol=1e-3)


def test_variance_that_may_vary_fits_better():
    *_, constant = fitted(heads.ConstantGaussianHead)
    *_, varying = fitted(heads.GaussianHead)
    assert varying.train.loss[-1] < constant.train.loss[-1] - 1


def test_any_distribution_goes_on_any_network():
    head = heads.DistributionHead(ShallowNetwork(4, 1), distributions.Poisson)
    _, history = fit(head, jnp.arange(20) % 4, steps=50)
    assert history.train.loss[-1] < history.train.loss[0]


def test_parameters_have_the_dtype_of_the_data():
    with jax.enable_x64(True):
        head = heads.ConstantGaussianHead(ShallowNetwork(3))
        predicted, variables = jax.jit(head.init_with_output)(jax.random.key(0), X.astype("float64"))
        assert {leaf.dtype for leaf in jax.tree.leaves((predicted, variables))} == {jnp.dtype("float64")}


@pytest.mark.parametrize("cls", [heads.ConstantGaussianHead, heads.BernoulliHead])
def test_too_many_outputs_are_told(cls):
    with pytest.raises(ValueError, match="takes 1 output an example, got 2"):
        cls(ShallowNetwork(3, 2)).init(jax.random.key(0), X)


def test_too_few_outputs_are_told():
    with pytest.raises(ValueError, match="the normal distribution takes 2 outputs an example, got 1"):
        heads.GaussianHead(ShallowNetwork(3, 1)).init(jax.random.key(0), X)


def test_label_out_of_range_is_told():
    with pytest.raises(ValueError, match=r"labels must lie in 0\.\.1, got values from 0 to 2"):
        fit(heads.CategoricalHead(ShallowNetwork(3, 2)), toy.multiclass_classification_points().y)


def test_no_steps_are_told():
    with pytest.raises(ValueError, match="steps must be at least 1, got 0"):
        fit(heads.BernoulliHead(ShallowNetwork(3)), DATA[heads.BernoulliHead][1], steps=0)
