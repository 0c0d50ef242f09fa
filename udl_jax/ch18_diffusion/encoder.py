"""The diffusion encoder: data are blended with noise until only noise is left."""

import jax
import jax.numpy as jnp
from jax.scipy import stats
from jaxtyping import Array, ArrayLike, Float, Key, Num

from udl_jax import _checks
from udl_jax._annotations import checked
from udl_jax.ch17_vaes.latent_variables import grid_spacing
from udl_jax.ch18_diffusion.schedules import Schedule, check_beta, check_steps, check_time, signal_and_noise


@checked
def diffuse(
    x: Float[Array, "*samples"], beta: Schedule, noise: Float[Array, "steps *samples"]
) -> Float[Array, "steps+1 *samples"]:
    r"""Run the forward process, one step for each row of ``noise``.

    Parameters
    ----------
    x
        The data, which are :math:`z_0`.
    beta
        Noise schedule, strictly between 0 and 1: one number, or one for each step.
    noise
        Standard normal draws: for each step as many as there are data.

    Returns
    -------
    Float[Array, "steps+1 *samples"]
        :math:`z_0, \dots, z_T`.

    Raises
    ------
    ValueError
        If ``beta`` lies outside (0, 1), or the shape of ``noise`` is not that of ``x`` with steps before it.

    References
    ----------
    Prince (2023), section 18.2, equation 18.1, figure 18.2.

    Examples
    --------
    >>> diffuse(jnp.ones(2), 0.19, jnp.zeros((1, 2)))
    Array([[1. , 1. ],
           [0.9, 0.9]], dtype=float32)
    """
    beta = check_beta(beta)
    check_steps(beta, noise)
    betas = jnp.broadcast_to(_checks.like(jnp.asarray(beta), x), len(noise))

    def step(z, now):
        beta, epsilon = now
        z = jnp.sqrt(1 - beta) * z + jnp.sqrt(beta) * epsilon
        return z, z

    _, path = jax.lax.scan(step, x, (betas, noise.astype(x.dtype)))
    return jnp.concatenate([x[None], path])


@checked
def sample_diffusion(
    key: Key[Array, ""], x: Float[Array, "*samples"], beta: Schedule, steps: int
) -> Float[Array, "{steps}+1 *samples"]:
    """Draw standard normal noise for ``steps`` steps and :func:`diffuse` ``x`` with it."""
    _checks.count("steps", steps)
    return diffuse(x, beta, jax.random.normal(key, (steps, *x.shape), x.dtype))


@checked
def diffusion_kernel(
    x: Float[ArrayLike, "*samples"], t: Num[ArrayLike, ""], beta: Schedule
) -> tuple[Float[Array, "*samples"], Float[Array, ""]]:
    r"""Skip ``t`` steps of the forward process: given the data, :math:`z_t` is normal.

    Parameters
    ----------
    x
        The data.
    t
        Number of steps, from 0.
    beta
        Noise schedule, strictly between 0 and 1: one number, or one for each step.

    Returns
    -------
    Float[Array, "*samples"]
        :math:`\sqrt{\alpha_t}\,x`.
    Float[Array, ""]
        :math:`\sqrt{1-\alpha_t}`, the same for all data.

    Raises
    ------
    ValueError
        If ``beta`` lies outside (0, 1), or ``t`` is out of range.

    References
    ----------
    Prince (2023), section 18.2.1, equation 18.8, figure 18.3.

    Examples
    --------
    >>> mean, deviation = diffusion_kernel(-2.0, 100, 0.01511)
    >>> print(f"{mean:.5f} {deviation:.5f}")
    -0.93415 0.88422
    """
    x = _checks.as_floats("x", x)
    signal, noise = signal_and_noise(beta, t)
    return _checks.like(jnp.sqrt(signal), x) * x, _checks.like(jnp.sqrt(noise), x).astype(x.dtype)


@checked
def marginal(
    x: Float[Array, " places"], density: Float[Array, " places"], t: Num[ArrayLike, ""], beta: Schedule
) -> Float[Array, " places"]:
    r"""Sum the diffusion kernels of all places, weighted by how probable the data are there.

    What the data's density has beyond the first and the last place is left out, and so is what diffuses beyond.

    Parameters
    ----------
    x
        Equally spaced places in rising order.
    density
        Density of the data at these places.
    t
        Number of steps, from 0.
    beta
        Noise schedule, strictly between 0 and 1: one number, or one for each step.

    Returns
    -------
    Float[Array, " places"]
        :math:`q(z_t) \approx \sum_x q(z_t\,|\,x)\,Pr(x)\,\Delta x` at the same places.

    Raises
    ------
    ValueError
        If ``x`` has fewer than two places or is not equally spaced, or if ``beta`` or ``t`` is out of range.

    References
    ----------
    Prince (2023), section 18.2.2, equation 18.10, figure 18.4.

    Examples
    --------
    >>> x = jnp.linspace(-4, 4, 81)
    >>> normal = jnp.exp(-(x**2) / 2) / jnp.sqrt(2 * jnp.pi)
    >>> print(f"{jnp.abs(marginal(x, normal, 20, 0.1) - normal).max():.3f}")  # the normal stays as it is
    0.000
    """
    width = grid_spacing("x", x)
    t = check_time(t)
    mean, deviation = diffusion_kernel(x, t, beta)
    still = jnp.asarray(t) == 0
    kernels = stats.norm.pdf(x[:, None], mean, jnp.where(still, 1, deviation))
    return jnp.where(still, density, kernels @ density * width)
