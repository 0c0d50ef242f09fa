r"""The same model asked another question: not where a sample came from, but which noise is in it."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int, Key, Num

from udl_jax import _checks
from udl_jax._annotations import checked
from udl_jax.ch18_diffusion import lookup_table
from udl_jax.ch18_diffusion.diffusion_model import reverse
from udl_jax.ch18_diffusion.encoder import diffusion_kernel
from udl_jax.ch18_diffusion.lookup_table import Table
from udl_jax.ch18_diffusion.schedules import (
    Schedule,
    check_beta,
    check_steps,
    check_time,
    signal_and_noise,
    steps_of,
)

#: Guesses the noise in samples z after t steps, such as :func:`table_model` makes; a ``jax.tree_util.Partial``
#: may pass through ``jit``, any other function is static there.
NoiseModel = Callable[[Float[Array, "*samples"], Int[Array, ""]], Float[Array, "*samples"]]


@checked
def noise_pairs(
    x: Float[Array, "*samples"], noise: Float[Array, "*samples"], t: Num[ArrayLike, ""], beta: Schedule
) -> tuple[Float[Array, "*samples"], Float[Array, "*samples"]]:
    r"""Make pairs to learn from: samples after ``t`` steps, and the noise that made them of the data.

    Parameters
    ----------
    x
        The data.
    noise
        Standard normal draws :math:`\epsilon`.
    t
        Number of steps, from 0.
    beta
        Noise schedule, strictly between 0 and 1: one number, or one for each step.

    Returns
    -------
    Float[Array, "*samples"]
        :math:`z_t = \sqrt{\alpha_t}\,x + \sqrt{1-\alpha_t}\,\epsilon`.
    Float[Array, "*samples"]
        :math:`\epsilon`, as it came.

    Raises
    ------
    ValueError
        If ``x`` and ``noise`` differ in shape, or ``beta`` or ``t`` is out of range.

    References
    ----------
    Prince (2023), section 18.5, algorithm 18.1, equation 18.8.

    Examples
    --------
    >>> z, _ = noise_pairs(jnp.ones(2), jnp.array([-1.0, 1.0]), 1, 0.36)
    >>> [f"{float(value):.3f}" for value in z]
    ['0.200', '1.400']
    """
    mean, deviation = diffusion_kernel(x, t, beta)
    return mean + deviation * noise, noise


@checked
def fit_tables(
    x: Float[Array, " samples"],
    noise: Float[Array, "steps samples"],
    beta: Schedule,
    bins: int = 600,
    *,
    trained_at: int = 0,
) -> Table:
    r"""Learn one model for each step: a table of the noise that is in :math:`z_t` on average.

    Parameters
    ----------
    x
        The data.
    noise
        Standard normal draws; row ``t - 1`` belongs to the model that undoes step ``t``.
    beta
        Noise schedule, strictly between 0 and 1: one number, or one for each step.
    bins
        Of each table, which cover -3 to 3; samples and noise beyond are moved to there. Static under ``jit``.
    trained_at
        0 for the notebooks' way: the model that undoes step ``t`` learns from samples after ``t - 1`` steps. 1 for
        samples after ``t`` steps, which are those that it will be shown. Static under ``jit``.

    Returns
    -------
    Table
        One row for each step.

    Raises
    ------
    ValueError
        If shapes do not fit, ``beta`` lies outside (0, 1), or ``trained_at`` is neither 0 nor 1.

    References
    ----------
    Prince (2023), section 18.5, algorithm 18.1; notebooks 18.3 and 18.4.
    """
    beta = check_beta(beta)
    check_steps(beta, noise)
    shift = _check_shift("trained_at", trained_at)

    def one(now):
        t, noise = now
        z, target = (jnp.clip(each, -3, 3) for each in noise_pairs(x, noise, t, beta))
        return lookup_table.fit(z, target, bins)

    tables = jax.lax.map(one, (jnp.arange(len(noise)) + shift, noise))
    return tables._replace(limit=tables.limit[0])


def table_model(tables: Table) -> NoiseModel:
    """Make a noise model of tables from :func:`fit_tables`, for :func:`sample` and the samplers of 18.4."""
    return jax.tree_util.Partial(_look_up, tables)


@checked
def reverse_mean(
    z: Float[Array, "*samples"],
    predicted: Float[Array, "*samples"],
    t: Num[ArrayLike, ""],
    beta: Schedule,
    *,
    sampled_at: int = 0,
) -> Float[Array, "*samples"]:
    r"""Take a step's share of the noise out of samples, and undo that the step made them smaller.

    Parameters
    ----------
    z
        Samples :math:`z_t`.
    predicted
        The noise that a model guesses to be in them, :math:`\text{g}_t[z_t, \phi_t]`.
    t
        Number of steps, from 1.
    beta
        Noise schedule, strictly between 0 and 1: one number, or one for each step.
    sampled_at
        1 to take :math:`\alpha_{t+1}` for :math:`\alpha_t`, as notebook 18.4 does. Static under ``jit``.

    Returns
    -------
    Float[Array, "*samples"]
        :math:`\frac{1}{\sqrt{1-\beta_t}}\,z_t - \frac{\beta_t}{\sqrt{1-\alpha_t}\sqrt{1-\beta_t}}\,\text{g}_t`.

    Raises
    ------
    ValueError
        If ``z`` and ``predicted`` differ in shape, or ``beta``, ``t`` or ``sampled_at`` is out of range.

    References
    ----------
    Prince (2023), section 18.5, algorithm 18.2.

    Examples
    --------
    >>> print(reverse_mean(jnp.array([1.0]), jnp.array([0.5]), 1, 0.75))
    [1.1339746]
    """
    beta = check_beta(beta)
    shift = _check_shift("sampled_at", sampled_at)
    t = check_time(t, steps_of(beta), least=1)
    noise = _checks.like(signal_and_noise(beta, t + shift)[1], z)
    beta_t = _checks.like(beta if jnp.ndim(beta) == 0 else beta[t - 1], z)
    return (z - beta_t / jnp.sqrt(noise) * predicted) / jnp.sqrt(1 - beta_t)


@checked
def sample(
    model: NoiseModel,
    start: Float[Array, "*samples"],
    noise: Float[Array, "steps *samples"],
    beta: Schedule,
    sigma: Schedule,
    *,
    sampled_at: int = 0,
    last_noise: bool = True,
) -> Float[Array, "steps+1 *samples"]:
    r"""Run the process backwards with a model of the noise.

    Parameters
    ----------
    model
        Guesses the noise in samples ``z`` after ``t`` steps: from :func:`table_model`,
        :func:`udl_jax.ch18_diffusion.mixture.exact_model`, or any function of the two.
    start
        Standard normal draws, taken for :math:`z_T`.
    noise
        Standard normal draws; row ``t - 1`` is what is added to reach :math:`z_{t-1}`.
    beta
        Noise schedule, strictly between 0 and 1: one number, or one for each step.
    sigma
        Standard deviation of what is added, not negative: one number, or one for each step.
    sampled_at
        As in :func:`reverse_mean`.
    last_noise
        Whether noise is added at the very last step too, as the notebook does; algorithm 18.2 does not. Static
        under ``jit``.

    Returns
    -------
    Float[Array, "steps+1 *samples"]
        :math:`z_0, \dots, z_T`; row 0 has the samples.

    Raises
    ------
    ValueError
        If shapes do not fit, or ``beta``, ``sigma`` or ``sampled_at`` is out of range.

    References
    ----------
    Prince (2023), section 18.5, algorithm 18.2, figure 18.7; notebook 18.3.
    """
    beta = check_beta(beta)
    check_steps(beta, noise)
    shift = _check_shift("sampled_at", sampled_at)
    if shift and steps_of(beta) is not None:
        raise ValueError("sampled_at must be 0 where the schedule ends with the last step, got 1")

    def step_back(z, t):
        return reverse_mean(z, model(z, t), t, beta, sampled_at=shift)

    return reverse(step_back, start, noise, sigma, last_noise)


@checked
def draw_tables(
    key: Key[Array, ""],
    x: Float[Array, " samples"],
    beta: Schedule,
    steps: int,
    bins: int = 600,
    *,
    trained_at: int = 0,
) -> Table:
    """Draw standard normal noise and :func:`fit_tables` to the data ``x`` blurred by it."""
    noise = jax.random.normal(key, (_checks.count("steps", steps), len(x)), x.dtype)
    return fit_tables(x, noise, beta, bins, trained_at=trained_at)


def _look_up(tables, z, t):
    t = check_time(t, len(tables.values), least=1)
    return lookup_table.look_up(lookup_table.table_at(tables, t), z)


def _check_shift(name, shift):
    if _checks.count(name, shift, least=0) > 1:
        raise ValueError(f"{name} must be 0 or 1, got {shift}")
    return int(shift)
