"""Model 17.A: bound and gradients against torch.distributions and autograd, with the same weights and draws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import linen as nn
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

from udl_jax import training
from udl_jax.ch17_vaes import autoencoder as vae
from udl_jax.ch17_vaes import bounds


def twin(layers, x, activation):
    """Apply dense layers, given as pairs of a kernel and a bias, in torch."""
    for k, (kernel, bias) in enumerate(layers):
        x = x @ kernel + bias
        x = activation(x) if k + 1 < len(layers) else x
    return x


def in_torch(variables):
    """Give encoder and decoder as lists of torch's tensors, in the order of their layers."""
    make = lambda leaf: torch.tensor(np.asarray(leaf), requires_grad=True)  # noqa: E731
    return {
        part: [(make(layer["kernel"]), make(layer["bias"])) for _, layer in sorted(layers.items())]
        for part, layers in variables["params"].items()
    }


@pytest.mark.parametrize("sigma_sq", [None, 0.3], ids=["pixels", "normal"])
def test_bound_and_gradient(agrees, sigma_sq):
    generator = np.random.default_rng(0)
    model = vae.Autoencoder(12, 3, (16, 8), sigma_sq, nn.relu)
    x = generator.integers(0, 2, (20, 12)).astype(float)
    noise = generator.normal(size=(7, 20, 3))
    drawn = training.initialise(model, jax.random.key(0), x[:1])
    variables = jax.tree.map(lambda leaf: jnp.asarray(leaf, float), drawn)

    layers = in_torch(variables)
    mean, log_variance = twin(layers["encoder"], torch.tensor(x), torch.relu).chunk(2, -1)
    guess = Independent(Normal(mean, torch.exp(log_variance / 2)), 1)
    prior = Independent(Normal(torch.zeros_like(mean), torch.ones_like(mean)), 1)
    z = mean + torch.exp(log_variance / 2) * torch.tensor(noise)
    decoded = twin(layers["decoder"], z, torch.relu)
    each = Bernoulli(logits=decoded) if sigma_sq is None else Normal(decoded, sigma_sq**0.5)
    likelihood = Independent(each, 1).log_prob(torch.tensor(x).expand(7, 20, 12))
    divergence = kl_divergence(guess.base_dist, prior.base_dist).sum(-1)
    weights = likelihood + prior.log_prob(z) - guess.log_prob(z)
    bound = likelihood[0] - 1.5 * divergence

    ours = vae.elbo(model, variables, x, noise[0], 1.5)
    agrees(ours, bound.detach().numpy(), kind="witness", quantity="ELBO of 20 examples, beta 1.5")
    ours = bounds.log_weights(model, variables, x, noise)
    agrees(ours, weights.detach().numpy(), kind="witness", quantity="seven importance weights of each")
    theirs = torch.logsumexp(weights, 0) - np.log(7)
    ours = bounds.log_likelihood(model, variables, x, noise)
    agrees(ours, theirs.detach().numpy(), kind="witness", quantity="importance-sampled likelihood")

    def loss(variables, draws, beta=1.0):
        return vae.Objective(beta)(model, variables, training.Examples(x), draws)[0]

    for value, draws, beta, name in (
        (-bound.mean(), noise[0], 1.5, "the ELBO"),
        (-theirs.mean(), noise, 1.0, "the bound of seven draws"),
    ):
        flat = [leaf for part in ("decoder", "encoder") for layer in layers[part] for leaf in layer]
        slopes = torch.autograd.grad(value, flat, retain_graph=True)
        gradient = in_torch(jax.grad(loss)(variables, draws, beta))
        ours = [
            leaf.detach().numpy()
            for part in ("decoder", "encoder")
            for layer in gradient[part]
            for leaf in layer
        ]
        theirs_flat = [slope.numpy() for slope in slopes]
        agrees(ours, theirs_flat, kind="witness", quantity=f"gradient of {name} by all weights")
