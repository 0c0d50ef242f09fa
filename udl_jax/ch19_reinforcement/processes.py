"""What a Markov decision process is, how input that is none is told, and how uniform numbers become outcomes."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from udl_jax import _checks
from udl_jax._annotations import checked

#: An action for each state; or the probabilities of actions, of shape (actions, states).
Policy = Int[Array, "_"] | Float[Array, "_ _"]


class Mdp(NamedTuple):
    r"""A Markov decision process: what can happen after each action, and what each state is worth by itself.

    Attributes
    ----------
    transitions
        :math:`Pr(s_{t+1}\,|\,s_t, a_t)`, of shape (next state, state, action), so that each column sums to one;
        those of terminal states are zero, since nothing comes after.
    rewards
        One for each state. Dynamic programming counts it for being there, everything that plays episodes counts it
        for arriving there.
    terminal
        Which states end an episode.
    """

    transitions: Float[Array, "states states actions"]
    rewards: Float[Array, " states"]
    terminal: Bool[Array, " states"]


def check_mdp(mdp: Any) -> Mdp:
    """Return the process with arrays of its own kinds; refuse what is none.

    Parameters
    ----------
    mdp
        Transitions, rewards and terminal states. Values that are being traced are not looked at.

    Returns
    -------
    Mdp
        The same, as JAX arrays.

    Raises
    ------
    ValueError
        If shapes do not fit to each other; if a column of the transitions does not sum to one, or that of a terminal
        state not to zero; if there is a negative probability.
    TypeError
        If ``mdp`` has other parts.

    Examples
    --------
    >>> check_mdp(Mdp(jnp.full((2, 2, 1), 0.4), jnp.zeros(2), jnp.zeros(2, bool)))
    Traceback (most recent call last):
        ...
    ValueError: transitions must sum to 1 over next states, got 0.8 from state 0 with action 0
    """
    if not isinstance(mdp, Mdp):
        raise TypeError(f"mdp must be an Mdp, got {type(mdp).__name__}")
    transitions = _checks.as_floats("transitions", mdp.transitions, axes=3)
    states, now, _ = transitions.shape
    if states != now or 0 in transitions.shape:
        raise ValueError(
            f"transitions must have the shape (states, states, actions), got {transitions.shape}"
        )
    rewards = _checks.as_floats("rewards", mdp.rewards)
    _checks.shape_of("rewards", rewards, (states,), "the states")
    terminal = jnp.asarray(mdp.terminal)
    _checks.shape_of("terminal", terminal, (states,), "the states")
    if terminal.dtype != bool:
        raise TypeError(f"terminal must hold booleans, got {terminal.dtype}")
    _checks.values("rewards", rewards, np.isfinite, "finite")
    if not _checks.is_traced((transitions, terminal)):
        _check_columns(np.asarray(transitions), np.asarray(terminal))
    return Mdp(transitions, rewards, terminal)


def _check_columns(transitions: np.ndarray, terminal: np.ndarray) -> None:
    if not (transitions >= 0).all():
        raise ValueError(f"transitions must not be negative, got {transitions[~(transitions >= 0)][0]}")
    sums = transitions.sum(0, dtype=np.double)
    tolerance = 10 * len(transitions) * float(jnp.finfo(transitions.dtype).eps)
    wrong = np.argwhere(np.abs(sums - np.where(terminal, 0, 1)[:, None]) > tolerance)
    if len(wrong):
        state, action = wrong[0].tolist()
        expected = "be 0, since nothing leads out of a terminal state" if terminal[state] else "sum to 1"
        raise ValueError(
            f"transitions must {expected} over next states, "
            f"got {sums[state, action]:.6g} from state {state} with action {action}"
        )


def check_index(name: str, value: Any, size: int, what: str) -> None:
    """Refuse a state or an action, or several, that does not exist."""
    _checks.values(name, value, lambda v: (v >= 0) & (v < size), f"one of {size} {what} counted from 0")


def check_policy(mdp: Mdp, policy: Any) -> Array:
    """Return a policy as integers (an action for each state) or as probabilities (actions, states).

    Parameters
    ----------
    mdp
        What it is a policy for.
    policy
        Actions, or their probabilities.

    Returns
    -------
    Array
        Of one axis or of two.

    Raises
    ------
    ValueError
        If the shape is another, an action does not exist, or probabilities do not sum to one.
    TypeError
        If actions are no integers.
    """
    policy = _checks.as_array("policy", policy)
    _, states, actions = mdp.transitions.shape
    if policy.shape == (states,):
        if not jnp.issubdtype(policy.dtype, jnp.integer):
            raise TypeError(f"policy must hold integers, an action for each state, got {policy.dtype}")
        check_index("policy", policy, actions, "actions")
        return policy.astype(jnp.int32)
    if policy.shape != (actions, states):
        raise ValueError(
            f"policy must have the shape of the states, ({states},), or of actions and states, "
            f"({actions}, {states}), got {policy.shape}"
        )
    policy = _checks.as_floats("policy", policy)
    _checks.values("policy", policy, lambda p: p >= 0, "probabilities")
    tolerance = 10 * actions * float(jnp.finfo(policy.dtype).eps)
    _checks.values(
        "policy", policy.sum(0), lambda p: np.abs(p - 1) <= tolerance, "probabilities that sum to 1"
    )
    return policy


def check_ends(mdp: Mdp, chain: Array) -> None:
    """Refuse a process in which one may go around for ever; pass over one that is being traced.

    Parameters
    ----------
    mdp
        Which states end an episode.
    chain
        Of shape (next state, state); what is positive leads on.

    Raises
    ------
    ValueError
        If no terminal state is ever reached from some state.
    """
    if _checks.is_traced((mdp.terminal, chain)):
        return
    leads, ends = np.asarray(chain) > 0, np.asarray(mdp.terminal)
    for _ in ends:
        ends = ends | (leads & ends[:, None]).any(0)
    if not ends.all():
        raise ValueError(f"no terminal state is ever reached from state {np.flatnonzero(~ends)[0]}")


def check_fraction(name: str, value: Any, *, below: bool = False) -> Any:
    """Return a number that lies in [0, 1], or in [0, 1) if it is to lie ``below`` one; refuse any other."""
    value = _checks.number(name, value)
    if _checks.is_traced(value):
        return value
    found = float(value)  # Python's, since JAX would trace even a constant when this runs inside jit
    if not (0 <= found < 1 if below else 0 <= found <= 1):
        raise ValueError(f"{name} must lie in [0, 1{')' if below else ']'}, got {value}")
    return value


@checked
def cumulative(probabilities: Float[Array, "outcomes *cases"]) -> Float[Array, "*cases outcomes"]:
    """Add probabilities up, so that :func:`draw_index` finds the outcome of a uniform number.

    They are added one after the other, as NumPy adds them: sums in another order would differ in their last digit,
    and an outcome of probability zero could get a sliver of it.

    Parameters
    ----------
    probabilities
        Of each outcome along the first axis.

    Returns
    -------
    Float[Array, "*cases outcomes"]
        Running sums along the last axis, divided by the whole sum; zero where all probabilities are zero.

    Examples
    --------
    >>> print(cumulative([0.5, 0.25, 0.25]))
    [0.5  0.75 1.  ]
    """

    def add(total, probability):
        total = total + probability
        return total, total

    wide = probabilities.astype(_checks.at_least_single(probabilities.dtype))
    whole, sums = jax.lax.scan(add, jnp.zeros_like(wide[0]), wide)
    return jnp.moveaxis(sums / jnp.where(whole > 0, whole, 1), 0, -1)


@checked
def draw_index(sums: Float[Array, " outcomes"], uniform: Float[ArrayLike, ""]) -> Int[Array, ""]:
    """Pick an outcome by inverting the cumulative distribution, as NumPy does.

    Parameters
    ----------
    sums
        From :func:`cumulative`.
    uniform
        A draw from [0, 1).

    Returns
    -------
    Int[Array, ""]
        The first outcome whose sum exceeds the draw.

    Examples
    --------
    >>> sums = cumulative([0.5, 0.0, 0.5])
    >>> print(draw_index(sums, 0.49), draw_index(sums, 0.5))
    0 2
    """
    # A draw just below one may become one in a narrower dtype, and would then find no outcome.
    below_one = jnp.minimum(jnp.asarray(uniform, sums.dtype), 1 - jnp.finfo(sums.dtype).epsneg)
    return jnp.sum(sums <= below_one, dtype=jnp.int32)
