"""What the players of a GAN minimise, the penalty that keeps a critic's slope near 1, and the networks they use."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float

from udl_jax import training
from udl_jax._annotations import checked
from udl_jax._checks import one_of, values

#: Losses by name.
KINDS = ("minimax", "non-saturating", "wasserstein")


class Perceptron(nn.Module):
    """A dense network with leaky ReLUs, for either player.

    Parameters
    ----------
    outputs
        Size of the output: that of the data for a generator, 1 for a critic.
    widths
        Of the hidden layers.
    slope
        Of the activation below zero.

    Examples
    --------
    >>> critic = Perceptron(1)
    >>> variables = critic.init(jax.random.key(0), jnp.zeros((3, 2)))
    >>> critic.apply(variables, jnp.zeros((3, 2))).shape
    (3, 1)
    """

    outputs: int
    widths: tuple[int, ...] = (64, 64)
    slope: float = 0.1

    @nn.compact
    def __call__(self, x: Float[Array | np.ndarray, "*batch features"]) -> Float[Array, "*batch outputs"]:
        """Return the outputs."""
        for width in self.widths:
            x = nn.leaky_relu(nn.Dense(width, dot_general=training.dot_general)(x), self.slope)
        return nn.Dense(self.outputs, dot_general=training.dot_general)(x)


@checked
def critic_loss(
    real: Float[Array | np.ndarray, "*examples"],
    made: Float[Array | np.ndarray, "*others"],
    kind: str = "wasserstein",
) -> Float[Array, ""]:
    r"""Compute what the discriminator, or critic, minimises, as means over examples.

    Parameters
    ----------
    real, made
        What it returns for real and for generated examples, before any sigmoid.
    kind
        ``"minimax"`` or ``"non-saturating"`` for binary cross-entropy, ``"wasserstein"`` for the difference of the
        mean scores.

    Returns
    -------
    Float[Array, ""]
        :math:`-\text{mean}\log[1-\text{sig}[\text{f}[\mathbf{x}^*]]]-\text{mean}\log\,\text{sig}[\text{f}[\mathbf{x}]]`, or
        :math:`\text{mean}\,\text{f}[\mathbf{x}^*]-\text{mean}\,\text{f}[\mathbf{x}]`.

    Raises
    ------
    ValueError
        If ``kind`` is another.

    References
    ----------
    Prince (2023), sections 15.1.1 and 15.2.6, equations 15.5 and 15.16.

    Examples
    --------
    >>> print(critic_loss(jnp.array([1.0, 3.0]), jnp.array([0.0])))
    -2.0
    """
    if one_of("kind", kind, KINDS) == "wasserstein":
        return jnp.mean(made) - jnp.mean(real)
    return jnp.mean(jax.nn.softplus(made)) + jnp.mean(jax.nn.softplus(-real))


@checked
def generator_loss(
    made: Float[Array | np.ndarray, "*examples"], kind: str = "wasserstein"
) -> Float[Array, ""]:
    r"""Compute what the generator minimises, as a mean over examples.

    Parameters
    ----------
    made
        What the critic returns for generated examples, before any sigmoid.
    kind
        As in :func:`critic_loss`.

    Returns
    -------
    Float[Array, ""]
        :math:`\text{mean}\log[1-\text{sig}[\text{f}[\mathbf{x}^*]]]`,
        :math:`-\text{mean}\log\,\text{sig}[\text{f}[\mathbf{x}^*]]`, or :math:`-\text{mean}\,\text{f}[\mathbf{x}^*]`.

    Raises
    ------
    ValueError
        If ``kind`` is another.

    References
    ----------
    Prince (2023), sections 15.1.1 and 15.2.6, equations 15.5 and 15.16.

    Examples
    --------
    >>> print(generator_loss(jnp.array([1.0, 2.0])))
    -1.5
    """
    if one_of("kind", kind, KINDS) == "wasserstein":
        return -jnp.mean(made)
    return -jnp.mean(jax.nn.softplus(made)) if kind == "minimax" else jnp.mean(jax.nn.softplus(-made))


@checked
def gradient_penalty(
    critic: Callable,
    real: Float[Array | np.ndarray, "examples *shape"],
    made: Float[Array | np.ndarray, "examples *shape"],
    mix: Float[Array | np.ndarray, " examples"],
) -> Float[Array, ""]:
    r"""Penalise a critic whose slope differs from 1 between real and generated examples.

    Every example has a point of its own, on the line between a real and a generated one, and a slope of its own: the
    length of the gradient over all of its numbers, pixels and channels alike. Where the gradient is zero, so is the
    length, and its derivative is taken as zero.

    Parameters
    ----------
    critic
        From one example to one number.
    real, made
        Equally many examples.
    mix
        How far from the generated to the real one each point lies, from 0 to 1, one number for each example.

    Returns
    -------
    Float[Array, ""]
        :math:`\text{mean}\,\bigl(|\partial \text{f}/\partial\mathbf{x}|-1\bigr)^2`.

    Raises
    ------
    ValueError
        If shapes differ, or ``mix`` leaves the interval from 0 to 1.

    References
    ----------
    Prince (2023), section 15.2.6, equation 15.17; I. Gulrajani et al., Improved training of Wasserstein GANs (2017).

    Examples
    --------
    >>> steep = lambda x: 3 * x[0] + 4 * x[1]
    >>> print(gradient_penalty(steep, jnp.ones((5, 2)), jnp.zeros((5, 2)), jnp.full(5, 0.5)))
    16.0
    """
    values("mix", mix, lambda m: (m >= 0) & (m <= 1), "from 0 to 1")
    mix = mix.reshape(-1, *(1,) * (real.ndim - 1))
    slopes = jax.vmap(jax.grad(critic))(mix * real + (1 - mix) * made)
    squares = jnp.sum(slopes.reshape(len(slopes), -1) ** 2, axis=1)
    lengths = jnp.where(squares > 0, jnp.sqrt(jnp.where(squares > 0, squares, 1)), 0)
    return jnp.mean((lengths - 1) ** 2)
