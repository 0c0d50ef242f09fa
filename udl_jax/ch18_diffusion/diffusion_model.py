r"""A diffusion model in one dimension: learn to undo one step of noise, and do so a hundred times."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Key, Num

from udl_jax import _checks
from udl_jax._annotations import checked
from udl_jax.ch18_diffusion import lookup_table
from udl_jax.ch18_diffusion.encoder import diffusion_kernel
from udl_jax.ch18_diffusion.lookup_table import Table
from udl_jax.ch18_diffusion.schedules import Schedule, check_beta, check_steps, check_time, signal_and_noise


@checked
def conditional_diffusion(
    x: Float[Array, "*samples"], z: Float[Array, "*samples"], t: Num[ArrayLike, ""], beta: Schedule
) -> tuple[Float[Array, "*samples"], Float[Array, ""]]:
    r"""Compute the distribution of :math:`z_{t-1}` for who knows both :math:`z_t` and the data: it is normal.

    Parameters
    ----------
    x
        The data.
    z
        What they have become after ``t`` steps.
    t
        Number of steps, from 1.
    beta
        Noise schedule, strictly between 0 and 1: one number, or one for each step.

    Returns
    -------
    Float[Array, "*samples"]
        :math:`\frac{1-\alpha_{t-1}}{1-\alpha_t}\sqrt{1-\beta_t}\,z_t +
        \frac{\sqrt{\alpha_{t-1}}\,\beta_t}{1-\alpha_t}\,x`.
    Float[Array, ""]
        :math:`\sqrt{\beta_t\,(1-\alpha_{t-1})/(1-\alpha_t)}`, which is zero for :math:`t = 1`.

    Raises
    ------
    ValueError
        If ``x`` and ``z`` differ in shape, ``beta`` lies outside (0, 1), or ``t`` is below 1.

    References
    ----------
    Prince (2023), section 18.2.4, equation 18.15, figure 18.5.

    Examples
    --------
    >>> mean, deviation = conditional_diffusion(jnp.array([1.0]), jnp.array([0.0]), 2, 0.5)
    >>> print(f"{mean[0]:.4f} {deviation:.4f}")
    0.4714 0.5774
    """
    t, beta_t, (signal_before, noise_before), (_, noise) = _around(t, beta, z)
    of_z = noise_before / noise * jnp.sqrt(1 - beta_t)
    of_x = jnp.sqrt(signal_before) * beta_t / noise
    return of_z * z + of_x * x, jnp.sqrt(beta_t * noise_before / noise)


@checked
def data_pairs(
    x: Float[Array, "*samples"],
    noise: Float[Array, "*samples"],
    noise_before: Float[Array, "*samples"],
    t: Num[ArrayLike, ""],
    beta: Schedule,
) -> tuple[Float[Array, "*samples"], Float[Array, "*samples"]]:
    r"""Make pairs to learn from: samples after ``t`` steps, and where they may have been a step before.

    Parameters
    ----------
    x
        The data.
    noise, noise_before
        Standard normal draws that blur the data to :math:`z_t`, and then choose :math:`z_{t-1}`.
    t
        Number of steps, from 1.
    beta
        Noise schedule, strictly between 0 and 1: one number, or one for each step.

    Returns
    -------
    Float[Array, "*samples"]
        :math:`z_t`, from the diffusion kernel.
    Float[Array, "*samples"]
        :math:`z_{t-1}`, from :func:`conditional_diffusion`; for :math:`t = 1` the data themselves.

    Raises
    ------
    ValueError
        If the arrays differ in shape, ``beta`` lies outside (0, 1), or ``t`` is below 1.

    References
    ----------
    Prince (2023), section 18.4, equation 18.16; notebook 18.2.

    Examples
    --------
    >>> z, z_before = data_pairs(jnp.ones(2), jnp.array([-1.0, 1.0]), jnp.zeros(2), 1, 0.36)
    >>> [f"{float(value):.3f}" for value in (*z, *z_before)]
    ['0.200', '1.400', '1.000', '1.000']
    """
    mean, deviation = diffusion_kernel(x, t, beta)
    z = mean + deviation * noise
    mean_before, deviation_before = conditional_diffusion(x, z, t, beta)
    return z, mean_before + deviation_before * noise_before


@checked
def fit_tables(
    x: Float[Array, " samples"],
    noise: Float[Array, "steps samples"],
    noise_before: Float[Array, "steps samples"],
    beta: Schedule,
    bins: int = 600,
) -> Table:
    r"""Learn one model for each step: a table of how far :math:`z_{t-1}` lies from :math:`z_t` on average.

    Parameters
    ----------
    x
        The data.
    noise, noise_before
        Standard normal draws, as for :func:`data_pairs`; row ``t - 1`` belongs to step ``t``.
    beta
        Noise schedule, strictly between 0 and 1: one number, or one for each step.
    bins
        Of each table, which cover -3 to 3; samples beyond are moved to there. Static under ``jit``.

    Returns
    -------
    Table
        One row for each step.

    Raises
    ------
    ValueError
        If shapes do not fit, or ``beta`` lies outside (0, 1).

    References
    ----------
    Prince (2023), section 18.4; notebook 18.2.
    """
    beta = check_beta(beta)
    check_steps(beta, noise)

    def one(now):
        t, noise, noise_before = now
        z, z_before = (jnp.clip(each, -3, 3) for each in data_pairs(x, noise, noise_before, t, beta))
        return lookup_table.fit(z, z_before - z, bins)

    tables = jax.lax.map(one, (jnp.arange(1, len(noise) + 1), noise, noise_before))
    return tables._replace(limit=tables.limit[0])


@checked
def predict(tables: Table, z: Float[Array, "*samples"], t: Num[ArrayLike, ""]) -> Float[Array, "*samples"]:
    r"""Say where samples :math:`z_t` were a step before, on average.

    Parameters
    ----------
    tables
        From :func:`fit_tables`.
    z
        Samples after ``t`` steps.
    t
        Number of steps, from 1 to as many as there are tables.

    Returns
    -------
    Float[Array, "*samples"]
        :math:`\text{f}_t[z_t, \phi_t]`.

    Raises
    ------
    ValueError
        If there is no table for ``t``.

    References
    ----------
    Prince (2023), section 18.3, equation 18.16.
    """
    t = check_time(t, len(tables.values), least=1)
    return z + lookup_table.look_up(lookup_table.table_at(tables, t), z)


@checked
def sample(
    tables: Table,
    start: Float[Array, " samples"],
    noise: Float[Array, "steps samples"],
    sigma: Num[ArrayLike, ""],
    *,
    last_noise: bool = True,
) -> Float[Array, "steps+1 samples"]:
    r"""Run the process backwards: for every step predict where the sample came from, and add a little noise.

    Parameters
    ----------
    tables
        From :func:`fit_tables`.
    start
        Standard normal draws, taken for :math:`z_T`.
    noise
        Standard normal draws; row ``t - 1`` is what is added to reach :math:`z_{t-1}`.
    sigma
        Standard deviation of what is added, not negative. The notebook has 0.12288, about :math:`\sqrt\beta`.
    last_noise
        Whether noise is added at the very last step too, as the notebook does; algorithm 18.2 does not. Static
        under ``jit``.

    Returns
    -------
    Float[Array, "steps+1 samples"]
        :math:`z_0, \dots, z_T`; row 0 has the samples.

    Raises
    ------
    ValueError
        If shapes do not fit, or ``sigma`` is negative.

    References
    ----------
    Prince (2023), section 18.3, figure 18.7; notebook 18.2.
    """
    steps = len(tables.values)
    if len(noise) != steps:
        raise ValueError(f"noise must have one row for each of {steps} tables, got {len(noise)}")
    return reverse(lambda z, t: predict(tables, z, t), start, noise, sigma, last_noise)


def reverse(step_back, start, noise, sigma, last_noise):
    """Step back from :math:`z_T` to :math:`z_0`, and add noise after every step; return all of them, z_0 first."""
    if np.ndim(sigma) == 0:
        sigma = _checks.number("sigma", sigma, least=0)
    else:
        _checks.shape_of("sigma", sigma, (len(noise),), "one for each step")
        _checks.values("sigma", sigma, lambda each: each >= 0, "not negative")
    sigma = jnp.broadcast_to(_checks.like(jnp.asarray(sigma), start), len(noise))
    times = jnp.arange(1, len(noise) + 1)
    added = sigma.reshape(-1, *[1] * start.ndim) * noise.astype(start.dtype)
    if not last_noise:
        added = added.at[0].set(0)

    def back(z, now):
        t, epsilon = now
        return step_back(z, t) + epsilon, z

    z_0, path = jax.lax.scan(back, start, (times, added), reverse=True)
    return jnp.concatenate([z_0[None], path])


@checked
def draw_tables(
    key: Key[Array, ""], x: Float[Array, " samples"], beta: Schedule, steps: int, bins: int = 600
) -> Table:
    """Draw standard normal noise and :func:`fit_tables` to the data ``x`` blurred by it."""
    _checks.count("steps", steps)
    noise = jax.random.normal(key, (2, steps, len(x)), x.dtype)
    return fit_tables(x, noise[0], noise[1], beta, bins)


@checked
def draw_samples(
    key: Key[Array, ""], tables: Table, count: int, sigma: Num[ArrayLike, ""], *, last_noise: bool = True
) -> Float[Array, "_ {count}"]:
    """Draw starts and noise, and :func:`sample` with them."""
    _checks.count("count", count)
    noise = jax.random.normal(key, (len(tables.values) + 1, count), tables.values.dtype)
    return sample(tables, noise[-1], noise[:-1], sigma, last_noise=last_noise)


def _around(t, beta, z):
    r"""Return ``t``, the :math:`\beta` of its step, and signal and noise before and after it."""
    beta = check_beta(beta)
    t = check_time(t, least=1)
    before, after = (
        tuple(_checks.like(part, z) for part in signal_and_noise(beta, time)) for time in (t - 1, t)
    )
    beta_t = beta if jnp.ndim(beta) == 0 else beta[t - 1]
    return t, _checks.like(beta_t, z), before, after
