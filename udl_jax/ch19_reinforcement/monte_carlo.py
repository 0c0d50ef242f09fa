"""Monte Carlo control: play many episodes, average what came of each action, and do what was best."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int, Key

from udl_jax import _checks
from udl_jax._annotations import checked
from udl_jax.ch19_reinforcement.chains import policy_chain
from udl_jax.ch19_reinforcement.episode_lane import Played, Source, Stream, play
from udl_jax.ch19_reinforcement.experience import draw_starts
from udl_jax.ch19_reinforcement.processes import (
    Mdp,
    check_ends,
    check_fraction,
    check_index,
    check_mdp,
    check_policy,
)
from udl_jax.ch19_reinforcement.soft_policies import epsilon_greedy

#: The notebook adds this to counts, so that nothing is divided by zero.
TINY = 1e-5
#: Pairs of uniform numbers that are drawn at a time.
BLOCK = 4096


class Control(NamedTuple):
    """What every update of a policy came to.

    Attributes
    ----------
    policies
        An action for each state.
    action_values
        Averages of returns from which the policy was made.
    steps
        Length of all episodes of the update together.
    longest
        Length of the longest.
    """

    policies: Int[Array, "updates states"]
    action_values: Float[Array, "updates actions states"]
    steps: Int[Array, " updates"]
    longest: Int[Array, " updates"]


@checked
def run_episodes(
    mdp: Mdp,
    policy: Float[Array, "actions states"],
    starts: Int[Array, " episodes"],
    uniforms: Float[Array, "pairs 2"],
    gamma: Float[ArrayLike, ""],
) -> Played:
    """Play one episode after the other and sum the returns after each visit, without keeping any episode.

    Parameters
    ----------
    mdp
        The decision process.
    policy
        Probabilities of actions.
    starts
        First state of each episode.
    uniforms
        Draws from [0, 1), two a step: which action, and where it leads. When all are used up, they begin anew.
    gamma
        Discount factor, from 0 to 1.

    Returns
    -------
    Played
        Sums and numbers of visits; how many steps it took.

    Raises
    ------
    ValueError
        If ``gamma`` lies outside [0, 1], if process and policy do not fit to each other, if an episode would begin in
        a terminal state, or the policy comes to none.

    References
    ----------
    Prince (2023), section 19.3.2.

    Examples
    --------
    >>> from udl_jax.ch19_reinforcement.grids import icy_grid
    >>> right = epsilon_greedy(jnp.full(16, 1), 0.0)
    >>> played = run_episodes(icy_grid(), right, [13], jnp.full((2, 2), 0.5), 0.9)
    >>> print(played.steps, played.experience.counts[1, 12:])
    2 [0 1 1 0]
    """
    mdp, gamma = _check(mdp, gamma, starts)
    policy = check_policy(mdp, policy)
    check_ends(mdp, policy_chain(mdp, policy))
    return play(mdp, policy, starts, gamma, *_from_array(uniforms, mdp))[0]


@checked
def control(
    mdp: Mdp,
    policy: Int[Array, " states"],
    starts: Int[Array, "updates episodes"],
    uniforms: Float[Array, "pairs 2"],
    gamma: Float[ArrayLike, ""],
    epsilon: Float[ArrayLike, ""] = 0.2,
    memory: Float[ArrayLike, ""] = 0.0,
) -> Control:
    r"""Play episodes and improve the policy in turn.

    Parameters
    ----------
    mdp
        The decision process.
    policy
        Where to begin: an action for each state.
    starts
        First state of each episode of each update.
    uniforms
        Draws from [0, 1), two a step. When all are used up, they begin anew.
    gamma
        Discount factor, from 0 to 1.
    epsilon
        Probability of not following the policy while playing, more than 0.
    memory
        How much of the sums of returns, and of the numbers of visits, is kept from update to update: 0 for nothing, as
        in the notebook, 1 for everything; in between, what is long ago fades. What was never visited counts as zero.

    Returns
    -------
    Control
        Policies and action values after each update.

    Raises
    ------
    ValueError
        If ``gamma`` or ``memory`` lies outside [0, 1], ``epsilon`` outside (0, 1], an episode would begin in a
        terminal state, or there are states from which none is reached.

    References
    ----------
    Prince (2023), section 19.3.2, equation 19.13. Notebook 19.3.

    Examples
    --------
    >>> from udl_jax.ch19_reinforcement.grids import icy_grid
    >>> uniforms = jax.random.uniform(jax.random.key(0), (20_000, 2))
    >>> found = control(icy_grid(), jnp.full(16, 1), jnp.full((3, 20), 7), uniforms, 0.9)
    >>> print(found.policies.shape, found.action_values.shape)
    (3, 16) (3, 4, 16)
    """
    mdp, gamma = _check(mdp, gamma, starts)
    return _improve(mdp, policy, starts, gamma, epsilon, memory, *_from_array(uniforms, mdp))


@checked
def monte_carlo_control(
    key: Key[Array, ""],
    mdp: Mdp,
    policy: Int[Array, " states"],
    updates: int,
    episodes: int,
    gamma: Float[ArrayLike, ""] = 0.9,
    epsilon: Float[ArrayLike, ""] = 0.2,
    memory: Float[ArrayLike, ""] = 0.0,
) -> Control:
    """Draw starts and uniform numbers, as many as it takes, and :func:`control` the process."""
    _checks.count("updates", updates)
    _checks.count("episodes", episodes)
    key, of_starts = jax.random.split(key)
    starts = draw_starts(of_starts, mdp, updates * episodes).reshape(updates, episodes)
    mdp, gamma = _check(mdp, gamma, starts)

    def block(held):
        return held[1]

    def renew(held):
        number = held[0] + 1
        return number, jax.random.uniform(jax.random.fold_in(key, number), (BLOCK, 2), mdp.rewards.dtype)

    nothing = jnp.zeros((BLOCK, 2), mdp.rewards.dtype)
    stream = Stream((jnp.int32(-1), nothing), jnp.int32(BLOCK))
    return _improve(mdp, policy, starts, gamma, epsilon, memory, Source(block, renew), stream)


def _improve(mdp, policy, starts, gamma, epsilon, memory, source, stream) -> Control:
    """Scan over updates."""
    actions = mdp.transitions.shape[2]
    policy = check_policy(mdp, policy)
    check_fraction("epsilon", epsilon)
    _checks.number("epsilon", epsilon, above=0)  # who never tries anything else may go around for ever
    check_ends(mdp, mdp.transitions.sum(2))
    memory = jnp.asarray(check_fraction("memory", memory), mdp.rewards.dtype)

    def update(now, starts):
        policy, (totals, counts), stream = now
        soft = epsilon_greedy(policy, epsilon, actions).astype(mdp.rewards.dtype)
        played, stream = play(mdp, soft, starts, gamma, source, stream)
        totals, counts = (
            memory * totals + played.experience.totals,
            memory * counts + played.experience.counts,
        )
        values = totals / (counts + jnp.asarray(TINY, totals.dtype))
        policy = jnp.argmax(values, axis=0).astype(jnp.int32)
        return (policy, (totals, counts), stream), Control(policy, values, played.steps, played.longest)

    nothing = jnp.zeros(mdp.transitions.shape[:0:-1], mdp.rewards.dtype)
    return jax.lax.scan(update, (policy, (nothing, nothing), stream), starts)[1]


def _from_array(uniforms: Array, mdp: Mdp) -> tuple[Source, Stream]:
    """Read given numbers from the first to the last, and then again."""
    _checks.values("uniforms", uniforms, lambda u: (u >= 0) & (u <= 1), "draws from [0, 1)")
    dtype = mdp.rewards.dtype
    below_one = 1 - jnp.finfo(dtype).epsneg  # draws in double precision may be rounded up to one
    uniforms = jnp.minimum(uniforms.astype(dtype), below_one)
    return Source(lambda _: uniforms, lambda held: held), Stream((), jnp.int32(0))


def _check(mdp, gamma, starts) -> tuple[Mdp, Array]:
    mdp = check_mdp(mdp)
    rewards = mdp.rewards.astype(_checks.at_least_single(mdp.rewards.dtype))
    mdp = mdp._replace(rewards=rewards, transitions=mdp.transitions.astype(rewards.dtype))
    check_index("starts", starts, len(rewards), "states")
    if not _checks.is_traced((starts, mdp.terminal)) and mdp.terminal[starts].any():
        raise ValueError("starts must not be terminal states, where nothing can be done")
    return mdp, jnp.asarray(check_fraction("gamma", gamma), rewards.dtype)
