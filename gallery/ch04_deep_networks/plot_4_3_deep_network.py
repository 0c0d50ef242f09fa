r"""
4.3 Depth, written with matrices
================================

How does one write down a network of any depth without drowning in indices? With one vector and one matrix for each layer. In that
form, two networks that feed each other merge into one, any depth takes the same three lines of code, and the Flax model of the
training chapters turns out to be nothing else.

*In the book: section 4.2, equation 4.5; section 4.4, equation 4.15, figure 4.6; section 4.5.2, figure 4.7. Notebook 4.3.*
"""

import jax
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch03_shallow_networks import shallow_network
from udl_jax.ch04_deep_networks import deep_network, linear_pieces
from udl_jax.ch04_deep_networks.deep_network import DeepNetwork

plotting.use_book_style()

# %%
# A shallow network as two matrices
# ---------------------------------
# Chapter 3's networks keep offsets in the first column of ``theta`` and ``phi``. Taken apart, the first column is a vector
# :math:`\boldsymbol\beta` and the rest a matrix :math:`\boldsymbol\Omega`, and the network is
#
# .. math::
#
#    \mathbf{h} = \mathbf{a}[\boldsymbol\beta_0 + \boldsymbol\Omega_0 \mathbf{x}], \qquad
#    \mathbf{y} = \boldsymbol\beta_1 + \boldsymbol\Omega_1 \mathbf{h}.
#
# The notebook asks whether this draws the same curve as the code of 3.1. Here is the first of the two networks of 4.1, with its
# inputs side by side as the columns of a matrix, as in the book. In the library one ``Layer`` holds such a pair, and examples are
# rows, as JAX's users expect.

theta, phi = np.array([[0.0, -1.0], [0.0, 1.0], [-0.67, 1.0]]), np.array([[1.0, -2.0, -3.0, 9.3]])
x = np.arange(-1, 1, 0.01)[:, None]

beta_0, omega_0, beta_1, omega_1 = theta[:, :1], theta[:, 1:], phi[:, :1], phi[:, 1:]
h = np.maximum(0, beta_0 + omega_0 @ x.T)
middle = (beta_1 + omega_1 @ h).T

run, run_shallow = jax.jit(deep_network.stages), jax.jit(shallow_network.stages)
first = deep_network.to_layers(theta, phi)
print(
    f"largest difference from the code of 3.1: {np.abs(middle - run_shallow(theta, phi, x).output).max():.0e}"
)
print(f"largest difference from the library's layers: {np.abs(middle - run(first, x).output).max():.0e}")

# %%
# Two networks merged into one
# ----------------------------
# Now the second network of 4.1 is fed the first one's output. No activation function stands between that output and the hidden
# units that it goes into. So put the one into the other (equation 4.5, here for all hidden units at once, with a prime for the
# second network):
#
# .. math::
#
#    \mathbf{h}' &= \mathbf{a}\bigl[\boldsymbol\beta'_0
#        + \boldsymbol\Omega'_0 (\boldsymbol\beta_1 + \boldsymbol\Omega_1 \mathbf{h})\bigr] \\
#    &= \mathbf{a}\bigl[(\boldsymbol\beta'_0 + \boldsymbol\Omega'_0 \boldsymbol\beta_1)
#        + (\boldsymbol\Omega'_0 \boldsymbol\Omega_1)\, \mathbf{h}\bigr].
#
# Two linear functions in a row are one linear function. The number that was passed on disappears, and what is left is one network
# with two hidden layers.

theta_2, phi_2 = np.array([[-0.6, -1.0], [0.2, 1.0], [-0.5, 1.0]]), np.array([[0.5, -1.0, -1.5, 2.0]])
second = deep_network.to_layers(theta_2, phi_2)

beta = theta_2[:, 0] + theta_2[:, 1:] @ phi[:, 0]
omega = theta_2[:, 1:] @ phi[:, 1:]

folded = deep_network.fold(first, second)
apart = [np.abs(ours - theirs).max() for ours, theirs in zip((beta, omega), folded[1])]
print(f"largest difference of the merged layer from the library's: {max(apart):.0e}")
composed, at_once = run(second, middle).output, run(folded, x).output
print(f"largest difference of the outputs: {np.abs(composed - at_once).max():.0e}")

# sphinx_gallery_alt = "The first network's zigzag, and the second's output after it, drawn twice: by two networks and by one."
fig, axes = plotting.panels(1, 2, size=3)
fig.get_layout_engine().set(wspace=0.08)
axes[0, 0].plot(x, middle, color=plotting.COLOURS[1])
axes[0, 0].set(title="First network", ylabel="output", xlabel="input")
axes[0, 1].plot(x, composed, color=plotting.COLOURS[2], lw=6, alpha=0.35, label="one after the other")
axes[0, 1].plot(x, at_once, color=plotting.COLOURS[2], label="merged into one")
axes[0, 1].set(title="Second network after it", xlabel="input", xlim=(-1, 1), ylim=(-1.1, 1.1))
axes[0, 1].set(xticks=(-1, 0, 1), yticks=(-1, 0, 1))
axes[0, 1].legend(loc="lower center", fontsize="small")
plt.show()

# %%
# What merging does not reach
# ---------------------------
# The merged matrix has nine entries, but it is a column times a row, so its rank is one: each row is a multiple of any other. A
# deep network may choose all nine entries freely. So every composition of two such networks is a deep network, and hardly any
# deep network is a composition.

print(omega)
print("rank:", np.linalg.matrix_rank(omega))

# %%
# Four inputs, three hidden layers
# --------------------------------
# The notebook's larger example has widths 4-5-2-4-1 and parameters drawn from the standard normal distribution. Equation 4.15
# runs a network with :math:`K` hidden layers, whatever :math:`K` is:
#
# .. math::
#
#    \mathbf{h}_1 &= \mathbf{a}[\boldsymbol\beta_0 + \boldsymbol\Omega_0 \mathbf{x}], \\
#    \mathbf{h}_{k+1} &= \mathbf{a}[\boldsymbol\beta_k + \boldsymbol\Omega_k \mathbf{h}_k], \qquad k = 1, \dots, K - 1, \\
#    \mathbf{y} &= \boldsymbol\beta_K + \boldsymbol\Omega_K \mathbf{h}_K.
#
# In code that is a loop: multiply, add, clip, and leave out the clipping at the end. Four examples go in together.

widths = (5, 2, 4, 1)
layers = jax.tree.map(np.asarray, deep_network.sample_layers(jax.random.key(0), inputs=4, widths=widths))
inputs = np.asarray(jax.random.normal(jax.random.key(2), (4, 4)))

h = inputs.T
for beta, omega in layers[:-1]:
    h = np.maximum(0, beta[:, None] + omega @ h)
output = (layers[-1].beta[:, None] + layers[-1].omega @ h).T

found = run(layers, inputs)
print(f"largest difference from the library: {np.abs(output - found.output).max():.0e}")
print("hidden layers:", *(h.shape for h in found.activations))
print("input\n", inputs, "\noutput\n", output)

# %%
# The shapes follow from the widths: :math:`\boldsymbol\Omega_k` has a row for each unit that it feeds and a column for each that
# feeds it, so neighbours must agree on one number. Below, each pair of an offset vector and a matrix is drawn to scale in a frame
# of its own.

ratios = [layer.omega.shape[1] + 2 for layer in layers]

# sphinx_gallery_alt = "Four frames, each with an offset vector and a matrix of 5 x 4, 2 x 5, 4 x 2 and 1 x 4 entries."
# sphinx_gallery_thumbnail_number = 2
fig, axes = plt.subplots(1, 4, figsize=(8.4, 2.8), width_ratios=ratios)
for k, (ax, (beta, omega)) in enumerate(zip(axes, layers)):
    rows, columns = omega.shape
    ax.imshow(beta[:, None], extent=(-1.5, -0.5, rows, 0), vmin=-2.5, vmax=2.5)
    shades = ax.imshow(omega, extent=(0, columns, rows, 0), vmin=-2.5, vmax=2.5)
    ax.set(xlim=(-1.75, columns + 0.25), ylim=(rows + 0.25, -0.25), yticks=[], aspect="equal", anchor="N")
    ax.set_xticks((-1, columns / 2), (rf"$\beta_{k}$", rf"$\Omega_{k}$"))
    ax.tick_params(length=0)
    ax.spines[:].set(visible=True, color="0.6")
    ax.set(title=f"layer {k}: {rows} and {rows} x {columns}")
fig.colorbar(shades, ax=axes, label="parameter", shrink=0.8)
plt.show()

# %%
# The notebook checks at the end whether the shapes came out right. The library checks before it starts, and says in words what
# does not fit.

try:
    deep_network.stages(layers, inputs[:, :3])
except ValueError as error:
    print(error)

# %%
# The same network in Flax
# ------------------------
# ``DeepNetwork`` is the model that the training chapters use. It keeps its matrices the other way round, a column for each unit,
# since its data are rows. ``to_flax`` turns ours into its parameters, and the outputs agree.

variables = deep_network.to_flax(layers)
difference = jax.jit(DeepNetwork(widths).apply)(variables, inputs) - found.output
for name, parameters in variables["params"].items():
    print(name, jax.tree.map(np.shape, parameters))
print(f"largest difference: {np.abs(difference).max():.0e}")

# %%
# What a parameter buys
# ---------------------
# A layer of width :math:`D'` on top of one of width :math:`D` has :math:`D'(D+1)` parameters, so 4-5-2-4-1 has 25 + 12 + 12 + 5 =
# 54. For one input and one output, section 4.5.2 compares what the same number of parameters can draw at most. A layer of
# :math:`D` units cuts each piece that reaches it at most :math:`D` times, so :math:`K` layers make at most
#
# .. math:: (D_1 + 1)(D_2 + 1) \cdots (D_K + 1)
#
# regions. A shallow network adds one for each hidden unit; a deep one multiplies. Below, all layers of a network have the same
# width, and each line starts at two units for each layer.

print("4-5-2-4-1:", deep_network.count_parameters(4, widths), "parameters")

# sphinx_gallery_alt = "The largest possible number of regions over parameters; of five depths, the deeper lie higher."
fig, ax = plt.subplots(figsize=(5.5, 4))
for depth, colour in zip(range(1, 6), plotting.COLOURS):
    hidden = [(width,) * depth for width in range(2, 170)]
    parameters = [deep_network.count_parameters(1, (*layer_widths, 1)) for layer_widths in hidden]
    regions = [linear_pieces.most_regions(layer_widths) for layer_widths in hidden]
    ax.semilogy(parameters, regions, color=colour, label=f"{depth}")
ax.set(xlabel="parameters", ylabel="regions, at most", xlim=(0, 500), ylim=(1, 1e6))
ax.legend(title="hidden layers", ncols=2)
plt.show()

# %%
# The lines are upper bounds, and a network need not come near them. The networks of 4.1 fall behind further with each copy.

for copies in (1, 3, 6):
    counted = linear_pieces.count_regions(*[first] * copies, second, low=-1.0, high=1.0)
    most = linear_pieces.most_regions([3] * (copies + 1))
    print(f"{copies + 1} layers of three units: {counted} of at most {most} regions, {counted / most:.0%}")
