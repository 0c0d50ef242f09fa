r"""A diffusion model that is a network: one for all times, told which time it is, and perhaps which class."""

import dataclasses
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Int, Key, Num, PyTree

from udl_jax import _checks
from udl_jax._annotations import checked
from udl_jax.ch18_diffusion import schedules
from udl_jax.ch18_diffusion.reparameterized_model import NoiseModel


@checked
def noise_loss(
    predict: Callable,
    x: Float[Array, "batch *shape"],
    t: Int[Array, " batch"],
    noise: Float[Array, "batch *shape"],
    beta: Float[Array, " steps"],
) -> Float[Array, ""]:
    r"""Compute the loss that a diffusion model is trained by: how well it guesses the noise.

    Parameters
    ----------
    predict
        A function of samples and times that guesses the noise. Static under ``jit``.
    x
        Examples.
    t
        A time for each, from 1 to as many as ``beta`` has steps.
    noise
        Standard normal draws of the shape of the examples.
    beta
        Noise schedule, one number for each step.

    Returns
    -------
    Float[Array, ""]
        The mean of :math:`(\text{g}[\sqrt{\alpha_t}\,x + \sqrt{1-\alpha_t}\,\epsilon, t] - \epsilon)^2`.

    Raises
    ------
    ValueError
        If shapes differ, or ``t`` or ``beta`` is out of range.

    References
    ----------
    Prince (2023), section 18.5, algorithm 18.1, equation 18.39.
    """
    _checks.values("t", t, lambda t: (t >= 1) & (t <= len(beta)), f"times from 1 to {len(beta)}")
    signal, lost = jax.vmap(lambda t: schedules.signal_and_noise(beta, t))(t)
    as_rows = lambda part: jnp.sqrt(part).astype(x.dtype).reshape(-1, *[1] * (x.ndim - 1))  # noqa: E731
    z = as_rows(signal) * x + as_rows(lost) * noise
    return jnp.mean((predict(z, t) - noise) ** 2)


@dataclasses.dataclass(frozen=True)
class Objective:
    """What :func:`udl_jax.training.train` minimises: :func:`noise_loss` at times that are drawn.

    The draws of a step are a dictionary of arrays, ``t`` (batch), ``noise`` (of the examples' shape) and, with classes,
    ``forget`` (batch, booleans: whose label is hidden); or a key, from which they are drawn by :func:`draw_step`.

    Parameters
    ----------
    beta
        Noise schedule, a tuple with a number for each step.
    forget
        In which share of the examples the label is hidden.
    """

    beta: tuple[float, ...]
    forget: float = 0.2

    def __call__(self, model, variables, batch, draws):
        """Compute the loss of a batch, whose targets are labels or None, and no mutable collections."""
        if not isinstance(draws, Mapping):
            draws = draw_step(draws, batch.x, len(self.beta), self.forget)
        label = None if batch.y is None else jnp.where(draws["forget"], model.classes, batch.y)

        def predict(z, t):
            return model.apply(variables, z, t, label)

        return noise_loss(
            predict, batch.x, draws["t"], draws["noise"], jnp.array(self.beta, batch.x.dtype)
        ), {}


@checked
def draw_step(key: Key[Array, ""], x: Float[Array, "batch *shape"], steps: int, forget: float = 0.2) -> dict:
    """Draw what one step of training finds random: times, noise, and whose label is hidden."""
    _checks.count("steps", steps)
    keys = jax.random.split(key, 3)
    return {
        "t": jax.random.randint(keys[0], (len(x),), 1, steps + 1),
        "noise": jax.random.normal(keys[1], x.shape, x.dtype),
        "forget": jax.random.bernoulli(keys[2], forget, (len(x),)),
    }


@checked
def guide(
    conditional: Float[Array, "*shape"], unconditional: Float[Array, "*shape"], weight: Num[Array, ""] | float
) -> Float[Array, "*shape"]:
    r"""Go further in the direction in which the class leads: classifier-free guidance.

    Parameters
    ----------
    conditional, unconditional
        The noise guessed with the class, and without.
    weight
        How much further, :math:`w \geq 0`: 0 leaves the guess with the class as it is. Other texts count :math:`s = 1 + w`.

    Returns
    -------
    Float[Array, "*shape"]
        :math:`(1 + w)\,\text{g}[z, c] - w\,\text{g}[z]`.

    Raises
    ------
    ValueError
        If shapes differ, or ``weight`` is negative.

    References
    ----------
    Prince (2023), section 18.6.3; Ho and Salimans (2022), equation 6.

    Examples
    --------
    >>> print([float(guide(jnp.array(3.0), jnp.array(1.0), weight)) for weight in (0.0, 1.0)])
    [3.0, 5.0]
    """
    weight = _checks.like(_checks.number("weight", weight, least=0), conditional)
    return (1 + weight) * conditional - weight * unconditional


def network_model(
    model: nn.Module,
    variables: Mapping[str, PyTree],
    label: Int[Array, " batch"] | None = None,
    weight: Num[Array, ""] | float = 0.0,
) -> NoiseModel:
    """Make a noise model of a trained network, for the samplers of 18.3 and 18.4.

    Parameters
    ----------
    model, variables
        Such as :class:`udl_jax.ch18_diffusion.networks.UNet`, and its variables.
    label
        The class that each sample shall have; None for any.
    weight
        As for :func:`guide`, which a positive one or a traced one calls.

    Returns
    -------
    NoiseModel
        A function of samples and one time, which may pass through ``jit``.
    """
    guided = label is not None and (_checks.is_traced(weight) or weight != 0)
    if label is not None:
        label = jnp.asarray(label)
        _checks.values(
            "label", label, lambda c: (c >= 0) & (c < model.classes), f"from 0 to {model.classes - 1}"
        )
    return jax.tree_util.Partial(_Network(model, guided), variables, label, weight)


@dataclasses.dataclass(frozen=True)
class _Network:
    model: nn.Module
    guided: bool

    def __call__(self, variables, label, weight, z, t):
        times = jnp.full(len(z), t)
        guess = self.model.apply(variables, z, times, label)
        return guide(guess, self.model.apply(variables, z, times), weight) if self.guided else guess
