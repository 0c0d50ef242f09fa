import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch19_reinforcement import episodes
from udl_jax.ch19_reinforcement.grids import icy_grid

ICE = icy_grid()
THETA = jax.random.normal(jax.random.key(0), (4, 16))


@pytest.fixture(scope="module")
def played():
    sample = jax.jit(episodes.sample_episodes, static_argnames=("episodes", "steps"))
    return jax.tree.map(np.asarray, sample(jax.random.key(1), THETA, ICE, episodes=3000, steps=30))


def test_nothing_comes_after_an_end(played):
    assert played.states.shape == (3000, 31)
    np.testing.assert_array_equal(played.alive, played.states[:, :-1] != 15)
    assert (played.rewards[~played.alive] == 0).all()
    np.testing.assert_array_equal(
        played.rewards[played.alive], np.asarray(ICE.rewards)[played.states[:, 1:][played.alive]]
    )
    assert set(played.states[:, 0]) == set(range(15))


def test_actions_follow_the_softmax(played):
    policy = np.asarray(jax.nn.softmax(THETA, axis=0))
    for state in (0, 6, 13):
        here = played.actions[played.alive & (played.states[:, :-1] == state)]
        shares = np.bincount(here, minlength=4) / len(here)
        assert np.abs(shares - policy[:, state]).max() < 2 / np.sqrt(len(here))


def test_normalized_numbers_have_mean_zero_and_deviation_one_or_are_zero():
    values = episodes.normalize(jax.random.normal(jax.random.key(2), (30, 4)) * 7 + 3)
    np.testing.assert_allclose([values.mean(), values.std()], [0, 1], atol=1e-5)
    for alike in (jnp.full(5, 2.5), jnp.array([3.0]), jnp.zeros((2, 2))):
        assert (episodes.normalize(alike) == 0).all()
        assert jnp.isfinite(jax.grad(lambda x: episodes.normalize(x).sum())(alike)).all()


def test_under_vmap_it_is_the_same():
    keys = jax.random.split(jax.random.key(3), 3)
    sample = lambda key: episodes.sample_episodes(key, THETA, ICE, 4, 6)  # noqa: E731
    several, alone = jax.jit(jax.vmap(sample))(keys), jax.jit(sample)(keys[2])
    np.testing.assert_array_equal(several.states[2], alone.states)


def test_bad_input_is_told():
    draws = jnp.full((2, 3, 2), 0.5)
    with pytest.raises(ValueError, match="where episodes is 3 as in starts"):
        episodes.play(THETA, ICE, jnp.zeros(3, int), draws)
    with pytest.raises(ValueError, match=r"uniforms must have the shape"):
        episodes.play(THETA, ICE, jnp.zeros(2, int), draws[..., :1])
    with pytest.raises(ValueError, match="policy must have the shape"):
        episodes.play(THETA[:, :7], ICE, jnp.zeros(2, int), draws)
    with pytest.raises(ValueError, match="episodes must be at least 1"):
        episodes.sample_episodes(jax.random.key(0), THETA, ICE, 0)
    with pytest.raises(ValueError, match="steps must be at least 1"):
        episodes.sample_episodes(jax.random.key(0), THETA, ICE, 3, 0)
