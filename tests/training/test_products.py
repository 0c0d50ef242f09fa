import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from udl_jax.training.products import dot_general

OURS, JAXS = nn.Dense(3, dot_general=dot_general), nn.Dense(3)


@pytest.fixture
def variables():
    return JAXS.init(jax.random.key(0), jnp.ones((1, 4)))


@pytest.fixture(params=[(5, 4), (4,), (2, 5, 4)], ids=["rows", "a single example", "two axes of examples"])
def x(request):
    return jax.random.normal(jax.random.key(1), request.param)


def loss(layer):
    return lambda variables, x: jnp.sum(jnp.sin(layer.apply(variables, x)) ** 2)


def assert_close(ours, theirs):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), ours, theirs)


@pytest.mark.parametrize(
    "transform",
    [
        lambda f: jax.grad(f, (0, 1)),
        lambda f: jax.jacfwd(f, (0, 1)),
        jax.hessian,
        lambda f: jax.jit(jax.grad(f)),
        lambda f: (
            lambda v, x: jax.vmap(jax.grad(f), (0, None))(jax.tree.map(lambda a: jnp.stack([a, 2 * a]), v), x)
        ),
    ],
    ids=["grad", "jacfwd", "hessian", "jit", "vmap"],
)
def test_layer_and_all_its_derivatives_are_those_of_an_ordinary_one(variables, x, transform):
    assert_close(OURS.apply(variables, x), JAXS.apply(variables, x))
    assert_close(transform(loss(OURS))(variables, x), transform(loss(JAXS))(variables, x))


def test_precision_that_the_caller_asks_for_reaches_jax(variables):
    layer = nn.Dense(3, dot_general=dot_general, precision=jax.lax.Precision.HIGHEST)
    shown = str(jax.make_jaxpr(layer.apply)(variables, jnp.ones((5, 4))))
    assert "HIGHEST" in shown
