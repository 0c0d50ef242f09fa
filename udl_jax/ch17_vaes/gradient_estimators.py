r"""Estimators of gradients, for any function and any distribution, and what they are worth."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, Num

from udl_jax import _checks
from udl_jax._annotations import as_key, checked

#: Computes one number for each draw, from the parameter and the draws.
PerDraw = Callable[[Float[Array, ""], Float[Array, " draws"]], Float[Array, " draws"]]
_CHUNK = 2**20


@checked
def moments(
    per_draw: PerDraw, phi: Num[Array, ""] | float, nodes: int = 200
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    r"""Compute mean and variance of what an estimator averages, by Gauss-Hermite quadrature instead of draws.

    Parameters
    ----------
    per_draw
        Such as those of :mod:`udl_jax.ch17_vaes.reparameterization`: a smooth function of ``phi`` and draws. Static
        under ``jit``.
    phi
        The parameter :math:`\phi`.
    nodes
        Number of places at which it is evaluated; static under ``jit``.

    Returns
    -------
    Float[Array, ""]
        What is estimated.
    Float[Array, ""]
        Of one draw; the average of :math:`I` draws varies :math:`I` times less.

    Raises
    ------
    ValueError
        If there are no nodes.

    Examples
    --------
    >>> from udl_jax.ch17_vaes import reparameterization as notebook
    >>> both = (notebook.path_derivative, notebook.score_derivative)
    >>> along_path, by_score = (moments(each, 0.3)[1] for each in both)
    >>> print(f"{along_path:.1f} {by_score:.1f}")
    25.8 247.4
    """
    places, weights = np.polynomial.hermite_e.hermegauss(_checks.count("nodes", nodes))
    phi = jnp.asarray(_checks.number("phi", phi))
    dtype = jnp.result_type(phi, float)
    weights = jnp.asarray(weights / weights.sum(), dtype)
    values = per_draw(phi, jnp.asarray(places, dtype))
    mean = weights @ values
    return mean, weights @ (values - mean) ** 2


def pathwise(f: Callable, sampler: Callable) -> Callable:
    r"""Make the reparameterised gradient of any expectation.

    Parameters
    ----------
    f
        The function of one draw.
    sampler
        Turns parameters, any tree of arrays, and one draw of noise into a draw.

    Returns
    -------
    Callable
        From parameters and many draws of noise to the average gradient by the parameters.

    Examples
    --------
    >>> from udl_jax.ch17_vaes import reparameterization as notebook
    >>> gradient = pathwise(notebook.integrand, notebook.sample_path)
    >>> print(gradient(0.0, jnp.array([-1.0, 1.0])))
    2.0
    """

    def value(phi, noise):
        return jnp.mean(jax.vmap(lambda epsilon: f(sampler(phi, epsilon)))(noise))

    return jax.grad(value)


def score_function(f: Callable, log_density: Callable) -> Callable:
    r"""Make the score-function gradient of any expectation; ``f`` need not be differentiable.

    Parameters
    ----------
    f
        The function of one draw.
    log_density
        Logarithm of the density, or probability, of a draw and parameters, any tree of arrays.

    Returns
    -------
    Callable
        From parameters and many draws, which were made with these parameters, to the average gradient.

    Examples
    --------
    >>> from udl_jax.ch17_vaes import reparameterization as notebook
    >>> gradient = score_function(notebook.integrand, notebook.log_density)
    >>> print(gradient(0.0, jnp.array([-2.0, 2.0])))
    12.0
    """

    def value(phi, draws):
        worth = jax.lax.stop_gradient(jax.vmap(f)(draws))
        return jnp.mean(worth * jax.vmap(lambda x: log_density(x, phi))(draws))

    return jax.grad(value)


@checked
def estimate(estimator: Callable, key: Key[Array, ""], phi, draws: int) -> Float[Array, "*shape"]:
    """Average an estimator over any number of draws, a million at a time, so that memory and digits suffice.

    The key's bits seed a NumPy generator, which draws normal numbers in a third of the time that JAX's takes on a
    CPU. So this function cannot be jitted.

    Parameters
    ----------
    estimator
        A function of ``phi`` and an array of draws, or a ``vmap`` of one over several
        ``phi``. Compiled once.
    key
        Decides the draws.
    phi
        Its first argument.
    draws
        How many.

    Returns
    -------
    Float[Array, "*shape"]
        What the estimator returns, averaged over all draws.

    Raises
    ------
    ValueError
        If there are no draws.

    Examples
    --------
    >>> from udl_jax.ch17_vaes.reparameterization import expectation
    >>> mean = estimate(expectation, jax.random.key(0), 0.5, 3_000_000)
    >>> print(f"{mean:.2f}")
    2.77
    """
    _checks.refuse_traced("estimate", (key, phi), "it draws with NumPy")
    generator = np.random.default_rng(np.asarray(jax.random.key_data(as_key("key", key))))
    dtype = jnp.result_type(float)
    left, total, compiled = _checks.count("draws", draws), 0.0, jax.jit(estimator)
    while left:
        now = min(left, _CHUNK)
        noise = generator.standard_normal(now, dtype)
        total = total + np.asarray(compiled(phi, noise), np.double) * (now / draws)
        left -= now
    return jnp.asarray(total, dtype)
