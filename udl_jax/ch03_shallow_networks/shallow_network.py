"""Shallow networks: every quantity on the way from input to output, the loss, and fits by gradient."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Key, PyTree

from udl_jax import training
from udl_jax._annotations import checked
from udl_jax._checks import count

Activation = Callable[[Float[Array, "..."]], Float[Array, "..."]]


class Stages(NamedTuple):
    """What goes into each hidden unit, what comes out, what it adds to each output, and the output."""

    preactivations: Float[Array, "*batch hidden"]
    activations: Float[Array, "*batch hidden"]
    weighted_activations: Float[Array, "*batch outputs hidden"]
    output: Float[Array, "*batch outputs"]


@checked
def preactivate(
    theta: Float[Array, "hidden intercept_and_slopes"], x: Float[Array, "*batch inputs"]
) -> Float[Array, "*batch hidden"]:
    r"""Compute the pre-activations: one linear function of the input for each hidden unit.

    Parameters
    ----------
    theta
        A row for each hidden unit: :math:`\theta_{d0}, \theta_{d1}, \dots`, its intercept and then its
        slope along each input.
    x
        Inputs, one row each; the rows of a grid may have two axes or more.

    Returns
    -------
    Float[Array, "*batch hidden"]
        :math:`\theta_{d0} + \sum_i \theta_{di} x_i`.

    Raises
    ------
    ValueError
        If ``theta`` does not have one column more than ``x``.

    References
    ----------
    Prince (2023), section 3.3, equation 3.11.

    Examples
    --------
    >>> preactivate(jnp.array([[0.5, 1.0, 2.0]]), jnp.array([[1.0, 1.0], [0.0, 1.0]]))
    Array([[3.5],
           [2.5]], dtype=float32)
    """
    expected = f"theta must have 1 + {x.shape[-1]} columns, an intercept and a slope for each input"
    if theta.shape[1] != 1 + x.shape[-1]:
        raise ValueError(f"{expected}, got {theta.shape[1]}")
    return theta[:, 0] + x @ theta[:, 1:].T


@checked
def stages(
    theta: Float[Array, "hidden intercept_and_slopes"],
    phi: Float[Array, "outputs offset_and_weights"],
    x: Float[Array, "*batch inputs"],
    activation: Activation = jax.nn.relu,
) -> Stages:
    r"""Run a shallow network and keep everything it computes on the way.

    Parameters
    ----------
    theta
        Intercept and slopes of each hidden unit, as in :func:`preactivate`.
    phi
        A row for each output: :math:`\phi_{j0}, \phi_{j1}, \dots`, its offset and then its weight for each
        hidden unit.
    x
        Inputs, one row each.
    activation
        Applied to each element of the pre-activations. Static under ``jit``.

    Returns
    -------
    Stages
        Pre-activations, activations, weighted activations and output.

    Raises
    ------
    ValueError
        If ``theta`` does not fit the number of inputs, or ``phi`` the number of hidden units.

    References
    ----------
    Prince (2023), sections 3.1 to 3.3, equations 3.1, 3.11 and 3.12, figures 3.3 and 3.8.

    Examples
    --------
    >>> theta = jnp.array([[0.0, 1.0], [1.0, -1.0]])
    >>> phi = jnp.array([[0.5, 1.0, 2.0]])
    >>> found = stages(theta, phi, jnp.array([[3.0]]))
    >>> found.preactivations
    Array([[ 3., -2.]], dtype=float32)
    >>> found.output
    Array([[3.5]], dtype=float32)
    """
    expected = f"phi must have 1 + {len(theta)} columns, an offset and a weight for each hidden unit"
    if phi.shape[1] != 1 + len(theta):
        raise ValueError(f"{expected}, got {phi.shape[1]}")
    preactivations = preactivate(theta, x)
    activations = activation(preactivations)
    weighted = phi[:, 1:] * activations[..., None, :]
    return Stages(preactivations, activations, weighted, phi[:, 0] + weighted.sum(-1))


@checked
def joints(theta: Float[Array, "hidden 2"]) -> Float[Array, " hidden"]:
    r"""Compute where pre-activations of one input cross zero: there a ReLU network has its joints.

    Parameters
    ----------
    theta
        Intercept and slope of each hidden unit. Where the slope is zero, the result is not finite.

    Returns
    -------
    Float[Array, " hidden"]
        :math:`-\theta_{d0} / \theta_{d1}`, in the order of the units.

    References
    ----------
    Prince (2023), section 3.1.1, figure 3.3.

    Examples
    --------
    >>> joints(jnp.array([[-1.0, 2.0], [0.3, -1.0]]))
    Array([0.5, 0.3], dtype=float32)
    """
    return -theta[:, 0] / theta[:, 1]


@checked
def least_squares_loss(
    theta: Float[Array, "hidden intercept_and_slopes"],
    phi: Float[Array, "outputs offset_and_weights"],
    x: Float[Array, "batch inputs"],
    y: Float[Array, "batch outputs"],
    activation: Activation = jax.nn.relu,
) -> Float[Array, ""]:
    """Sum the squared differences between the network's outputs and the data.

    Parameters
    ----------
    theta, phi, activation, x, y
        The network, as in :func:`stages`; inputs and outputs of the training pairs, one row each.

    Returns
    -------
    Float[Array, ""]
        The loss, in squared units of ``y``; not divided by the number of pairs.

    Raises
    ------
    ValueError
        As :func:`stages`.

    References
    ----------
    Prince (2023), section 2.2, equation 2.5; notebook 3.1.

    Examples
    --------
    >>> theta, phi = jnp.array([[0.0, 1.0]]), jnp.array([[1.0, 1.0]])
    >>> least_squares_loss(theta, phi, jnp.array([[-1.0], [1.0]]), jnp.zeros((2, 1)))
    Array(5., dtype=float32)
    """
    return training.squared_error(stages(theta, phi, x, activation).output, y)


class ShallowNetwork(nn.Module):
    """The shallow network as a Flax model, with any number of inputs.

    Its parameters are the book's, ``theta`` (hidden, 1 + inputs) and ``phi`` (outputs, 1 + hidden), in the
    dtype of the input.

    Parameters
    ----------
    hidden
        Number of hidden units.
    outputs, activation
        Number of outputs, and what is applied to the pre-activations.
    initializer
        Of ``theta`` and ``phi``, their intercepts included; by default He's, normal.

    References
    ----------
    Prince (2023), section 3.3, equations 3.11 and 3.12.

    Examples
    --------
    >>> network = ShallowNetwork(hidden=3)
    >>> variables = network.init(jax.random.key(0), jnp.zeros((1, 2)))
    >>> jax.tree.map(jnp.shape, variables["params"])
    {'phi': (1, 4), 'theta': (3, 3)}
    """

    hidden: int
    outputs: int = 1
    activation: Activation = jax.nn.relu
    initializer: Callable = nn.initializers.he_normal(in_axis=-1, out_axis=-2)

    @nn.compact
    @checked
    def __call__(self, x: Float[Array, "*batch inputs"]) -> Float[Array, "*batch outputs"]:
        """Compute the outputs, one row for each input."""
        count("hidden", self.hidden), count("outputs", self.outputs)
        theta = self.param("theta", self.initializer, (self.hidden, 1 + x.shape[-1]), x.dtype)
        phi = self.param("phi", self.initializer, (self.outputs, 1 + self.hidden), x.dtype)
        return stages(theta, phi, x, self.activation).output


@checked
@functools.partial(jax.jit, static_argnames=("starts", "hidden"))
def sample_starts(
    key: Key[Array, ""], x: Float[Array, "batch 1"], starts: int, hidden: int
) -> dict[str, dict[str, Float[Array, "{starts} ..."]]]:
    """Draw initial networks that have all their joints among the data.

    A unit whose joint lies outside bends nothing there. So joints are drawn evenly between the smallest and
    the largest input, slopes are 1 or -1 at random, and ``phi`` is standard normal.

    Parameters
    ----------
    key
        Decides the draws.
    x
        Inputs of the training data.
    starts
        Number of networks; static.
    hidden
        Number of hidden units; static.

    Returns
    -------
    dict
        Variables of a :class:`ShallowNetwork` with one output, with a leading axis ``starts``.
    """
    starts, hidden = count("starts", starts), count("hidden", hidden)
    key_joints, key_slopes, key_phi = jax.random.split(key, 3)
    at = jax.random.uniform(key_joints, (starts, hidden), x.dtype, x.min(), x.max())
    slopes = jax.random.rademacher(key_slopes, (starts, hidden), x.dtype)
    phi = jax.random.normal(key_phi, (starts, 1, 1 + hidden), x.dtype)
    return {"params": {"theta": jnp.stack([-slopes * at, slopes], axis=-1), "phi": phi}}


def fit_starts(
    recipe: training.Recipe,
    variables: dict[str, PyTree[Float[Array, "starts ..."]]],
    data: training.Examples,
    steps: int,
) -> training.Fit:
    """Descend the loss from several starts side by side, with all the data in every step.

    Parameters
    ----------
    recipe
        Model, optimiser and loss; static.
    variables
        Initial Flax variables; every array has a leading axis ``starts``.
    data
        What to fit.
    steps
        Number of steps.

    Returns
    -------
    training.Fit
        Final states, and the loss after each step, along a leading axis ``starts``.

    Raises
    ------
    ValueError
        If ``steps`` is less than 1; also as :func:`udl_jax.training.train`.

    References
    ----------
    Prince (2023), section 2.2.2, figure 2.4; notebook 3.1, which leaves the search to the reader's hand.
    """
    steps = count("steps", steps)
    starts = len(jax.tree.leaves(variables)[0])
    orders = jnp.broadcast_to(jnp.arange(len(data.x)), (starts, steps, 1, len(data.x)))
    states = jax.vmap(functools.partial(training.start, recipe))(variables)
    return training.Fit(*training.train_replicas(recipe, states, data, None, orders))
