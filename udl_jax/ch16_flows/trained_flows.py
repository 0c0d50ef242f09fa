"""Training flows by maximum likelihood, and judging them: likelihood, inverse, and whether the density adds up to one."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from jaxtyping import Array, Float, Key, PyTree

from udl_jax import training
from udl_jax._annotations import checked
from udl_jax._checks import count, number


class Assessment(NamedTuple):
    """What a flow is worth.

    Attributes
    ----------
    loss
        Mean negative log-density of the points, in nats.
    inverse_error
        How far a point is moved, at most, by going to its latent variables and back.
    mass
        Integral of the density over the box, by the midpoint rule.
    """

    loss: Float[Array, ""]
    inverse_error: Float[Array, ""]
    mass: Float[Array, ""]


def negative_log_likelihood(
    model: nn.Module, variables: PyTree, batch: training.Examples, draws: None = None
) -> tuple[Float[Array, ""], dict]:
    r"""Return what training minimises, as an objective of the training engine; nothing is drawn.

    Parameters
    ----------
    model
        A flow that returns log-densities.
    variables
        Its weights.
    batch
        Points, in ``batch.x``.
    draws
        None.

    Returns
    -------
    Float[Array, ""]
        :math:`-\frac1I\sum_i \log Pr(\mathbf{x}_i|\phi)`.
    dict
        Empty: flows here have no mutable collections.

    References
    ----------
    Prince (2023), section 16.1.3, equation 16.2; section 16.2, equation 16.8.
    """
    return -jnp.mean(model.apply(variables, batch.x)), {}


def make_recipe(flow: nn.Module, steps: int, rate: float = 0.01) -> training.Recipe:
    """Make the recipe that all flows are trained with: Adam, a rate that falls to zero by a cosine, gradients clipped.

    Parameters
    ----------
    flow
        What is trained.
    steps
        After how many the rate is zero.
    rate
        At the beginning.

    Returns
    -------
    training.Recipe
        For :func:`udl_jax.training.train`; the history holds the mean loss over the steps of each epoch.

    Raises
    ------
    ValueError
        If ``steps`` or ``rate`` is not positive.
    """
    steps, rate = count("steps", steps), number("rate", rate, above=0.0)
    optimiser = optax.chain(
        optax.clip_by_global_norm(1.0), optax.adam(optax.cosine_decay_schedule(rate, steps))
    )
    never = training.Evaluation(every=0)
    return training.Recipe(flow, optimiser, objective=negative_log_likelihood, evaluation=never)


@checked
def train_flow(
    key: Key[Array, ""],
    flow: nn.Module,
    x: Float[Array | np.ndarray, "points dimensions"],
    steps: int,
    batch: int = 250,
    rate: float = 0.01,
) -> training.Fit:
    """Draw initial weights and the order of the points, and train a flow on them.

    Parameters
    ----------
    key
        Decides everything random.
    flow
        A Flax module whose call returns log-densities.
    x
        Data, in rows.
    steps
        How many to take, rounded up to whole passes through the data.
    batch
        Points in a step.
    rate
        Learning rate at the beginning.

    Returns
    -------
    training.Fit
        State and history.

    Raises
    ------
    ValueError
        If ``x`` is not a table of at least ``batch`` points, or a number is not positive.
    """
    steps, batch = count("steps", steps), count("batch", batch)
    if len(x) < batch:
        raise ValueError(f"x must have at least as many points as a batch, {batch}, got {len(x)}")
    epochs = -(-steps // (len(x) // batch))
    recipe = make_recipe(flow, epochs * (len(x) // batch), rate)
    return training.fit(key, recipe, training.Examples(x), epochs=epochs, batch=batch, remainder="drop")


@checked
def assess(
    flow: nn.Module,
    variables: PyTree,
    x: Float[Array | np.ndarray, "points 2"],
    low: tuple[float, float],
    high: tuple[float, float],
    cells: int = 200,
) -> Assessment:
    """Measure a flow over the plane: how likely it makes points, how well it is undone, whether it adds up to one.

    Parameters
    ----------
    flow, variables
        A flow of two dimensions, with methods ``to_latent`` and ``from_latent``, and its weights.
    x
        Points, best ones that it was not trained on.
    low, high
        Corners of the box over which the density is summed up.
    cells
        Along each side of the box.

    Returns
    -------
    Assessment
        Loss, error of the inverse, mass.

    Raises
    ------
    ValueError
        If ``x`` is not a table with two columns, or ``cells`` not positive.
    """
    cells = count("cells", cells)
    return _assess(flow, cells, variables, x, jnp.asarray(low, x.dtype), jnp.asarray(high, x.dtype))


@functools.partial(jax.jit, static_argnums=(0, 1))
def _assess(flow, cells, variables, x, low, high):
    loss = -jnp.mean(flow.apply(variables, x))
    z, _ = flow.apply(variables, x, method="to_latent")
    back = flow.apply(variables, z, method="from_latent")
    share = (jnp.arange(cells, dtype=x.dtype) + 0.5) / cells
    unit = jnp.stack(jnp.meshgrid(share, share), axis=-1).reshape(-1, 2)
    density = jnp.exp(flow.apply(variables, low + unit * (high - low)))
    return Assessment(loss, jnp.max(jnp.abs(back - x)), jnp.mean(density) * jnp.prod(high - low))
