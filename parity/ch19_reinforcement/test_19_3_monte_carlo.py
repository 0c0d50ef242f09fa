"""Notebook 19.3: Monte Carlo methods."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch19_reinforcement import episode_lane, grids, monte_carlo, soft_policies
from udl_jax.ch19_reinforcement.markov_decision_process import Rollout, returns, rollout

GAMMA = 0.9


def test_tables(reference, agrees):
    book, ice = reference("19_3"), grids.icy_grid()
    agrees(ice.transitions, book["transitions"], kind="value", quantity="Pr(s'|s, a), 16 x 16 x 4")
    agrees(ice.rewards, book["rewards"], kind="value", quantity="rewards for arriving")


def test_one_episode(reference, agrees):
    book = reference("19_3").under("episode")
    draws, steps = np.random.RandomState(6), len(book["actions"])
    policy = draws.choice(size=16, a=np.arange(4))
    agrees(policy, book["policy"], kind="draws", quantity="random policy")
    soft = soft_policies.epsilon_greedy(policy)
    agrees(soft, book["soft"], kind="value", quantity="epsilon-greedy version of a policy")
    path = rollout(grids.icy_grid(), soft, 5, draws.random_sample((steps, 2)))
    agrees(path.states, book["states"].astype(int), kind="draws", quantity="states of an episode")
    agrees(path.actions, book["actions"].astype(int), kind="draws", quantity="actions of an episode")
    agrees(path.rewards, book["rewards"], kind="draws", quantity="rewards of an episode")
    assert episode_lane.first_end(grids.icy_grid(), path.states) == steps
    agrees(returns(path.rewards, GAMMA), book["returns"], kind="value", quantity="returns of an episode")


@pytest.fixture
def draws(reference):
    """Draw again all that the control drew: its policy, the starts, and two uniform numbers a step."""
    lengths = np.asarray(reference("19_3")["lengths"])
    generator = np.random.RandomState(0)
    policy, starts, uniforms = generator.choice(size=16, a=np.arange(4)), [], []
    for length in lengths:
        starts.append(generator.randint(15))
        uniforms.append(generator.random_sample((length, 2)))
    return policy, np.reshape(starts, (-1, 100)), np.concatenate(uniforms)


def test_control(reference, agrees, draws):
    book = reference("19_3")
    policy, starts, uniforms = draws
    agrees(starts.ravel(), book["starts"], kind="draws", quantity="starts of 1,500 episodes")
    found = jax.jit(monte_carlo.control)(grids.icy_grid(), policy, starts, uniforms, GAMMA)
    agrees(
        found.action_values, book["values"], kind="draws", quantity="action values after each of 15 updates"
    )
    agrees(found.policies, book["policies"], kind="draws", quantity="policies after each of 15 updates")
    lengths = np.reshape(book["lengths"], (-1, 100))
    agrees(found.steps, lengths.sum(1), kind="draws", quantity="steps of each of 15 updates")
    agrees(found.longest, lengths.max(1), kind="draws", quantity="longest episode of each of 15 updates")


def test_totals_and_counts(reference, agrees, draws):
    book = reference("19_3")
    policy, starts, uniforms = draws
    play, at = jax.jit(monte_carlo.run_episodes), 0
    for k, before in enumerate((policy, *np.asarray(book["policies"])[:2])):
        steps = int(np.asarray(book["lengths"])[100 * k : 100 * k + 100].sum())
        soft = soft_policies.epsilon_greedy(before)
        played = play(grids.icy_grid(), soft, starts[k], uniforms[at : at + steps], GAMMA)
        told = f"100 episodes of update {k + 1}"
        agrees(played.experience.totals, book["totals"][k], kind="draws", quantity=f"sums of returns, {told}")
        agrees(
            played.experience.counts, book["counts"][k].astype(int), kind="draws", quantity=f"visits, {told}"
        )
        at += steps


def test_recorded_episodes(reference, agrees):
    book, ice = reference("19_3"), grids.icy_grid()
    lengths, starts = np.asarray(book["lengths"])[:300], np.asarray(book["starts"])[:300]
    ends = np.cumsum(lengths)
    longest = int(lengths.max())
    states, actions = np.full((300, longest + 1), 15), np.zeros((300, longest), int)
    for k, (end, length) in enumerate(zip(ends, lengths)):
        states[k, : length + 1] = [starts[k], *np.asarray(book["states"])[end - length : end]]
        actions[k, :length] = np.asarray(book["actions"])[end - length : end]
    rewards = np.asarray(ice.rewards)[states[:, 1:]]
    summed = jax.jit(jax.vmap(lambda *path: episode_lane.visit_returns(ice, Rollout(*path), GAMMA)))
    found = summed(jnp.asarray(states), jnp.asarray(actions), jnp.asarray(rewards))
    totals, counts = (np.asarray(part).reshape(3, 100, 4, 16).sum(1) for part in found)
    agrees(totals, book["totals"], kind="draws", quantity="sums of returns of 300 recorded episodes")
    agrees(counts, book["counts"].astype(int), kind="draws", quantity="visits of 300 recorded episodes")


def test_policies_of_our_own_draws(reference, agrees):
    book, ice = reference("19_3"), grids.icy_grid()

    def worth(policies):
        each = jax.vmap(lambda p: soft_policies.mean_value(ice, soft_policies.epsilon_greedy(p), GAMMA))
        return jax.lax.map(each, policies)[:, 2:].mean(1)

    def run(key):
        of_policy, key = jax.random.split(key)
        policy = jax.random.randint(of_policy, (16,), 0, 4)
        return monte_carlo.monte_carlo_control(key, ice, policy, 12, 100, GAMMA).policies

    ours = worth(jax.lax.map(run, jax.random.split(jax.random.key(0), 10)))
    theirs = worth(book["other_seeds"].astype(int))
    agrees(ours, theirs, kind="distribution", quantity="mean value of the policies of updates 3 to 12")
