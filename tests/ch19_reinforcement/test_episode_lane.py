import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch19_reinforcement import episode_lane, grids, soft_policies
from udl_jax.ch19_reinforcement.episode_lane import Source, Stream
from udl_jax.ch19_reinforcement.markov_decision_process import Rollout, rollout

ICE = grids.icy_grid()
SOFT = soft_policies.epsilon_greedy(np.random.default_rng(3).integers(0, 4, 16), 0.4)
STARTS = np.random.default_rng(4).integers(0, 15, 12)
UNIFORMS = np.random.default_rng(5).random((40_000, 2)).astype(np.float32)


def play(gamma, uniforms=UNIFORMS, mdp=ICE, block=None):
    """Play in one lane, from numbers that lie at hand all at once or in blocks."""
    uniforms = jnp.asarray(uniforms, mdp.rewards.dtype)
    if block is None:
        source, stream = Source(lambda _: uniforms, lambda held: held), Stream((), jnp.int32(0))
    else:
        blocks = uniforms.reshape(-1, block, 2)
        source = Source(lambda held: blocks[held], lambda held: held + 1)
        stream = Stream(jnp.int32(-1), jnp.int32(block))
    return episode_lane.play(
        mdp, SOFT, jnp.asarray(STARTS), jnp.asarray(gamma, mdp.rewards.dtype), source, stream
    )


def one_by_one(gamma):
    """Play the same episodes, keep each, and sum its returns as the notebook does."""
    at, sums, lengths = 0, [], []
    follow = jax.jit(rollout)
    for start in STARTS:
        path = follow(ICE, SOFT, start, np.roll(UNIFORMS, -at, axis=0)[:4000])
        lengths.append(int(episode_lane.first_end(ICE, path.states)))
        sums.append(episode_lane.visit_returns(ICE, path, gamma))
        at += lengths[-1]
    return jax.tree.map(lambda *each: np.sum(each, axis=0), *sums), lengths


@pytest.mark.parametrize("gamma", [0.0, 0.5, 0.9, 1.0])
def test_the_lane_sums_what_kept_episodes_sum(gamma):
    played, stream = jax.jit(play)(gamma)
    sums, lengths = one_by_one(gamma)
    np.testing.assert_array_equal(played.experience.counts, sums.counts)
    scale = np.abs(sums.totals).max()
    np.testing.assert_allclose(played.experience.totals / scale, sums.totals / scale, atol=2e-5)
    assert (int(played.steps), int(played.longest)) == (sum(lengths), max(lengths))
    assert int(stream.at) == sum(lengths)


@pytest.mark.parametrize("block", [1, 7, 4000])
def test_blocks_of_numbers_are_one_stream(block):
    uniforms = UNIFORMS[: len(UNIFORMS) // 28_000 * 28_000]
    whole, pieces = (jax.jit(lambda b=b: play(0.9, uniforms, block=b))()[0] for b in (None, block))
    np.testing.assert_array_equal(whole.experience.counts, pieces.experience.counts)
    np.testing.assert_allclose(whole.experience.totals, pieces.experience.totals, rtol=1e-4, atol=1e-3)


def test_numbers_that_are_used_up_begin_anew():
    few, again = play(0.9, UNIFORMS[:50])[0], play(0.9, np.tile(UNIFORMS[:50], (400, 1)))[0]
    np.testing.assert_array_equal(few.experience.counts, again.experience.counts)


def test_long_ways_without_a_reward_lose_no_digits():
    # From 0 down to 1 a hundred thousand states would do; here one state leads to itself 999 times of 1,000.
    table = jnp.array([[[0.999], [0.0]], [[0.001], [0.0]]])
    mdp = grids.Mdp(table, jnp.array([0.0, 1.0]), jnp.array([False, True]))
    uniforms = np.append(np.full(999, 0.5), 0.9995)
    pairs = jnp.asarray(np.stack([np.zeros(1000), uniforms], axis=1), jnp.float32)
    source = Source(lambda _: pairs, lambda held: held)
    start = (jnp.zeros(1, jnp.int32), jnp.float32(0.9), source, Stream((), jnp.int32(0)))
    played = episode_lane.play(mdp, jnp.ones((1, 2)), *start)[0]
    assert int(played.longest) == 1000
    np.testing.assert_allclose(played.experience.totals, [[10.0, 0.0]], rtol=1e-5)


def test_steps_after_the_end_do_not_count():
    path = Rollout(jnp.array([13, 14, 15, 15]), jnp.array([1, 1, 2]), jnp.array([-2.0, 3.0, 7.0]))
    sums = episode_lane.visit_returns(ICE, path, 0.5)
    assert sums.counts.sum() == 2
    np.testing.assert_allclose(sums.totals[1, 13:15], [-0.5, 3.0])
    assert episode_lane.first_end(ICE, path.states) == 2
    assert episode_lane.first_end(ICE, [0, 1, 2]) == 2


def test_each_visit_of_a_state_counts():
    path = Rollout(jnp.array([13, 13, 14]), jnp.array([2, 2]), jnp.array([1.0, 1.0]))
    sums = episode_lane.visit_returns(ICE, path, 1.0)
    assert (int(sums.counts[2, 13]), float(sums.totals[2, 13])) == (2, 3.0)


def test_bad_input_is_told():
    path = Rollout(jnp.array([0, 1, 2]), jnp.array([1, 1]), jnp.array([0.0, 0.0]))
    with pytest.raises(
        ValueError, match=r"path must have a state before, an action and a reward for each step"
    ):
        episode_lane.visit_returns(ICE, path._replace(actions=jnp.array([1])), 0.9)
    with pytest.raises(ValueError, match="states must be one of 16 states counted from 0, got 16"):
        episode_lane.first_end(ICE, [0, 16])
    with pytest.raises(ValueError, match="actions must be one of 4 actions counted from 0, got 4"):
        episode_lane.visit_returns(ICE, path._replace(actions=jnp.array([1, 4])), 0.9)
    with pytest.raises(ValueError, match=r"gamma must lie in \[0, 1\], got 2"):
        episode_lane.visit_returns(ICE, path, 2.0)
