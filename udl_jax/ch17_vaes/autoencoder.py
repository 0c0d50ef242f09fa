r"""A variational autoencoder: learn what the hidden causes are, and how to guess them, at the same time."""

import dataclasses
from collections.abc import Callable, Mapping
from importlib import resources

import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float, Num, PyTree

from udl_jax import _checks, training
from udl_jax._annotations import checked
from udl_jax.ch17_vaes.bounds import as_rows, log_weights
from udl_jax.ch17_vaes.elbo_terms import gaussian_kl, log_likelihood_of
from udl_jax.ch17_vaes.importance_sampling import log_mean_weight

#: Flax variables of an :class:`Autoencoder`.
Variables = Mapping[str, PyTree]


class Mlp(nn.Module):
    """A network of dense layers, the last one without activation.

    Parameters
    ----------
    widths
        Of the hidden layers.
    outputs
        How many numbers it returns.
    activation
        After each hidden layer.
    """

    widths: tuple[int, ...]
    outputs: int
    activation: Callable = nn.relu

    @nn.compact
    def __call__(self, x: Float[Array, "batch inputs"]) -> Float[Array, "batch outputs"]:
        """Compute the outputs."""
        for width in self.widths:
            x = self.activation(nn.Dense(width, dot_general=training.dot_general)(x))
        return nn.Dense(self.outputs, dot_general=training.dot_general)(x)


class Autoencoder(nn.Module):
    r"""Encoder and decoder, both networks of dense layers.

    Parameters
    ----------
    features
        How many numbers an example has.
    latents
        How many latent variables it has; they are standard normal.
    widths
        Of the encoder's hidden layers; the decoder has them in reverse.
    sigma_sq
        Variance of the data around what is decoded (equation 17.5). None for pixels that are 0 or 1: what is decoded
        are then the logits of their being 1.
    activation
        After each hidden layer.

    References
    ----------
    Prince (2023), section 17.6, figure 17.9.

    Examples
    --------
    >>> import jax
    >>> model = Autoencoder(features=4, latents=2, widths=(8,))
    >>> variables = training.initialise(model, jax.random.key(0), jnp.zeros((1, 4)))
    >>> mean, log_variance = model.apply(variables, jnp.zeros((3, 4)), method="encode")
    >>> mean.shape, model.apply(variables, mean, method="decode").shape
    ((3, 2), (3, 4))
    """

    features: int
    latents: int
    widths: tuple[int, ...] = (256, 256)
    sigma_sq: float | None = None
    activation: Callable = nn.relu

    def setup(self):
        """Make the two networks."""
        for name in ("features", "latents"):
            _checks.count(name, getattr(self, name))
        _checks.counts("widths", self.widths)
        if self.sigma_sq is not None:
            _checks.number("sigma_sq", self.sigma_sq, above=0)
        self.encoder = Mlp(self.widths, 2 * self.latents, self.activation)
        self.decoder = Mlp(self.widths[::-1], self.features, self.activation)

    def encode(
        self, x: Float[Array, "batch features"]
    ) -> tuple[Float[Array, "batch latents"], Float[Array, "batch latents"]]:
        r"""Guess the latent variables: mean and log-variance of :math:`q(\mathbf{z}|\mathbf{x})` (equation 17.20)."""
        mean, log_variance = jnp.split(self.encoder(x), 2, axis=-1)
        return mean, log_variance

    def decode(self, z: Float[Array, "batch latents"]) -> Float[Array, "batch features"]:
        """Compute what latent variables stand for: means, or logits."""
        return self.decoder(z)

    def __call__(self, x: Float[Array, "batch features"]) -> Float[Array, "batch features"]:
        """Reconstruct examples from the means of their latent variables."""
        return self.decode(self.encode(x)[0])


@checked
def elbo(
    model: Autoencoder,
    variables: Variables,
    x: Float[Array, "batch features"],
    noise: Float[Array, "batch latents"],
    beta: Num[Array, ""] | float = 1.0,
) -> Float[Array, " batch"]:
    r"""Estimate the evidence lower bound of each example from one draw of its latent variables.

    Parameters
    ----------
    model, variables
        An :class:`Autoencoder` and its variables.
    x
        Examples.
    noise
        Standard normal draws: the latent variables are :math:`\boldsymbol\mu + \boldsymbol\sigma\odot\boldsymbol\epsilon`.
    beta
        What the divergence counts, not negative. 1 gives the bound.

    Returns
    -------
    Float[Array, " batch"]
        :math:`\log Pr(\mathbf{x}|\mathbf{z}^*) - \beta\,D_{KL}\bigl[q(\mathbf{z}|\mathbf{x})\,\|\,Pr(\mathbf{z})\bigr]`,
        which is at most :math:`\log Pr(\mathbf{x})` on average over draws if :math:`\beta = 1`.

    Raises
    ------
    ValueError
        If there is not one draw for each latent variable of each example, or pixels lie outside [0, 1].

    References
    ----------
    Prince (2023), section 17.6, equation 17.23; section 17.8.3 for beta.
    """
    reconstruction, divergence = terms(model, variables, x, noise)
    return reconstruction - _checks.like(_checks.number("beta", beta, least=0), x) * divergence


@checked
def terms(
    model: Autoencoder,
    variables: Variables,
    x: Float[Array, "batch features"],
    noise: Float[Array, "batch latents"],
) -> tuple[Float[Array, " batch"], Float[Array, " batch"]]:
    """Compute the two terms of :func:`elbo`: how well examples are reconstructed, and the divergence."""
    x, noise = as_rows(model, x), jnp.asarray(noise)
    _checks.shape_of("noise", noise, (len(x), model.latents), "the latent variables")
    mean, log_variance = model.apply(variables, x, method="encode")
    decoded = model.apply(variables, mean + jnp.exp(log_variance / 2) * noise, method="decode")
    return log_likelihood_of(x, decoded, model.sigma_sq), gaussian_kl(mean, log_variance)


@dataclasses.dataclass(frozen=True)
class Objective:
    """What :func:`udl_jax.training.train` minimises: minus the mean :func:`elbo`, or a tighter bound.

    The draws of a step are standard normal numbers: an array (batch, latents), or (draws, batch, latents), in which case
    the bound is that of importance sampling with so many draws.

    Parameters
    ----------
    beta
        As for :func:`elbo`; 1 where there are several draws.
    """

    beta: float = 1.0

    def __call__(self, model, variables, batch, draws):
        """Compute the loss of a batch, and no mutable collections."""
        if draws.ndim == 3:
            bound = log_mean_weight(log_weights(model, variables, batch.x, draws).T)
        else:
            bound = elbo(model, variables, batch.x, draws, self.beta)
        return -jnp.mean(bound), {}


@checked
def binarise(images: Float[Array, "batch height width 1"]) -> Float[Array, "batch pixels"]:
    """Turn grey images, from 0 to 1, into rows of pixels that are 0 or 1."""
    _checks.values("images", images, lambda x: (x >= 0) & (x <= 1), "grey values from 0 to 1")
    return (images > 0.5).astype(images.dtype).reshape(len(images), -1)


@checked
def traverse(
    model: Autoencoder, variables: Variables, z: Float[Array, " latents"], places: Float[Array, " places"]
) -> Float[Array, "latents places features"]:
    """Decode what becomes of an example when one of its latent variables at a time is moved through ``places``."""
    z, places = jnp.asarray(z), jnp.asarray(places)
    _checks.shape_of("z", z, (model.latents,), "the latent variables")
    moved = jnp.where(jnp.eye(model.latents, dtype=bool)[:, None], places[:, None], z)
    decoded = model.apply(variables, moved.reshape(-1, model.latents), method="decode")
    return decoded.reshape(model.latents, len(places), -1)


@checked
def interpolate(
    first: Float[Array, " latents"], last: Float[Array, " latents"], count: int
) -> Float[Array, "{count} latents"]:
    """Walk from one set of latent variables to another in even steps, both ends included."""
    return jnp.linspace(first, last, _checks.count("count", count, least=2))


def load_recorded() -> dict[str, np.ndarray]:
    """Load what longer trainings on the digits gave: curves, rates and a map; and under ``"provenance"`` how.

    Returns
    -------
    dict[str, np.ndarray]
        For each beta, ``history_BETA`` (training and test, epochs, reconstruction and divergence in nats) and
        ``rates_BETA`` (divergence of each latent variable); for beta 1, bounds of 500 test digits: ``elbo_500``, and
        ``sampled_500`` with 500 draws; of a model with two latent variables ``map`` (means of the test digits) and
        ``grid`` (what is decoded at the quantiles of the prior).

    Examples
    --------
    >>> sorted(load_recorded())[:4]
    ['elbo_500', 'grid', 'history_0.5', 'history_1']
    """
    stored = resources.files("udl_jax.data").joinpath("recorded", "vae_digits.npz")
    with stored.open("rb") as file, np.load(file) as archive:
        return dict(archive)
