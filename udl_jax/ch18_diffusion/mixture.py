r"""Four Gaussians: data so simple that all a diffusion model has to learn can be written down."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy import stats
from jaxtyping import Array, ArrayLike, Float, Key, Num

from udl_jax import _checks
from udl_jax._annotations import checked
from udl_jax.ch05_loss_functions.unbounded import GaussianMixture
from udl_jax.ch18_diffusion.schedules import Schedule, check_beta, signal_and_noise


@checked
def make_mixture(
    weights: Float[Array, " components"],
    means: Float[Array, " components"],
    deviations: Float[Array, " components"],
) -> GaussianMixture:
    """Make a mixture of normal distributions from its weights, means and standard deviations.

    Parameters
    ----------
    weights
        Positive, and adding up to one.
    means, deviations
        One for each component; the deviations are positive.

    Returns
    -------
    GaussianMixture
        Chapter 5's, with a ``log_density``.

    Raises
    ------
    ValueError
        If the three differ in length, weights are not positive or do not add up to one, or a deviation is not
        positive.

    Examples
    --------
    >>> print(make_mixture([0.5, 0.5], [-1.0, 1.0], [0.1, 0.1]).means)
    [-1.  1.]
    """
    _checks.values("weights", weights, lambda w: w > 0, "positive")
    _checks.values(
        "weights", weights[None], lambda w: abs(w.sum(-1) - 1) < 1e-5, "numbers that add up to one"
    )
    _checks.values("means", means, np.isfinite, "finite")
    _checks.values("deviations", deviations, lambda d: (d > 0) & np.isfinite(d), "positive and finite")
    return GaussianMixture(jnp.log(weights), means, deviations)


def four_bumps() -> GaussianMixture:
    """Return the mixture of four Gaussians that all notebooks of chapter 18 try to model.

    References
    ----------
    Prince (2023), figures 18.2 to 18.10; notebooks 18.1 to 18.4.

    Examples
    --------
    >>> print(jnp.exp(four_bumps().log_density(jnp.array([0.0, 1.5]))))
    [0.467... 0.301...]
    """
    return make_mixture((0.2, 0.3, 0.35, 0.15), (1.5, -0.216, 0.45, -1.875), (0.3, 0.15, 0.525, 0.075))


@checked
def sample(
    mixture: GaussianMixture, uniforms: Float[Array, " samples"], noise: Float[Array, " samples"]
) -> Float[Array, " samples"]:
    """Turn draws into samples of a mixture: a uniform number picks the component, a normal one the place in it.

    Parameters
    ----------
    mixture
        What to sample.
    uniforms
        Uniform draws from [0, 1): the component is the first whose cumulative weight exceeds them.
    noise
        Standard normal draws.

    Returns
    -------
    Float[Array, " samples"]
        One for each pair of draws.

    Raises
    ------
    ValueError
        If the draws differ in number, or ``uniforms`` lie outside [0, 1).

    Examples
    --------
    >>> x = sample(four_bumps(), jnp.array([0.1, 0.3]), jnp.array([0.0, 2.0]))
    >>> [f"{float(value):.3f}" for value in x]
    ['1.500', '0.084']
    """
    _checks.values("uniforms", uniforms, lambda u: (u >= 0) & (u < 1), "in [0, 1)")
    mixture = _in(mixture, noise.dtype)
    weights = jnp.exp(mixture.log_weights)
    steps = jnp.cumsum(weights) / jnp.sum(weights)
    which = jnp.minimum(jnp.searchsorted(steps, uniforms, side="right"), len(steps) - 1)
    return mixture.means[which] + mixture.deviations[which] * noise


@checked
def draw(key: Key[Array, ""], count: int, mixture: GaussianMixture | None = None) -> Float[Array, "{count}"]:
    """Draw samples of a mixture, by default of :func:`four_bumps`."""
    mixture = four_bumps() if mixture is None else mixture
    _checks.count("count", count)
    key_of_component, key_of_noise = jax.random.split(key)
    uniforms = jax.random.uniform(key_of_component, (count,), mixture.means.dtype)
    return sample(mixture, uniforms, jax.random.normal(key_of_noise, (count,), mixture.means.dtype))


def diffused(mixture: GaussianMixture, t: Num[ArrayLike, ""], beta: Schedule) -> GaussianMixture:
    r"""Compute what becomes of a mixture after ``t`` steps of diffusion: a mixture again.

    Parameters
    ----------
    mixture
        The distribution of the data.
    t
        Number of steps, from 0.
    beta
        The noise schedule.

    Returns
    -------
    GaussianMixture
        :math:`q(z_t)`: the same weights, means times :math:`\sqrt{\alpha_t}`, and variances
        :math:`\alpha_t \sigma_k^2 + 1 - \alpha_t`.

    Raises
    ------
    ValueError
        If ``beta`` lies outside (0, 1), or ``t`` is out of range.

    References
    ----------
    Prince (2023), section 18.2.2, equation 18.10, figure 18.4.

    Examples
    --------
    >>> print(diffused(make_mixture([1.0], [2.0], [0.5]), 1, 0.75))
    GaussianMixture(log_weights=..., means=Array([1.], dtype=float32), deviations=Array([0.9013878], dtype=float32))
    """
    signal, lost = (_checks.like(part, mixture.means) for part in signal_and_noise(beta, t))
    return mixture._replace(
        means=jnp.sqrt(signal) * mixture.means, deviations=jnp.sqrt(signal * mixture.deviations**2 + lost)
    )


@checked
def expected_noise(
    mixture: GaussianMixture, beta: Schedule, z: Float[Array, "*samples"], t: Num[ArrayLike, ""]
) -> Float[Array, "*samples"]:
    r"""Compute the best guess of the noise in a diffused sample: what a perfect network would have learned.

    Parameters
    ----------
    mixture
        The distribution of the data.
    beta
        The noise schedule.
    z
        Samples :math:`z_t` after ``t`` steps.
    t
        Number of steps, from 0.

    Returns
    -------
    Float[Array, "*samples"]
        :math:`\mathbb{E}[\epsilon\,|\,z_t]`, where :math:`z_t = \sqrt{\alpha_t}\,x + \sqrt{1-\alpha_t}\,\epsilon`: for
        each component it is a straight line in :math:`z_t`, and the lines are weighted by how probable it is that
        the sample stems from there.

    Raises
    ------
    ValueError
        If ``beta`` lies outside (0, 1), or ``t`` is out of range.

    References
    ----------
    Prince (2023), section 18.5, equation 18.39: what minimises the loss.

    Examples
    --------
    >>> one = make_mixture([1.0], [0.0], [1.0])
    >>> print(expected_noise(one, 0.75, jnp.array([-2.0, 2.0]), 1))
    [-1.7320508  1.7320508]
    """
    after = diffused(_in(mixture, z.dtype), t, beta)
    lost = _checks.like(signal_and_noise(beta, t)[1], z)
    apart = (z[..., None] - after.means) / after.deviations
    share = jax.nn.softmax(after.log_weights - jnp.log(after.deviations) - apart**2 / 2, axis=-1)
    return jnp.sqrt(lost) * jnp.sum(share * apart / after.deviations, axis=-1)


def exact_model(mixture: GaussianMixture, beta: Schedule):
    """Make a noise model for the samplers of this chapter that is never wrong: :func:`expected_noise`."""
    return jax.tree_util.Partial(expected_noise, mixture, check_beta(beta))


@checked
def histogram_distance(
    mixture: GaussianMixture, samples: Float[Array, " samples"], width: Num[ArrayLike, ""] = 0.05
) -> Float[Array, ""]:
    r"""Compute how far the histogram of samples is from the probabilities that a mixture gives its bins.

    Parameters
    ----------
    mixture
        The true distribution.
    samples
        Drawn from some model of it.
    width
        Of the bins, which cover -3 to 3; what lies beyond on either side are two more bins. Static under ``jit``.

    Returns
    -------
    Float[Array, ""]
        :math:`\sum_b |\hat p_b - p_b|`, from 0 to 2. It is not quite 0 even for samples of the mixture itself,
        since bins hold a little more or less by chance.

    Raises
    ------
    ValueError
        If ``width`` is not positive.

    Examples
    --------
    >>> far_off = histogram_distance(make_mixture([1.0], [0.0], [0.1]), jnp.full(5, 2.0))
    >>> print(f"{far_off:.3f}")
    2.000
    """
    width = _checks.number("width", width, above=0.0)
    edges = jnp.asarray(np.linspace(-3, 3, round(6 / float(width)) + 1), samples.dtype)
    mixture = _in(mixture, samples.dtype)
    scaled = (edges[:, None] - mixture.means) / mixture.deviations
    below = jnp.sum(jnp.exp(mixture.log_weights) * stats.norm.cdf(scaled), axis=-1)
    truth = jnp.diff(below, prepend=0, append=1)
    places = jnp.searchsorted(edges, samples, side="right")
    found = jnp.bincount(places, length=len(edges) + 1) / len(samples)
    return jnp.sum(jnp.abs(found - truth)).astype(samples.dtype)


def _in(mixture: GaussianMixture, dtype) -> GaussianMixture:
    return GaussianMixture(*(part.astype(dtype) for part in mixture))
