"""The smallest GAN there is: a generator with one parameter, a discriminator with two, and the game they play."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Num

from udl_jax._annotations import checked
from udl_jax._checks import count, is_traced, like, number, one_of, values
from udl_jax.ch07_gradients.finite_differences import finite_differences

#: The notebook's distance for its forward differences.
DELTA = 1e-4


class Players(NamedTuple):
    r"""The parameters of both players: at one time, or over the rounds.

    Attributes
    ----------
    theta
        The generator's: its samples are :math:`z_j+\theta`.
    phi
        The discriminator's :math:`\phi_0` and :math:`\phi_1`.
    """

    theta: Float[Array | np.ndarray, "*rounds"]
    phi: Float[Array | np.ndarray, "*rounds 2"]


@checked
def discriminate(
    x: Float[Array | np.ndarray, "*shape"], phi: Float[Array | np.ndarray, "2"]
) -> Float[Array, "*shape"]:
    r"""Compute the probability that the discriminator gives to an example's being real.

    Parameters
    ----------
    x
        Examples.
    phi
        Bias and weight.

    Returns
    -------
    Float[Array, "*shape"]
        :math:`\text{sig}[\phi_0+\phi_1 x]`.

    References
    ----------
    Prince (2023), section 15.1.1, figure 15.1.

    Examples
    --------
    >>> print(discriminate(jnp.array([2.0, 100.0]), jnp.array([-2.0, 1.0])))
    [0.5 1. ]
    """
    return jax.nn.sigmoid(phi[0] + phi[1] * x)


@checked
def discriminator_loss(
    phi: Float[Array | np.ndarray, "2"],
    x_real: Float[Array | np.ndarray, " real"],
    x_generated: Float[Array | np.ndarray, " generated"],
) -> Float[Array, ""]:
    r"""Compute what the discriminator minimises: binary cross-entropy, real examples being ones, generated ones zeros.

    Logarithms of probabilities are taken at once, as a softplus, so that a discriminator that is very sure and wrong
    has a large loss, not an infinite one.

    Parameters
    ----------
    phi
        The discriminator's parameters.
    x_real, x_generated
        Examples of both kinds; they need not be equally many.

    Returns
    -------
    Float[Array, ""]
        :math:`-\sum_j\log[1-\text{sig}[\text{f}[x^*_j,\phi]]]-\sum_i\log[\text{sig}[\text{f}[x_i,\phi]]]`, a sum, not a mean.

    References
    ----------
    Prince (2023), section 15.1.1, equations 15.3 and 15.5.

    Examples
    --------
    >>> x = jnp.array([0.0, 1.0])
    >>> print(f"{discriminator_loss(jnp.zeros(2), x, x):.4f}")
    2.7726
    """
    real, generated = (phi[0] + phi[1] * x for x in (x_real, x_generated))
    return jnp.sum(jax.nn.softplus(generated)) + jnp.sum(jax.nn.softplus(-real))


@checked
def generator_gain(
    theta: Float[Array | np.ndarray, ""],
    phi: Float[Array | np.ndarray, "2"],
    z: Float[Array | np.ndarray, " samples"],
    kind: str = "minimax",
) -> Float[Array, ""]:
    r"""Compute what the generator maximises.

    In the minimax game that is the part of the discriminator's loss that the generator can do something about; it is what the
    notebook calls the generator's loss, and the negative of the second line of equation 15.5. A discriminator that
    sees through all samples leaves it flat. The non-saturating gain, the logarithm of the probability that samples
    pass for real, is steepest then.

    Parameters
    ----------
    theta, phi
        Parameters of both players.
    z
        Latent variables.
    kind
        ``"minimax"`` or ``"non-saturating"``.

    Returns
    -------
    Float[Array, ""]
        :math:`-\sum_j\log[1-\text{sig}[\text{f}[z_j+\theta,\phi]]]`, or
        :math:`\sum_j\log\,\text{sig}[\text{f}[z_j+\theta,\phi]]`.

    Raises
    ------
    ValueError
        If ``kind`` is another.

    References
    ----------
    Prince (2023), section 15.1.2, equations 15.1 and 15.5.

    Examples
    --------
    >>> print(f"{generator_gain(jnp.array(3.0), jnp.zeros(2), jnp.zeros(1)):.4f}")
    0.6931
    """
    scores = phi[0] + phi[1] * (z + theta)
    if one_of("kind", kind, ("minimax", "non-saturating")) == "minimax":
        return jnp.sum(jax.nn.softplus(scores))
    return -jnp.sum(jax.nn.softplus(-scores))


@checked
def play(
    start: Players,
    x_real: Float[Array | np.ndarray, " real"],
    z: Float[Array | np.ndarray, " samples"],
    rounds: int,
    steps: tuple[Num[Array | np.ndarray, ""] | int | float, Num[Array | np.ndarray, ""] | int | float] = (
        300,
        3,
    ),
    rates: tuple[Num[Array, ""] | float, Num[Array, ""] | float] = (0.01, 0.02),
    gradient: str = "exact",
    kind: str = "minimax",
) -> Players:
    r"""Let the players take turns: the discriminator its steps downhill, then the generator its steps uphill.

    Parameters
    ----------
    start
        Where both begin; the notebook has :math:`\theta = 3` and :math:`\phi = (-2, 1)`.
    x_real, z
        Real examples and latent variables, the same in all rounds.
    rounds
        How often each has its turn; static under ``jit``.
    steps
        Steps in a turn of the discriminator, and of the generator. They may be traced, so that one program plays games with
        any numbers of steps, under ``vmap`` side by side.
    rates
        Learning rates of the two.
    gradient
        ``"exact"`` for derivatives, ``"finite"`` for the notebook's forward differences over 0.0001, which need
        double precision.
    kind
        What the generator maximises, as in :func:`generator_gain`.

    Returns
    -------
    Players
        After each round.

    Raises
    ------
    ValueError
        If ``rounds`` is not positive, a number of steps or a rate is negative, shapes do not fit, or an option is unknown.

    References
    ----------
    Prince (2023), section 15.1.2, equation 15.5, figure 15.1.

    Examples
    --------
    >>> start = Players(jnp.array(3.0), jnp.array([-2.0, 1.0]))
    >>> x_real, z = jnp.array([7.0, 8.0]), jnp.array([-0.5, 0.5])
    >>> [f"{theta:.2f}" for theta in play(start, x_real, z, rounds=3).theta]
    ['3.02', '3.04', '3.06']
    """
    rounds = count("rounds", rounds, least=1)
    steps_d, steps_g = (
        _steps(name, each) for name, each in zip(("steps[0]", "steps[1]"), steps, strict=True)
    )
    start = Players(*jax.tree.map(jnp.asarray, start))
    rate_d, rate_g = (
        like(number(name, rate, least=0.0), start.phi)
        for name, rate in zip(("rates[0]", "rates[1]"), rates, strict=True)
    )
    one_of("gradient", gradient, ("exact", "finite"))
    slope = jax.grad if gradient == "exact" else _by_differences

    def turn(players, _):
        made = z + players.theta
        downhill = slope(functools.partial(discriminator_loss, x_real=x_real, x_generated=made))
        phi = jax.lax.fori_loop(0, steps_d, lambda _, phi: phi - rate_d * downhill(phi), players.phi)
        uphill = slope(functools.partial(generator_gain, phi=phi, z=z, kind=kind))
        theta = jax.lax.fori_loop(0, steps_g, lambda _, theta: theta + rate_g * uphill(theta), players.theta)
        return Players(theta, phi), Players(theta, phi)

    return jax.lax.scan(turn, start, length=rounds)[1]


def _by_differences(function):
    return functools.partial(finite_differences, function, delta=DELTA)


def _steps(name, steps):
    if is_traced(steps):
        return steps
    values(name, steps, lambda s: (s >= 0) & (s == np.round(s)), "a number of steps, not negative")
    return jnp.asarray(steps, int)
