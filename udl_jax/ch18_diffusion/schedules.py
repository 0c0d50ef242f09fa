r"""Noise schedules: how much noise each step of the forward process adds, and what is left of the data after many."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Num

from udl_jax import _checks
from udl_jax._annotations import checked

#: One :math:`\beta` for all steps, or one for each.
Schedule = Num[ArrayLike, ""] | Num[ArrayLike, " _"]


@checked
def linear(first: Num[ArrayLike, ""], last: Num[ArrayLike, ""], steps: int) -> Float[Array, "{steps}"]:
    r"""Let :math:`\beta_t` rise on a straight line.

    Parameters
    ----------
    first, last
        :math:`\beta_1` and :math:`\beta_T`, strictly between 0 and 1. Equal ones give the notebooks' schedule.
    steps
        Number of steps :math:`T`; static under ``jit``.

    Returns
    -------
    Float[Array, "{steps}"]
        :math:`\beta_1, \dots, \beta_T`.

    Raises
    ------
    ValueError
        If ``first`` or ``last`` lies outside (0, 1), or there are no steps.

    References
    ----------
    Prince (2023), section 18.2; Ho, Jain and Abbeel (2020), section 4.

    Examples
    --------
    >>> print(linear(0.125, 0.375, 3))
    [0.125 0.25  0.375]
    """
    _checks.count("steps", steps)
    first, last = check_beta(first, "first"), check_beta(last, "last")
    return jnp.linspace(first, last, steps)


@checked
def cosine(
    steps: int, offset: Num[ArrayLike, ""] = 0.008, largest: Num[ArrayLike, ""] = 0.999
) -> Float[Array, "{steps}"]:
    r"""Let :math:`\alpha_t` fall like a squared cosine: gently at both ends.

    Parameters
    ----------
    steps
        Number of steps :math:`T`; static under ``jit``.
    offset
        The :math:`s` of the formula, not negative, which keeps the first steps from being tiny.
    largest
        No :math:`\beta_t` is larger, strictly between 0 and 1. Without this limit the last would be one, and
        nothing whatever would be left of the data.

    Returns
    -------
    Float[Array, "{steps}"]
        :math:`\beta_t = \min[1 - f_t/f_{t-1}, \text{largest}]`, where
        :math:`f_t = \cos^2\bigl[\frac{t/T + s}{1 + s}\,\frac{\pi}{2}\bigr]`.

    Raises
    ------
    ValueError
        If there are no steps, ``offset`` is negative, or ``largest`` lies outside (0, 1).

    References
    ----------
    Nichol and Dhariwal (2021), equation 17. Prince (2023), notes to chapter 18.

    Examples
    --------
    >>> print(cosine(4))
    [0.15298... 0.41695... 0.70785... 0.999 ]
    """
    _checks.count("steps", steps)
    offset = _checks.number("offset", offset, least=0.0)
    largest = check_beta(largest, "largest")
    kept = jnp.cos((jnp.arange(steps + 1) / steps + offset) / (1 + offset) * jnp.pi / 2) ** 2
    return jnp.minimum(1 - kept[1:] / kept[:-1], largest)


@checked
def signal_and_noise(beta: Schedule, t: Num[ArrayLike, ""]) -> tuple[Float[Array, ""], Float[Array, ""]]:
    r"""Compute how much of the variance after ``t`` steps stems from the data, and how much is noise.

    Both are computed by themselves: after few steps the noise is a small number, of which
    :math:`1 - \alpha_t` would have few correct digits.

    Parameters
    ----------
    beta
        The schedule: one number, the same at every step, or :math:`\beta_1, \dots, \beta_T`.
    t
        Number of steps :math:`t`, from 0; with one for each step up to as many as there are.

    Returns
    -------
    Float[Array, ""]
        :math:`\alpha_t = \prod_{s=1}^{t} (1-\beta_s)`.
    Float[Array, ""]
        :math:`1 - \alpha_t`.

    Raises
    ------
    ValueError
        If ``beta`` lies outside (0, 1), or ``t`` is out of range.

    References
    ----------
    Prince (2023), section 18.2.1, equation 18.7.

    Examples
    --------
    >>> [f"{part:.4f}" for part in signal_and_noise(0.5, 2)]
    ['0.2500', '0.7500']
    """
    beta = check_beta(beta)
    t = check_time(t, steps_of(beta))
    if np.ndim(beta) == 0:
        log_signal = t * jnp.log1p(-beta)
    else:
        logs = jnp.cumsum(jnp.log1p(-beta))
        log_signal = jnp.concatenate([jnp.zeros(1, logs.dtype), logs])[t]
    return jnp.exp(log_signal), -jnp.expm1(log_signal)


def check_beta(beta, name: str = "beta"):
    """Return a schedule of which every number lies strictly between 0 and 1; refuse any other by name."""
    if np.ndim(beta) == 0:
        beta = _checks.as_number(name, beta)
        if not _checks.is_traced(beta) and not 0 < float(beta) < 1:
            raise ValueError(f"{name} must lie strictly between 0 and 1, got {beta}")
        return beta
    beta = _checks.as_floats(name, beta, axes=1)
    if not len(beta):
        raise ValueError(f"{name} must have one number for each step, got none")
    _checks.values(name, beta, lambda each: (each > 0) & (each < 1), "strictly between 0 and 1 at every step")
    return beta


def steps_of(beta) -> int | None:
    """Return how many steps a schedule has; None if it has one number for any step."""
    return len(beta) if np.ndim(beta) else None


def check_time(t, steps: int | None = None, *, least: int = 0):
    """Return a number of steps that is not below ``least``, nor above ``steps``; refuse any other by name."""
    t = _checks.number("t", t)
    if _checks.is_traced(t):
        return t
    t = int(t) if isinstance(t, float) and t.is_integer() else t
    if float(t) < least:
        raise ValueError(f"t must {f'be at least {least}' if least else 'not be negative'}, got {t}")
    if steps is not None and (float(t) > steps or int(t) != t):
        raise ValueError(f"t must be a whole number up to the {steps} steps of the schedule, got {t}")
    return t


def check_steps(beta, noise, name: str = "noise") -> None:
    """Refuse noise that has not one row for each step of the schedule."""
    steps = steps_of(beta)
    if steps is not None and len(noise) != steps:
        raise ValueError(f"{name} must have one row for each of {steps} steps, got {len(noise)}")
