r"""
16.A Three flows and one pair of moons
======================================

The notebooks of this chapter bend lines and squares with functions that nobody trained. Here three kinds of flow learn the same
data: a coupling flow, an autoregressive one and a residual one. The data come from two noisy arcs whose true density can be
computed. So for once we know not only which model is better, but how far each is from the best that there is. How far?

*In the book: sections 16.2, 16.3.3, 16.3.4 and 16.3.7, figures 16.6, 16.7 and 16.9, equations 16.8, 16.13, 16.15, 16.20 to 16.24.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting, training
from udl_jax.ch16_flows import residual_flow, trained_flows, two_moons
from udl_jax.ch16_flows.binned_flow import BinnedFlow
from udl_jax.ch16_flows.coupling import CouplingFlow
from udl_jax.ch16_flows.residual_flow import ResidualFlow

plotting.use_book_style()

# %%
# Two moons and the truth about them
# ----------------------------------
# A point of the data is a point of one of two half circles, plus normal noise of deviation 0.1. Its density is the average of
# normal densities along both arcs, a sum that a computer does to many digits. Its entropy, the least negative log-likelihood
# that any model can have on average, follows from a grid.

points = np.asarray(two_moons.sample_moons(jax.random.key(0), 14_000))
train, test = points[:10_000], points[10_000:]
truth = np.asarray(jax.jit(two_moons.log_density)(test))
mean, covariance = train.mean(axis=0), np.cov(train.T)
gaussian = 0.5 * np.log(np.linalg.det(2 * np.pi * covariance))
gaussian += 0.5 * np.mean(np.sum((test - mean) @ np.linalg.inv(covariance) * (test - mean), axis=1))
print(f"entropy of the moons:                {two_moons.entropy():.4f} nats")
print(f"the truth's loss on 4,000 test points: {-truth.mean():.4f}")
print(f"the best normal density's:             {gaussian:.4f}")

# %%
# One objective
# -------------
# A flow sends data to latent variables of a simple density. Training maximises the likelihood of the data (equation 16.8),
# which for the way from data to latent variables, :math:`\mathbf{z}=\mathbf{f}^{-1}[\mathbf{x},\phi]`, reads
#
# .. math::
#    \hat\phi = \mathop{\text{argmin}}_\phi\Bigl[\sum_i -\log\Bigl|\frac{\partial\mathbf{z}_i}{\partial\mathbf{x}_i}\Bigr|
#    - \log Pr(\mathbf{z}_i)\Bigr].
#
# The flows differ only in how they get a determinant that is cheap. The coupling flow lets one half of the numbers scale and
# shift the other (equation 16.13). The autoregressive flow uses the maps of 16.2, with 64 pieces on a box. The residual flow
# adds contractions to its input (equation 16.20), thirty-two of them.

flows = {
    "coupling": (CouplingFlow(), 3000),
    "autoregressive": (BinnedFlow(low=(-1.7, -1.2), high=(2.7, 1.7)), 2000),
    "residual": (ResidualFlow(layers=32, hidden=64), 1000),
}
flow, _ = flows["coupling"]
variables = training.initialise(flow, jax.random.key(1), train[:2])


@jax.jit
def compare(x):
    """Return latent variables, the whole Jacobians, and the flow's own log-density."""
    to_latent = lambda x: flow.apply(variables, x, method="to_latent")[0]  # noqa: E731
    return to_latent(x), jax.vmap(jax.jacfwd(to_latent))(x), flow.apply(variables, x)


z, jacobians, by_flow = compare(train[:2])
by_hand = np.log(np.abs(np.linalg.det(jacobians))) - 0.5 * np.sum(np.square(z), axis=1) - np.log(2 * np.pi)
print(f"log-density by the whole Jacobian, and by the flow: {np.abs(by_hand - by_flow).max():.0e} apart")

# %%
# Train
# -----
# All three are trained by the same recipe: Adam, batches of 250, a rate that falls from 0.01 to zero. Layers of one shape are a
# ``lax.scan``, so that thirty-two compile as fast as one.

fits = {}
for name, (flow, steps) in flows.items():
    fits[name] = trained_flows.train_flow(jax.random.key(2), flow, train, steps)
found = {
    name: trained_flows.assess(flow, fits[name].state.variables, test, (-2.0, -1.5), (3.0, 2.0))
    for name, (flow, _) in flows.items()
}
print(f"{'':14}  weights   loss   gap to the truth   moved by z and back   mass")
for name in flows:
    weights = sum(leaf.size for leaf in jax.tree.leaves(fits[name].state.variables))
    loss, moved, mass = found[name]
    print(f"{name:14} {weights:8,} {loss:7.4f} {loss + truth.mean():12.4f} {moved:20.0e} {mass:13.4f}")

# %%
# The gap to the truth is an estimate of the KL divergence between true and learned density. All three come within a few
# hundredths of a nat, where the best normal density is almost a nat away. Errors of the inverse are those of single precision,
# magnified where a map is flat; the tiles of the autoregressive flow are too fine for the grid that its mass is summed over.

columns, rows = np.linspace(-1.6, 2.6, 169, dtype="f"), np.linspace(-1.1, 1.6, 109, dtype="f")
places = np.stack(np.meshgrid(columns, rows), axis=-1)
maps = {"truth": jax.jit(two_moons.log_density)(places.reshape(-1, 2)).reshape(places.shape[:2])}
for name, (flow, _) in flows.items():
    maps[name] = training.predict(flow, fits[name].state.variables, places)

# sphinx_gallery_alt = "Four maps of density, the truth and three flows: two light arcs in each, of tiles in one."
fig, axes = plt.subplots(2, 2, figsize=(8.8, 5), sharex=True, sharey=True)
for ax, (name, log_p) in zip(axes.flat, maps.items()):
    shades = ax.pcolormesh(columns, rows, np.exp(log_p), vmin=0, vmax=0.7, shading="gouraud")
    gap = "" if name == "truth" else f": {found[name].loss + truth.mean():.3f} nats off"
    ax.set(title=f"{name}{gap}", aspect="equal")
for ax in axes[1]:
    ax.set(xlabel="$x_1$")
for ax in axes[:, 0]:
    ax.set(ylabel="$x_2$")
fig.colorbar(shades, ax=axes, label="density", shrink=0.8)
plt.show()

# %%
# Out of thin air
# ---------------
# Samples go the other way. Colours show where a sample's latent variable was, its angle about the centre. A flow may bend and
# stretch but never tear, so it cannot cut one heap in two: the coupling flow leaves a bridge between the moons. The stray
# samples of the autoregressive flow come from the small rise that each piece of its maps has at least, so that it can be
# undone.

normals = jax.random.normal(jax.random.key(3), (3000, 2))
uniforms = jax.random.uniform(jax.random.key(3), (3000, 2))

# sphinx_gallery_alt = "Three clouds of samples in the shape of two moons, coloured by the angle of their latent variables."
fig, axes = plotting.panels(1, 3, size=3)
for ax, (name, (flow, _)) in zip(axes[0], flows.items()):
    latent = uniforms if name == "autoregressive" else normals
    x = jax.jit(lambda v, z, flow=flow: flow.apply(v, z, method="from_latent"))(
        fits[name].state.variables, latent
    )
    middle = 0.5 if name == "autoregressive" else 0
    angle = np.arctan2(*(np.asarray(latent) - middle).T)
    ax.scatter(*np.asarray(x).T, c=angle, cmap="twilight_shifted", s=2)
    ax.set(title=name, xlabel="$x_1$", xlim=(-1.6, 2.6), ylim=(-1.5, 2), aspect="equal")
axes[0, 0].set(ylabel="$x_2$")
plt.show()

# %%
# What if the residual layers are undone in a hurry?
# --------------------------------------------------
# The first two flows are undone by formulas. The residual flow needs 16.3's iteration in each of its layers; it stops when
# nothing changes any more, or after so many applications as it is allowed.

residual, state = flows["residual"][0], fits["residual"].state
z = jax.jit(lambda v, x: residual.apply(v, x, method="to_latent")[0])(state.variables, test[:500])


def undo(iterations):
    """Go back with so many iterations a layer."""
    return residual.apply(state.variables, z, iterations, method="from_latent")


for iterations in (2, 5, 10, 30, 100):
    moved = jnp.abs(jax.jit(undo, static_argnums=0)(iterations) - test[:500]).max()
    print(f"{iterations:4} iterations: points come back to within {moved:.0e}")

# %%
# What if there are too many dimensions for a determinant?
# --------------------------------------------------------
# Then :math:`\log|\mathbf{I}+\mathbf{A}|` can be had from a power series whose traces are averages over random vectors
# (equations 16.22 to 16.24), with products of vectors and the Jacobian only. It is right on average; a single vector is a noisy
# guess.

matrix = np.random.default_rng(0).normal(size=(50, 50)).astype("f")
matrix *= np.float32(0.9) / np.linalg.norm(matrix, 2)
layer, at = lambda x: jnp.tanh(matrix @ x), np.full(50, 0.1, "f")
exact = np.linalg.slogdet(np.eye(50) + jax.jacfwd(layer)(at))[1]
signs = jax.random.rademacher(jax.random.key(4), (400, 1, 50), at.dtype)
guesses = jax.jit(jax.vmap(lambda s: residual_flow.estimate_log_determinant(layer, at, s, 60)))(signs)
error = guesses.std() / np.sqrt(400)
print(
    f"exact {exact:.3f}; mean of 400 guesses {guesses.mean():.3f} +- {error:.3f}; one guess strays by {guesses.std():.2f}"
)
