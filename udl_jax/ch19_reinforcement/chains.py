"""What a policy makes of a decision process: a Markov chain, whose long run and whose returns are linear algebra."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int

from udl_jax import _checks
from udl_jax._annotations import checked
from udl_jax.ch19_reinforcement.processes import Mdp, Policy, check_fraction, check_mdp, check_policy


@checked
def probabilities_of(policy: Int[Array, " states"], actions: int) -> Float[Array, "{actions} states"]:
    """Write a policy that always knows what to do as probabilities: one for its action, zero for the others.

    Parameters
    ----------
    policy
        An action for each state.
    actions
        How many there are.

    Returns
    -------
    Float[Array, "actions states"]
        Columns that sum to one.

    Raises
    ------
    ValueError
        If an action does not exist.

    Examples
    --------
    >>> print(probabilities_of([1, 0, 1], 2))
    [[0. 1. 0.]
     [1. 0. 1.]]
    """
    _checks.count("actions", actions)
    _checks.values("policy", policy, lambda v: (v >= 0) & (v < actions), f"actions 0 to {actions - 1}")
    return jax.nn.one_hot(policy, actions, axis=0)


@checked
def policy_chain(mdp: Mdp, policy: Policy) -> Float[Array, "states states"]:
    r"""Average the transitions over what the policy does.

    Parameters
    ----------
    mdp
        The decision process.
    policy
        An action for each state, or the probabilities of actions.

    Returns
    -------
    Float[Array, "states states"]
        :math:`\sum_a \pi(a|s)\,Pr(s'|s, a)`, of shape (next state, state).

    Raises
    ------
    ValueError
        If process and policy do not fit to each other, or are none.

    References
    ----------
    Prince (2023), section 19.1.4, and the sum in equation 19.9.

    Examples
    --------
    >>> from udl_jax.ch19_reinforcement.grids import icy_grid
    >>> print(policy_chain(icy_grid(), jnp.full((4, 16), 0.25))[:8, 0])
    [0.5  0.25 0.   0.   0.25 0.   0.   0.  ]
    """
    mdp = check_mdp(mdp)
    policy = check_policy(mdp, policy)
    if policy.ndim == 1:
        return mdp.transitions[:, jnp.arange(len(policy)), policy]
    return jnp.einsum("nsa,as->ns", mdp.transitions, policy.astype(mdp.transitions.dtype))


@checked
def stationary(chain: Float[Array, "states states"]) -> Float[Array, " states"]:
    r"""Find how often a Markov chain is in each state in the long run.

    Parameters
    ----------
    chain
        Of shape (next state, state); its columns sum to one.

    Returns
    -------
    Float[Array, " states"]
        The distribution with :math:`p = Pr\,p`. It has to be the only one: every state is reached from every other.

    Raises
    ------
    ValueError
        If a column does not sum to one.

    Examples
    --------
    >>> print([f"{share:.3f}" for share in stationary(jnp.array([[0.9, 0.3], [0.1, 0.7]]))])
    ['0.750', '0.250']
    """
    states = len(chain)
    check_mdp(Mdp(chain[..., None], jnp.zeros(states, chain.dtype), jnp.zeros(states, bool)))
    # The equations p - Pr p = 0 say one thing twice; that p sums to one takes the place of the last.
    wide = chain.astype(_checks.at_least_single(chain.dtype))
    equations = (jnp.eye(states, dtype=wide.dtype) - wide).at[-1].set(1)
    return jnp.linalg.solve(equations, jnp.eye(states, dtype=wide.dtype)[-1]).astype(chain.dtype)


@checked
def expected_returns(mdp: Mdp, policy: Policy, gamma: Float[ArrayLike, ""]) -> Float[Array, " states"]:
    r"""Compute what following a policy for ever brings on average, when rewards are for arriving.

    Parameters
    ----------
    mdp
        The decision process.
    policy
        An action for each state, or the probabilities of actions.
    gamma
        Discount factor, from 0 to just below 1.

    Returns
    -------
    Float[Array, " states"]
        The solution of :math:`v[s] = \sum_{s'} Pr(s'|s)\,(r[s'] + \gamma\,v[s'])`; zero for terminal states.

    Raises
    ------
    ValueError
        If ``gamma`` lies outside [0, 1), or process and policy do not fit to each other.

    References
    ----------
    Prince (2023), section 19.2, equation 19.9.

    Examples
    --------
    >>> from udl_jax.ch19_reinforcement.grids import icy_grid
    >>> print(f"{expected_returns(icy_grid(), jnp.full(16, 1), 0.9)[14]:.3f}")
    2.460
    """
    mdp = check_mdp(mdp)
    gamma = _checks.like(check_fraction("gamma", gamma, below=True), mdp.rewards)
    chain = policy_chain(mdp, policy)
    return solve_chain(
        chain, jnp.einsum("ns,n->s", chain, mdp.rewards.astype(chain.dtype)).astype(mdp.rewards.dtype), gamma
    )


def solve_chain(chain: Array, immediate: Array, gamma: ArrayLike) -> Array:
    r"""Solve :math:`\mathbf{v} = \mathbf{b} + \gamma\,Pr^T\mathbf{v}`, in single precision at least.

    Parameters
    ----------
    chain
        :math:`Pr`, of shape (next state, state).
    immediate
        What each state brings at once, :math:`\mathbf{b}`.
    gamma
        Discount factor below 1.

    Returns
    -------
    Array
        Values in the dtype of ``immediate``.
    """
    wide = chain.T.astype(_checks.at_least_single(chain.dtype))
    left = jnp.eye(len(wide), dtype=wide.dtype) - jnp.asarray(gamma, wide.dtype) * wide
    return jnp.linalg.solve(left, immediate.astype(wide.dtype)).astype(immediate.dtype)
