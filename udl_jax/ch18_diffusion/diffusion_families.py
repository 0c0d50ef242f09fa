r"""One trained model, many ways to sample: without noise, in fewer steps, and there and back."""

from collections.abc import Iterable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Num

from udl_jax import _checks
from udl_jax._annotations import checked
from udl_jax.ch18_diffusion.reparameterized_model import NoiseModel
from udl_jax.ch18_diffusion.schedules import Schedule, check_beta, signal_and_noise, steps_of


@checked
def ddim_step(
    z: Float[Array, "*samples"],
    predicted: Float[Array, "*samples"],
    signal: Num[ArrayLike, ""],
    signal_next: Num[ArrayLike, ""],
    sigma: Num[ArrayLike, ""] = 0.0,
    noise: Float[Array, "*samples"] | None = None,
) -> Float[Array, "*samples"]:
    r"""Guess the data, and blend them with the guessed noise, and fresh noise, to what they are at another time.

    Parameters
    ----------
    z
        Samples :math:`z_t`.
    predicted
        The noise that a model guesses to be in them, :math:`\text{g}_t[z_t, \phi_t]`.
    signal
        :math:`\alpha_t`, in (0, 1].
    signal_next
        :math:`\alpha_s` of the time to go to, in (0, 1]: a smaller one to remove noise, a larger one to add it.
    sigma
        Standard deviation of the fresh noise, not negative. Where it alone exceeds the noise that belongs to the
        time :math:`s`, the guessed noise is left out.
    noise
        Standard normal draws; without them no fresh noise is added.

    Returns
    -------
    Float[Array, "*samples"]
        :math:`\sqrt{\alpha_s}\,\frac{z_t - \sqrt{1-\alpha_t}\,\text{g}_t}{\sqrt{\alpha_t}} +
        \sqrt{1 - \alpha_s - \sigma^2}\,\text{g}_t + \sigma\epsilon`.

    Raises
    ------
    ValueError
        If shapes differ, or ``signal``, ``signal_next`` or ``sigma`` is out of range.

    References
    ----------
    Prince (2023), section 18.6.2; Song, Meng and Ermon (2021), equation 12.

    Examples
    --------
    >>> print(ddim_step(jnp.array([1.0]), jnp.array([0.5]), 0.64, 1.0))  # (1 - 0.6 * 0.5) / 0.8
    [0.875]
    """
    signal, signal_next = (
        _checks.like(_signal(name, part), z)
        for name, part in (("signal", signal), ("signal_next", signal_next))
    )
    sigma = _checks.like(_checks.number("sigma", sigma, least=0.0), z)
    data = (z - jnp.sqrt(1 - signal) * predicted) / jnp.sqrt(signal)
    rest = 1 - signal_next - sigma**2
    kept = jnp.where(rest > 0, jnp.sqrt(jnp.where(rest > 0, rest, 1)), 0)
    fresh = 0 if noise is None else sigma * noise
    return jnp.sqrt(signal_next) * data + kept * predicted + fresh


def even_times(steps: int, last: int) -> np.ndarray:
    """Spread ``steps`` steps evenly over times 0 to ``last``.

    Parameters
    ----------
    steps
        How many to take.
    last
        The time to start from, :math:`T`.

    Returns
    -------
    Int[np.ndarray, "{steps}+1"]
        Whole numbers from 0 to ``last``.

    Raises
    ------
    ValueError
        If ``steps`` is below 1 or above ``last``.

    Examples
    --------
    >>> print(even_times(4, 10))
    [ 0  2  5  7 10]
    """
    steps, last = _checks.count("steps", steps), _checks.count("last", last)
    if steps > last:
        raise ValueError(f"steps must be at most the {last} that there are, got {steps}")
    return last * np.arange(steps + 1) // steps


@checked
def sample_ddim(
    model: NoiseModel,
    start: Float[Array, "*samples"],
    noise: Float[Array, "steps *samples"] | None,
    beta: Schedule,
    sigma: Num[ArrayLike, ""] = 0.0,
    times: Iterable[int] | np.ndarray | None = None,
    *,
    shift: int = 0,
) -> Float[Array, "times *samples"]:
    r"""Run the process backwards through any times, with as much fresh noise as one likes.

    Parameters
    ----------
    model
        Guesses the noise in samples ``z`` after ``t`` steps, as for
        :func:`udl_jax.ch18_diffusion.reparameterized_model.sample`.
    start
        Standard normal draws, taken for samples of the last time.
    noise
        Standard normal draws: row ``k`` is added on the way to the ``k``-th time. None if ``sigma`` is zero.
    beta
        Noise schedule, strictly between 0 and 1: one number, or one for each step.
    sigma
        Standard deviation of the fresh noise, not negative.
    times
        Whole numbers that rise from 0; static under ``jit``. By default, one for each row of ``noise`` and one more.
    shift
        1 to take :math:`\alpha_{t+1}` for :math:`\alpha_t` everywhere, as the notebook does, so that one step's
        noise is left at the end. Static under ``jit``.

    Returns
    -------
    Float[Array, "times *samples"]
        The samples at all ``times``; row 0 has those at time 0.

    Raises
    ------
    ValueError
        If shapes do not fit, ``times`` do not rise from 0 or pass the schedule, or ``beta``, ``sigma`` or
        ``shift`` is out of range.

    References
    ----------
    Prince (2023), section 18.6.2, figure 18.10; notebook 18.4.

    Examples
    --------
    >>> from udl_jax.ch18_diffusion import mixture
    >>> model = mixture.exact_model(mixture.make_mixture([1.0], [0.0], [1.0]), 0.1)
    >>> print(sample_ddim(model, jnp.array([1.0]), None, 0.1, times=(0, 5, 10))[0].round(2))
    [0.75]
    """
    beta = check_beta(beta)
    if noise is None and (_checks.is_traced(sigma) or _checks.number("sigma", sigma, least=0) > 0):
        raise ValueError(f"noise must be given unless sigma is known to be 0, got None and sigma {sigma}")
    times = _times(times, noise, beta, shift)
    signals = _signals(beta, times + shift, start)
    rows = None if noise is None else noise.astype(start.dtype)

    def back(z, now):
        t, signal, signal_next, epsilon = now
        return ddim_step(z, model(z, t), signal, signal_next, sigma, epsilon), z

    moves = (jnp.asarray(times[1:]), signals[1:], signals[:-1], rows)
    z_0, path = jax.lax.scan(back, start, moves, reverse=True)
    return jnp.concatenate([z_0[None], path])


@checked
def encode_ddim(
    model: NoiseModel, x: Float[Array, "*samples"], beta: Schedule, times: Iterable[int] | np.ndarray
) -> Float[Array, "times *samples"]:
    r"""Go the way of :func:`sample_ddim` without noise in the other direction: from data to the noise they stem from.

    Parameters
    ----------
    model
        Guesses the noise in samples ``z`` after ``t`` steps. On the way from one time to the next it is asked about
        the sample as it is, for the later time.
    x
        The data.
    beta
        Noise schedule, strictly between 0 and 1: one number, or one for each step.
    times
        Whole numbers that rise from 0; static under ``jit``.

    Returns
    -------
    Float[Array, "times *samples"]
        The samples at all ``times``; the last row has their noise. The more times, the nearer is the way back.

    Raises
    ------
    ValueError
        If ``times`` do not rise from 0 or pass the schedule, or ``beta`` is out of range.

    References
    ----------
    Song, Meng and Ermon (2021), section 4.3.
    """
    beta = check_beta(beta)
    times = _times(times, None, beta, 0)
    signals = _signals(beta, times, x)

    def on(z, now):
        t, signal, signal_next = now
        z = ddim_step(z, model(z, t), signal, signal_next)
        return z, z

    _, path = jax.lax.scan(on, x, (jnp.asarray(times[1:]), signals[:-1], signals[1:]))
    return jnp.concatenate([x[None], path])


def _signal(name, value):
    value = _checks.number(name, value, above=0.0)
    if not _checks.is_traced(value) and value > 1:
        raise ValueError(f"{name} must lie in (0, 1], got {value}")
    return value


def _signals(beta, times, like):
    return jax.vmap(lambda t: signal_and_noise(beta, t)[0])(jnp.asarray(times)).astype(like.dtype)


def _times(times, noise, beta, shift):
    if shift not in (0, 1):
        raise ValueError(f"shift must be 0 or 1, got {shift}")
    if times is None:
        if noise is None:
            raise ValueError("times must be given where there is no noise")
        times = range(len(noise) + 1)
    times = np.array(_checks.counts("times", times, least=0, length=2))
    if times[0] != 0 or (np.diff(times) < 1).any():
        raise ValueError(f"times must rise from 0, got {times.tolist()}")
    if noise is not None and len(noise) != len(times) - 1:
        raise ValueError(f"noise must have one row for each of {len(times) - 1} steps, got {len(noise)}")
    steps = steps_of(beta)
    if steps is not None and times[-1] + shift > steps:
        raise ValueError(f"times must end by the {steps} steps of the schedule, got {times[-1] + shift}")
    return times
