"""An average of the weights on the way, which often does better than where they end."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import PyTree


class AverageState(NamedTuple):
    """The running average of the weights."""

    average: PyTree


def average_weights(decay: float) -> optax.GradientTransformation:
    r"""Make an Optax transformation that keeps an exponential moving average of the weights.

    It passes updates on as they are, so it must stand at the end of the chain:
    ``optax.chain(optax.adam(1e-3), average_weights(0.999))``. The average starts at the initial weights and
    follows :math:`\bar\phi_t = d\,\bar\phi_{t-1} + (1-d)\,\phi_t`.

    Parameters
    ----------
    decay
        :math:`d`, from 0 (the last weights) up to, but not including, 1.

    Returns
    -------
    optax.GradientTransformation
        To be chained; :func:`averaged` reads the average, which is kept in at least single precision.

    Raises
    ------
    ValueError
        If ``decay`` lies outside [0, 1).

    Examples
    --------
    >>> chain = optax.chain(optax.sgd(1.0), average_weights(0.5))
    >>> state = chain.init(jnp.array(0.0))
    >>> _, state = chain.update(jnp.array(-4.0), state, jnp.array(0.0))
    >>> averaged(state)
    Array(2., dtype=float32)
    """
    if not 0 <= decay < 1:
        raise ValueError(f"decay must lie in [0, 1), got {decay}")
    decay = float(decay)  # a NumPy scalar would promote the weights

    def init(params):
        return AverageState(jax.tree.map(_precise, params))

    def update(updates, state, params=None):
        if params is None:
            raise ValueError("average_weights needs the params: call update(updates, state, params)")
        moved = optax.apply_updates(params, updates)
        blend = lambda average, new: decay * average + (1 - decay) * _precise(new)  # noqa: E731
        return updates, AverageState(jax.tree.map(blend, state.average, moved))

    return optax.GradientTransformation(init, update)


def _precise(leaf):
    # In half precision, 0.999 of a number would be all of it, and the average never move.
    least = jnp.finfo(jnp.result_type(jnp.complex64)).dtype  # single precision, whatever the default is
    return jnp.array(leaf, jnp.promote_types(leaf.dtype, least))


def averaged(optimiser: PyTree) -> PyTree:
    """Find the average that :func:`average_weights` keeps.

    Parameters
    ----------
    optimiser
        An optimiser's state, as ``state.optimiser`` of :func:`udl_jax.training.train`.

    Returns
    -------
    PyTree
        Averaged parameters, in place of ``state.variables["params"]``.

    Raises
    ------
    ValueError
        If the chain has no :func:`average_weights`, or more than one.
    """
    leaves = jax.tree.leaves(optimiser, is_leaf=lambda node: isinstance(node, AverageState))
    found = [leaf.average for leaf in leaves if isinstance(leaf, AverageState)]
    if len(found) != 1:
        raise ValueError(f"the optimiser must have one average_weights in its chain, it has {len(found)}")
    return found[0]
