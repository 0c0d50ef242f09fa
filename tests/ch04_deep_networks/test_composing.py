import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch04_deep_networks import composing
from udl_jax.ch04_deep_networks.composing import Shallow

FIRST = Shallow(jnp.array([[0.0, -1.0], [0.0, 1.0], [-0.67, 1.0]]), jnp.array([[1.0, -2.0, -3.0, 9.3]]))
SECOND = Shallow(jnp.array([[-0.6, -1.0], [0.2, 1.0], [-0.5, 1.0]]), jnp.array([[0.5, -1.0, -1.5, 2.0]]))
X = jnp.linspace(-1, 1, 201)[:, None]


def draw(hidden=3, inputs=1, outputs=1, seed=0):
    rng = np.random.default_rng(seed)
    sizes = (hidden, 1 + inputs), (outputs, 1 + hidden)
    return Shallow(*(jnp.asarray(rng.normal(size=size)) for size in sizes))


def test_no_network_changes_nothing():
    assert composing.compose([], X) is X


def test_composition_can_be_cut_anywhere():
    networks = [draw(seed=seed) for seed in range(4)]
    whole = composing.compose(networks, X)
    for cut in range(5):
        half = composing.compose(networks[:cut], X)
        np.testing.assert_allclose(composing.compose(networks[cut:], half), whole, rtol=1e-5, atol=1e-6)


def test_networks_may_hand_over_several_values():
    networks = [draw(hidden=4, inputs=2, outputs=3), draw(hidden=2, inputs=3, outputs=2)]
    assert composing.compose(networks, jnp.ones((7, 2)), jnp.tanh).shape == (7, 2)


def test_composition_compiles():
    compiled = jax.jit(composing.compose, static_argnames="activation")
    y = compiled([FIRST, SECOND], X)
    np.testing.assert_allclose(y, composing.compose([FIRST, SECOND], X), rtol=1e-5, atol=1e-5)


def slopes(networks, x):
    return jax.vmap(jax.grad(lambda z: composing.compose(networks, z[None])[0]))(x)


def test_slope_of_the_composition_is_the_product_of_the_slopes():
    x = X[1:-1:7, 0]
    middle = composing.compose([FIRST], x[:, None])[:, 0]
    product = slopes([FIRST], x) * slopes([SECOND], middle)
    np.testing.assert_allclose(slopes([FIRST, SECOND], x), product, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("copies", range(4))
def test_slope_changes_at_the_joints_and_nowhere_else(copies):
    networks = [FIRST] * copies + [SECOND]
    joints = composing.find_joints(networks, -1.0, 1.0)
    assert composing.count_regions(networks, -1.0, 1.0) == 1 + len(joints)
    edges = np.concatenate([[-1.0], joints, [1.0]])
    inside = np.stack([edges[:-1] + share * np.diff(edges) for share in (0.1, 0.9)])
    early, late = slopes(networks, jnp.asarray(inside.ravel())).reshape(2, -1)
    np.testing.assert_allclose(early, late, rtol=1e-4, atol=1e-4)
    assert jnp.all(jnp.abs(jnp.diff(early)) > 0.1)


def test_regions_multiply_while_each_piece_sweeps_the_whole_range():
    regions = [composing.count_regions([FIRST] * copies + [SECOND], -1.0, 1.0) for copies in range(6)]
    assert regions == [4 * 3**copies for copies in range(6)]


def test_regions_multiply_no_longer_once_a_piece_stops_halfway():
    halved = FIRST._replace(phi=FIRST.phi.at[0, 1].multiply(0.5))
    for copies in range(1, 5):
        assert composing.count_regions([halved] * copies + [SECOND], -1.0, 1.0) < 4 * 3**copies


def test_network_that_does_not_fit_is_told():
    with pytest.raises(ValueError, match="network 1 takes 1 inputs, but what goes into it has 2 values"):
        composing.compose([draw(outputs=2), draw()], X)


def test_joints_need_one_input():
    with pytest.raises(ValueError, match=r"layer 0 takes 2 values, .* but 1 come in"):
        composing.find_joints([draw(inputs=2)], -1.0, 1.0)
