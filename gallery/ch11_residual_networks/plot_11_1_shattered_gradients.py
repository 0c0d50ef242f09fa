r"""
11.1 Slopes like noise
======================

Balduzzi et al. (2017) found that in a deep network the slope of the output, looked at along the input, resembles noise: a tiny
step, and nothing is left of it. Notebook 11.1 tries to repeat this, and its author writes that he does not find the result
convincing and asks for help. So this page has a question to settle: what did the paper do that the notebook does not?

*In the book: section 11.1.1, equation 11.3, figure 11.3. Notebook 11.1. The paper: https://arxiv.org/abs/1702.08591.*
"""

import functools

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch11_residual_networks import shattered_gradients as shattered

plotting.use_book_style()

# %%
# The slope of a network
# ----------------------
# A network with one input and one output, 200 units in each hidden layer and random weights. Its slope is a product with a factor
# for each layer (equation 11.3, for four layers),
#
# .. math:: \frac{\partial y}{\partial \mathbf{f}_1} = \frac{\partial \mathbf{f}_2}{\partial \mathbf{f}_1}
#           \frac{\partial \mathbf{f}_3}{\partial \mathbf{f}_2}\frac{\partial \mathbf{f}_4}{\partial \mathbf{f}_3},
#
# and each factor depends on which ReLUs are on. The notebook codes the backward pass by hand. Here, ``jax.grad`` gives the slope
# at one input, and ``vmap`` takes it at all 256 points between -2 and 2. The library's ``input_gradient`` does the same.

x = np.arange(-2, 2, 4 / 256).astype(np.float32)
draws = jax.jit(jax.vmap(functools.partial(shattered.draw_network, layers=50, width=200)))(
    jax.random.split(jax.random.key(1), 12)
)


def cut(layers):
    """Take the first layers of all twelve networks."""
    return jax.tree.map(lambda a: a[:, : layers - 1] if a.ndim > 2 and a.shape[1] == 49 else a, draws)


def run(network, x):
    """Run a network with one hidden layer on one number."""
    weights, biases = network
    h = jax.nn.relu(x * weights.first[0] + biases.first)
    return h @ weights.last[:, 0] + biases.last[0]


shallow = jax.tree.map(lambda a: a[0], jax.vmap(shattered.scale)(cut(1)))
slopes = jax.jit(jax.vmap(jax.grad(run, argnums=1), (None, 0)))(shallow, x)
apart = jnp.abs(slopes - shattered.input_gradient(shallow, x)).max() / jnp.abs(slopes).max()
print(f"largest difference from the library, relative: {apart:.0e}")

# %%
# The notebook's networks
# -----------------------
# All weights and biases have variance 1/200. Below are the slopes with 1, 24 and 50 hidden layers, and beside them how alike the
# slopes are at a distance, the *autocorrelation*: products of slopes that lie that far apart, summed, and divided by the sum at
# distance zero.


@functools.partial(jax.jit, static_argnames=("layers", "normalize"))
def measure(layers, weights, biases, normalize=None, branch=None, reach=1.0):
    """Return slopes and autocorrelations of twelve networks."""

    def slope(network):
        return shattered.input_gradient(network, reach * x, normalize=normalize, branch=branch)

    networks = jax.vmap(lambda draws: shattered.scale(draws, weights, biases))(cut(layers))
    slopes = jax.vmap(slope)(networks)
    return slopes, shattered.autocorrelation(slopes)


book = {layers: measure(layers, 1.0, 1.0) for layers in (1, 24, 50)}

# sphinx_gallery_alt = "Slopes of three networks along the input, ever finer, and their autocorrelations, which fall slowly."
fig, axes = plt.subplots(1, 4, figsize=(11, 2.9))
for ax, (layers, (slopes, _)) in zip(axes, book.items()):
    ax.plot(x, slopes[0], lw=1.2)
    ax.set(xlabel="input $x$", title=f"{layers} hidden layer{'s' * (layers > 1)}", xlim=(-2, 2))
    ax.ticklabel_format(axis="y", scilimits=(-2, 2))
for (layers, (_, found)), colour in zip(book.items(), plotting.COLOURS):
    axes[3].plot(x[128:], found[0], color=colour, lw=1.4, label=str(layers))
axes[0].set(ylabel="slope $dy/dx$")
axes[3].set(xlabel="distance", title="autocorrelation", xlim=(0, 2), ylim=(-0.5, 1.02))
axes[3].legend(title="layers", fontsize="small", title_fontsize="small")
plt.show()

# %%
# The notebook asks two questions here. With one layer there are flat regions since the function consists of straight pieces, at
# most 201 of them, and most of its joints lie within these few grid points or outside the picture. Deep networks have so many
# joints that nearly every step of the grid meets one. And why are deep slopes so small? Each layer halves the mean square of
# what passes through it, since its weights have variance 1/D and half of the ReLUs are off.

for layers, (slopes, _) in book.items():
    moved = jnp.mean(jnp.abs(jnp.diff(slopes)) > 1e-5 * jnp.abs(slopes).max(axis=1, keepdims=True))
    size = jnp.sqrt(jnp.mean(slopes**2))
    predicted = jnp.sqrt(jnp.mean(book[1][0] ** 2)) * 2 ** (-(layers - 1) / 2)
    print(
        f"{layers} layers: {moved:.0%} of steps change the slope; its size {size:.1e}, predicted {predicted:.1e}"
    )

# %%
# Five suspects
# -------------
# The slopes of the deep networks do not look like noise, and the author was right not to be convinced. What could be different in
# the paper? It averages over networks. Its weights are He's, of variance 2/D. The range of inputs might matter. And its caption
# says, easy to overlook, that the 24 layers use *mean-centring*: before each ReLU, the mean of each unit over all the inputs is
# subtracted. We change one thing at a time, with 24 layers, and average over twelve networks.

suspects = {
    "notebook": measure(24, 1.0, 1.0),
    "inputs ten times as far": measure(24, 1.0, 1.0, reach=10.0),
    "He's weights": measure(24, 2.0, 1.0),
    "He's weights, no biases": measure(24, 2.0, 0.0),
    "mean-centring": measure(24, 1.0, 1.0, normalize="mean"),
}
# sphinx_gallery_alt = "Autocorrelation against distance for five changes: only with mean-centring it drops to zero at once."
# sphinx_gallery_thumbnail_number = 2
fig, ax = plt.subplots(figsize=(6, 3.6))
for (name, (_, found)), colour in zip(suspects.items(), plotting.COLOURS):
    ax.plot(x[128:], found.mean(axis=0), color=colour, lw=1.5, label=name)
ax.set(
    xlabel="distance (of the inputs ten times as far: a tenth)",
    ylabel="autocorrelation",
    xlim=(0, 2),
    ylim=(-0.15, 1.02),
)
ax.set(title="24 layers, mean of twelve networks: one change each")
ax.legend(fontsize="small")
plt.show()

for name, (_, found) in suspects.items():
    print(
        f"{name}: {found[:, 1].mean():.2f} at the next grid point, {found[:, 8].mean():.2f} eight points away"
    )

# %%
# It is the centring. With it, the slope at the next grid point has nothing to do with this one, as in the paper; the notebook's own
# Glorot weights will do. Nothing else comes close, though He's weights go some of the way.
#
# Why centring?
# -------------
# A ReLU lets through what is positive, so after a few layers all units have a large mean that is the same for all inputs. What
# differs between inputs shrinks beside it, and a unit that is on for one input is on for all of them. Units that never switch
# make no joints. Subtracting the mean keeps every unit switching, in every layer.


@functools.partial(jax.jit, static_argnames="normalize")
def switching(weights, biases, normalize=None):
    """Return, layer by layer, the share of units that are on for some inputs and off for others."""

    def share(draws):
        network = shattered.scale(draws, weights, biases)
        f = shattered.preactivations(network, x, normalize=normalize)
        f = f if normalize is None else f - f.mean(axis=1, keepdims=True)
        return jnp.mean((f > 0).any(axis=1) & (f <= 0).any(axis=1), axis=-1)

    return jax.vmap(share)(cut(50)).mean(axis=0)


shares = {
    "notebook": switching(1.0, 1.0),
    "He's weights": switching(2.0, 1.0),
    "He's weights, mean-centring": switching(2.0, 1.0, "mean"),
}
last = ", ".join(f"{share[-1]:.0%}" for share in shares.values())

# sphinx_gallery_alt = "Share of switching units over 50 layers: it stays at one with centring and falls towards zero without."
fig, ax = plt.subplots(figsize=(5.5, 3.2))
for (name, share), index in zip(shares.items(), (0, 2, 4)):
    ax.plot(range(1, 51), share, color=plotting.COLOURS[index], label=name)
ax.set(xlabel="layer", ylabel="share of units that switch", xlim=(1, 50), ylim=(0, 1.05))
ax.set(title=f"Units that switch in layer 50: {last}")
ax.legend(fontsize="small", loc="center right")
plt.show()

# %%
# What if the connections are residual?
# -------------------------------------
# That was the paper's point: if every layer adds a little to what it was given, the slope keeps much of what it was. Its residual
# network has 50 layers, each with *batch normalization* (mean zero, variance one, over all inputs; page 11.3) and a branch that
# counts a tenth. Beside it, the same network without the connections.

pair = {
    "plain, 50 layers": measure(50, 2.0, 0.0, normalize="batch"),
    "residual, 50 layers": measure(50, 2.0, 0.0, normalize="batch", branch=0.1),
    "1 layer": measure(1, 2.0, 1.0),
}
# sphinx_gallery_alt = "Slopes of a plain and a residual deep network, and autocorrelations: at once zero, and falling more slowly."
fig, axes = plt.subplots(1, 3, figsize=(10, 3))
for ax, (name, (slopes, _)), colour in zip(axes, pair.items(), plotting.COLOURS):
    ax.plot(x, slopes[0] / jnp.abs(slopes[0]).max(), color=colour, lw=1)
    ax.set(xlabel="input $x$", xlim=(-2, 2), title=name)
for (name, (_, found)), colour in zip(pair.items(), plotting.COLOURS):
    axes[2].plot(x[128:192], found.mean(axis=0)[:64], color=colour, label=name)
axes[0].set(ylabel="slope, of its largest")
axes[2].set(xlabel="distance", xlim=(0, 1), ylim=(-0.15, 1.02), title="autocorrelation, twelve networks")
axes[2].legend(fontsize="small")
plt.show()

for name, (_, found) in pair.items():
    print(
        f"{name}: {found[:, 1].mean():.2f} at the next grid point, {found[:, 4].mean():.2f} four points away"
    )
