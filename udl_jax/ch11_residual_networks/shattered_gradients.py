"""How the slope of a network changes along its input, shallow and deep, plain and with what the paper added."""

import functools
import itertools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Key

from udl_jax import _checks
from udl_jax._annotations import checked
from udl_jax.ch07_gradients.stacked_network import Weights

#: What may be done to the pre-activations of a layer, over all inputs: nothing, or make their mean zero, or
#: their mean zero and their variance one.
NORMALIZATIONS = (None, "mean", "batch")
#: Keeps the division by a standard deviation finite.
EPSILON = 1e-5


class Network(NamedTuple):
    """A network from one number to one number, with hidden layers of the same width.

    Attributes
    ----------
    weights
        Of all layers.
    biases
        Of all layers: ``first`` of shape (width,), ``hidden`` (layers - 1, width), ``last`` (1,).
    """

    weights: Weights
    biases: Weights


@checked
def draw_network(key: Key[Array, ""], layers: int, width: int) -> Network:
    """Draw standard normal numbers for all weights and biases.

    Parameters
    ----------
    key
        Decides the draws.
    layers, width
        Number of hidden layers and of units in each; static under ``jit``.

    Returns
    -------
    Network
        For :func:`scale`.

    Raises
    ------
    ValueError
        If a number is less than 1.

    Examples
    --------
    >>> draw_network(jax.random.key(0), layers=50, width=200).weights.hidden.shape
    (49, 200, 200)
    """
    _checks.count("layers", layers)
    _checks.count("width", width)
    shapes = [(1, width), (layers - 1, width, width), (width, 1), (width,), (layers - 1, width), (1,)]
    ends = list(itertools.accumulate(math.prod(shape) for shape in shapes))
    draws = jnp.split(jax.random.normal(key, (ends[-1],)), ends[:-1])
    parts = [part.reshape(shape) for part, shape in zip(draws, shapes)]
    return Network(Weights(*parts[:3]), Weights(*parts[3:]))


@checked
def scale(draws: Network, weights: Float[ArrayLike, ""] = 1.0, biases: Float[ArrayLike, ""] = 1.0) -> Network:
    r"""Turn standard normal draws into parameters whose variance is a multiple of one over the width.

    Parameters
    ----------
    draws
        Standard normal draws.
    weights, biases
        Variances of the weights and of the biases, in units of :math:`1/D`. For weights, 1 is what notebook 11.1
        calls Glorot's initialisation, and 2 is He's.

    Returns
    -------
    Network
        The parameters. The first layer's have the same variance as the others', as in the notebook.

    Raises
    ------
    ValueError
        If a variance is negative (told only where its value is known, not under ``jit``).

    References
    ----------
    Prince (2023), section 7.5; notebook 11.1.
    """
    for name, variance in (("weights", weights), ("biases", biases)):
        _checks.values(name, variance, lambda v: v >= 0, "a variance, at least 0")
    width = draws.weights.first.shape[-1]

    def spread(group, variance):
        return jax.tree.map(lambda z: z * jnp.sqrt(variance / width).astype(z.dtype), group)

    return Network(spread(draws.weights, weights), spread(draws.biases, biases))


@checked
def outputs(
    network: Network,
    x: Float[Array, " points"],
    *,
    normalize: str | None = None,
    branch: Float[ArrayLike, ""] | None = None,
) -> Float[Array, " points"]:
    r"""Run the network on many inputs at once.

    Parameters
    ----------
    network
        Its parameters.
    x
        Inputs, one number each.
    normalize
        What happens to the pre-activations of each hidden layer before the ReLU: None for nothing, ``"mean"`` to
        subtract each unit's mean over all inputs, ``"batch"`` to divide by its standard deviation, too. Static
        under ``jit``.
    branch
        None for a plain network. A number :math:`\beta` makes every hidden layer but the first a residual one,
        :math:`f_k = f_{k-1} + \beta\,(\boldsymbol\Omega_k\,\mathrm{a}[f_{k-1}] + \ldots)`.

    Returns
    -------
    Float[Array, " points"]
        One number for each input.

    Raises
    ------
    ValueError
        If ``normalize`` is none of the three.

    References
    ----------
    Prince (2023), section 11.1.1, figure 11.3, and section 11.2. Balduzzi et al. (2017), *The shattered gradients
    problem*, https://arxiv.org/abs/1702.08591, section 2.

    Examples
    --------
    >>> network = scale(draw_network(jax.random.key(0), layers=3, width=8))
    >>> outputs(network, jnp.array([-1.0, 0.0, 1.0])).shape
    (3,)
    """
    f = preactivations(network, x, normalize=normalize, branch=branch)[-1]
    return (_activate(normalize, f) @ network.weights.last + network.biases.last)[:, 0]


@checked
def preactivations(
    network: Network,
    x: Float[Array, " points"],
    *,
    normalize: str | None = None,
    branch: Float[ArrayLike, ""] | None = None,
) -> Float[Array, "layers points width"]:
    """Compute the pre-activations of all hidden layers, before they are normalized.

    Parameters and errors are those of :func:`outputs`.

    Examples
    --------
    >>> network = scale(draw_network(jax.random.key(0), layers=3, width=8))
    >>> preactivations(network, jnp.array([-1.0, 0.0, 1.0])).shape
    (3, 3, 8)
    """
    if normalize not in NORMALIZATIONS:
        raise ValueError(
            f"normalize must be one of {', '.join(map(repr, NORMALIZATIONS))}, got {normalize!r}"
        )
    weights, biases = network

    def step(f, layer):
        kernel, bias = layer
        new = _activate(normalize, f) @ kernel + bias
        f = new if branch is None else f + branch * new
        return f, f

    first = x[:, None] @ weights.first + biases.first
    _, others = jax.lax.scan(step, first, (weights.hidden, biases.hidden))
    return jnp.concatenate([first[None], others])


@checked
def input_gradient(
    network: Network,
    x: Float[Array, " points"],
    *,
    normalize: str | None = None,
    branch: Float[ArrayLike, ""] | None = None,
) -> Float[Array, " points"]:
    """Compute the derivative of the output with respect to the input, at many inputs.

    One pass forward carries all derivatives along. Means and standard deviations over the inputs count as
    constants, so that each input has a derivative of its own.

    Parameters
    ----------
    network, x, normalize, branch
        As in :func:`outputs`.

    Returns
    -------
    Float[Array, " points"]
        One derivative for each input. At a ReLU's joint, which is met by chance only, the joint's derivative is 0.

    Raises
    ------
    ValueError
        As :func:`outputs`.

    References
    ----------
    Prince (2023), section 11.1.1, figures 11.3a and 11.3b; notebook 11.1.

    Examples
    --------
    >>> network = scale(draw_network(jax.random.key(0), layers=3, width=8))
    >>> input_gradient(network, jnp.linspace(-2.0, 2.0, 5)).shape
    (5,)
    """
    run = functools.partial(outputs, network, normalize=normalize, branch=branch)
    return jax.jvp(run, (x,), (jnp.ones_like(x),))[1]


@checked
def autocorrelation(
    gradient: Float[Array, "*networks points"],
) -> Float[Array, "*networks lags"]:
    r"""Compute how alike the gradients are at inputs that lie a number of grid points apart.

    The products are summed over all pairs that the grid has, and divided by what distance zero gives; no mean is
    subtracted. Few pairs are far apart, which alone makes the result fall.

    Parameters
    ----------
    gradient
        At equally spaced inputs.

    Returns
    -------
    Float[Array, "*networks lags"]
        For distances 0 up to half the number of points; 1 at distance 0. Zeros if the gradient is zero everywhere.

    Raises
    ------
    ValueError
        If there are no points.

    References
    ----------
    Prince (2023), section 11.1.1, figure 11.3c; notebook 11.1.

    Examples
    --------
    >>> autocorrelation(jnp.array([1.0, 1.0, 1.0, 1.0]))
    Array([1.  , 0.75], dtype=float32)
    """
    points = gradient.shape[-1]
    lags = np.arange(points - points // 2)
    later = np.arange(points) + lags[:, None]
    moved = jnp.where(later < points, gradient[..., later.clip(0, points - 1)], 0)
    products = jnp.sum(gradient[..., None, :] * moved, axis=-1)
    size = products[..., :1]
    return products / jnp.where(size > 0, size, 1)


def _activate(normalize, f):
    """Normalize over the inputs, as asked, and rectify."""
    mean, variance = jax.lax.stop_gradient((f.mean(axis=0), f.var(axis=0)))
    if normalize is not None:
        f = f - mean
    if normalize == "batch":
        f = f / jnp.sqrt(variance + EPSILON)
    return jax.nn.relu(f)
