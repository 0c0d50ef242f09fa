r"""
4.3 Depth, written with matrices
================================

How does one write down a network of any depth without drowning in indices? With one vector and one matrix for each layer. In that
form, two networks that feed each other collapse into one, any depth takes the same three lines of code, and the Flax model
that all later chapters train turns out to be nothing else.

*In the book: section 4.4, equations 4.5, 4.15 and 4.16, figure 4.6; section 4.5.2, figure 4.7. Notebook 4.3.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt

from udl_jax import plotting
from udl_jax.ch04_deep_networks import deep_network, linear_pieces
from udl_jax.ch04_deep_networks.deep_network import DeepNetwork

plotting.use_book_style()

# %%
# A shallow network as two matrices
# ---------------------------------
# Chapter 3's networks keep offsets in the first column of ``theta`` and ``phi``. Taken apart, the first column is a vector
# :math:`\boldsymbol\beta` and the rest a matrix :math:`\boldsymbol\Omega`; one ``Layer`` holds the pair. These are the two
# networks of 4.1.

first = deep_network.to_layers(
    jnp.array([[0.0, -1.0], [0.0, 1.0], [-0.67, 1.0]]), jnp.array([[1.0, -2.0, -3.0, 9.3]])
)
second = deep_network.to_layers(
    jnp.array([[-0.6, -1.0], [0.2, 1.0], [-0.5, 1.0]]), jnp.array([[0.5, -1.0, -1.5, 2.0]])
)
for name, layers in {"first": first, "second": second}.items():
    print(f"{name} network:", *(f"beta {layer.beta.shape}, omega {layer.omega.shape};" for layer in layers))

# %%
# Two networks folded into one
# ----------------------------
# Between the output of the first network and the hidden units of the second stands no activation. Two linear functions in a row
# are one linear function, so the two layers that meet there merge: :math:`\boldsymbol\Omega` becomes the product of their
# matrices, and what was a number passed on disappears. That is equation 4.5. The composition of two shallow networks is one
# network with two hidden layers, and it draws the same curve.

folded = deep_network.fold(first, second)
x = jnp.arange(-1.0, 1.0, 0.01)[:, None]
middle = deep_network.stages(first, x).output
composed, at_once = deep_network.stages(second, middle).output, deep_network.stages(folded, x).output

fig, axes = plotting.panels(1, 2, size=3)
axes[0, 0].plot(x, middle, color=plotting.COLOURS[1])
axes[0, 0].set(title="First network", ylabel="output", xlabel="input")
axes[0, 1].plot(x, composed, color=plotting.COLOURS[2], lw=5, alpha=0.35, label="one after the other")
axes[0, 1].plot(x, at_once, color=plotting.COLOURS[2], label="folded into one")
axes[0, 1].set(title="Second network after it", xlabel="input", xlim=(-1, 1), ylim=(-1.1, 1.1))
axes[0, 1].set(xticks=(-1, 0, 1), yticks=(-1, 0, 1))
axes[0, 1].legend(loc="lower center", fontsize="small")
plt.show()

print(f"largest difference: {jnp.abs(composed - at_once).max():.1e}")

# %%
# What folding does not reach
# ---------------------------
# The merged matrix has nine entries, but it is a column times a row: its rank is one. Here its rows are even the same but for the
# sign. A deep network may choose all nine entries freely. So every composition of two such networks is a deep network, and hardly
# any deep network is a composition; section 4.2 of the book makes that step.

print(folded[1].omega)
print("rank:", jnp.linalg.matrix_rank(folded[1].omega))

# %%
# Four inputs, three hidden layers
# --------------------------------
# The notebook's larger example has widths 4-5-2-4-1 and parameters drawn from the standard normal distribution. The shapes follow
# from the widths: :math:`\boldsymbol\Omega_k` has a row for each unit that it feeds and a column for each that feeds it, so
# neighbours must agree on one number. Here each matrix is drawn to scale, with its offsets at the left.

widths = (5, 2, 4, 1)
layers = deep_network.sample_layers(jax.random.key(0), inputs=4, widths=widths)

# sphinx_gallery_thumbnail_number = 2
ratios = [layer.omega.shape[1] + 1.5 for layer in layers]
fig, axes = plt.subplots(1, 4, figsize=(8, 2.6), width_ratios=ratios)
for k, (ax, (beta, omega)) in enumerate(zip(axes, layers)):
    rows, columns = omega.shape
    ax.imshow(beta[:, None], extent=(-1.5, -0.5, rows, 0), vmin=-2.5, vmax=2.5)
    shades = ax.imshow(omega, extent=(0, columns, rows, 0), vmin=-2.5, vmax=2.5)
    ax.set(xlim=(-1.6, columns + 0.1), ylim=(5.1, -0.1), xticks=[], yticks=[], aspect="equal")
    ax.set(title=rf"$\beta_{k}$, $\Omega_{k}$" + f"\n{rows} x {columns}")
    ax.spines[:].set_visible(False)
fig.colorbar(shades, ax=axes, label="parameter")
plt.show()

# %%
# One loop runs it, whatever the depth: multiply, add, clip, and leave out the clipping at the end. Our examples are rows where the
# book's are columns, as JAX's users expect; four of them go in together. The notebook checks at the end whether the shapes came
# out right. The library checks before it starts, and says in words what does not fit.

inputs = jax.random.normal(jax.random.key(2), (4, 4))
found = deep_network.stages(layers, inputs)
for k, h in enumerate(found.activations, start=1):
    print(f"hidden layer {k}: {h.shape}")
print("input\n", inputs, "\noutput\n", found.output)
try:
    deep_network.stages(layers, inputs[:, :3])
except ValueError as told:
    print(told)

# %%
# The same network in Flax
# ------------------------
# ``DeepNetwork`` is the model that the training chapters use. It keeps its matrices the other way round, a column for each unit,
# since its data are rows. ``to_flax`` turns ours into its parameters, and the outputs agree.

model = DeepNetwork(widths)
variables = deep_network.to_flax(layers)
difference = model.apply(variables, inputs) - found.output
print(jax.tree.map(jnp.shape, variables["params"]))
print(f"largest difference: {jnp.abs(difference).max():.1e}")

# %%
# What a parameter buys
# ---------------------
# A layer of width :math:`D'` on top of one of width :math:`D` has :math:`D'(D+1)` parameters, so 4-5-2-4-1 has 25 + 12 + 12 + 5 =
# 54. For one input and one output, section 4.5.2 compares what the same number of parameters can draw at most: a shallow network
# adds one region for each hidden unit, a deep one multiplies :math:`D + 1` regions for each layer. The lines start at two units a
# layer. They are upper bounds: 4.1 shows a network that comes close and one that does not.

print("4-5-2-4-1:", deep_network.count_parameters(4, widths), "parameters")

fig, ax = plt.subplots(figsize=(5.5, 4))
for depth, colour in zip(range(1, 6), plotting.COLOURS):
    hidden = [(width,) * depth for width in range(2, 170)]
    parameters = [deep_network.count_parameters(1, (*layer_widths, 1)) for layer_widths in hidden]
    regions = [linear_pieces.most_regions(layer_widths) for layer_widths in hidden]
    ax.semilogy(parameters, regions, color=colour, label=f"{depth}")
ax.set(xlabel="parameters", ylabel="regions, at most", xlim=(0, 500), ylim=(1, 1e6))
ax.legend(title="hidden layers", ncols=2)
plt.show()
