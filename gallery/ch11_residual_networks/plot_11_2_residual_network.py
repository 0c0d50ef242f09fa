r"""
11.2 Adding instead of replacing
================================

In the networks so far, each layer replaces what the layer before it has made. In a residual network, each *block* of layers only
adds something to it. That is a small change of the code. Does it help two blocks, as in the notebook, and does it help forty?

*In the book: section 11.2, equation 11.4, figures 11.4 and 11.5. Notebook 11.2.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch10_convolution.descent import Descent
from udl_jax.ch11_residual_networks import residual_network as residual
from udl_jax.data.mnist1d import load_mnist1d

plotting.use_book_style()
data = load_mnist1d()

# %%
# The change
# ----------
# A block is a ReLU and a linear layer, and what it computes is added to what it was given (equation 11.4; the order is that of
# figure 11.5b, in which the sum may become negative as well as positive):
#
# .. math:: \mathbf{h}_k = \mathbf{h}_{k-1} + \mathbf{f}_k[\mathbf{h}_{k-1}], \qquad
#           \mathbf{f}_k[\mathbf{h}] = \boldsymbol\beta_k + \boldsymbol\Omega_k\,\mathbf{a}[\mathbf{h}].
#
# A linear layer comes before the first block and another after the last. In code it is one more plus sign:

network = residual.ResidualNetwork(blocks=2)
variables = network.init(jax.random.key(0), data.x_train[:1])
params, x = variables["params"], data.x_test
blocks = params["blocks"]["linear"]

h = x @ params["first"]["kernel"] + params["first"]["bias"]
for k in range(2):
    h = h + jax.nn.relu(h) @ blocks["kernel"][k] + blocks["bias"][k]
outputs = h @ params["last"]["kernel"] + params["last"]["bias"]
print(f"largest difference from the library: {jnp.abs(outputs - network.apply(variables, x)).max():.0e}")
print(f"{sum(leaf.size for leaf in jax.tree.leaves(params))} weights and biases")

# %%
# The notebook's training
# -----------------------
# A hundred epochs on MNIST-1D, with a learning rate of 0.05 that is halved every twenty epochs. The notebook asks us to try it with
# and without the connections. With two blocks it hardly matters: both networks learn the training signals by heart, and both are
# wrong about roughly a third of the others.

fits = {
    "residual": residual.train_network(jax.random.key(0), data),
    "plain": residual.train_network(jax.random.key(0), data, residual.Settings(residual=False)),
}
# sphinx_gallery_alt = "Training and test errors over 100 epochs with and without residual connections: the curves nearly coincide."
fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.3))
for name, (_, history) in fits.items():
    style = "-" if name == "residual" else "--"
    for ax, quantity in zip(axes, ("error", "loss")):
        for part, colour in (("train", plotting.TRAIN), ("test", plotting.TEST)):
            values = getattr(getattr(history, part), quantity)
            ax.plot(range(1, 101), values, style, color=colour, lw=1.4, label=f"{name}, {part}")
axes[0].set(xlabel="epoch", ylabel="error in %", xlim=(0, 100), ylim=(0, None))
axes[1].set(xlabel="epoch", ylabel="cross-entropy in nats", xlim=(0, 100), ylim=(0, None), title="Loss")
ends = [f"{name} {history.test.error[-1]:.1f} %" for name, (_, history) in fits.items()]
axes[0].set(title=f"Test error: {', '.join(ends)}")
axes[0].legend(fontsize="small")
plt.show()

# %%
# What if there are forty blocks?
# -------------------------------
# This is what residual connections were made for. Six epochs each, with 2, 10 and 40 blocks, at a learning rate of 0.01 (with forty
# blocks, 0.05 is too much for all three kinds). The plain network replaces. The residual one adds, with He's initial weights. The
# third adds too, but starts with weights that are smaller by the square root of the number of blocks. A cross marks a training that
# met a number that is not finite.

depths = (2, 10, 40)
short = Descent(rate=0.01, epochs=6, decay_every=2)
kinds = {
    "plain": lambda depth: residual.Settings(blocks=depth, residual=False, descent=short),
    "residual": lambda depth: residual.Settings(blocks=depth, descent=short),
    "residual, small start": lambda depth: residual.Settings(blocks=depth, gain=depth**-0.5, descent=short),
}
runs = {
    name: [residual.train_network(jax.random.key(1), data, make(depth)) for depth in depths]
    for name, make in kinds.items()
}

# sphinx_gallery_alt = "Training error and test error after six epochs for 2, 10 and 40 blocks and three kinds of network."
# sphinx_gallery_thumbnail_number = 2
fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.4), sharey=True)
for (name, found), colour in zip(runs.items(), plotting.COLOURS):
    failed = np.array([int(fit.state.failed_at[0]) >= 0 for fit in found])
    for ax, part in zip(axes, ("train", "test")):
        ends = np.array([getattr(fit.history, part).error[-1] for fit in found])
        ax.plot(depths, ends, "-", color=colour, lw=1.2, label=name)
        ax.plot(np.array(depths)[~failed], ends[~failed], "o", color=colour)
        ax.plot(np.array(depths)[failed], ends[failed], "x", ms=9, mew=2, color=colour)
for ax, title in zip(axes, ("Training error", "Test error")):
    ax.set(xlabel="blocks", xscale="log", title=title, ylim=(0, 104))
    ax.set_xticks(depths, depths)
    ax.minorticks_off()
axes[0].set(ylabel="error in % after 6 epochs")
axes[0].legend(fontsize="small", loc="upper left")
plt.show()

for name, found in runs.items():
    told = [
        f"{d} blocks {f.history.train.error[-1]:.0f} %" + (" (stopped)" if f.state.failed_at[0] >= 0 else "")
        for d, f in zip(depths, found)
    ]
    print(f"{name}, training error: {', '.join(told)}")

# %%
# Why not He's weights?
# ---------------------
# He's initialisation keeps the variance of what a layer makes. If that is added to what was there, the variance nearly doubles
# (section 11.3) with every block. Smaller weights let it grow by little in all. The other remedy is to normalize, which is what
# page 11.3 is about.

stacked = jax.random.normal(jax.random.key(2), (200, 40))
# sphinx_gallery_alt = "Variance of the units after each of forty blocks, on a logarithmic scale, for three kinds of network."
fig, ax = plt.subplots(figsize=(5.5, 3.3))
for (name, make), colour in zip(kinds.items(), plotting.COLOURS):
    settings = make(40)
    model = residual.make_recipe(settings).model
    measured = residual.stream_variances(model, model.init(jax.random.key(3), stacked[:1]), stacked)
    ax.plot(range(41), measured[1:], color=colour, label=f"{name}: ends at {measured[-1]:.1e}")
ax.set(xlabel="after block", ylabel="variance of the units", yscale="log", xlim=(0, 40))
ax.set(title="Forty blocks before training")
ax.legend(fontsize="small")
plt.show()
