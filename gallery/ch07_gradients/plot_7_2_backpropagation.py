r"""
7.2 Backpropagation, matrix by matrix
=====================================

Five hidden layers, six units each: 187 weights and offsets, and each may change the loss. Backpropagation is the toy model's
chain again, with matrices for its links. How is it written in six lines, what flows forward and what flows back, and what does it
cost?

*In the book: section 7.4, equations 7.17 and 7.22 to 7.25. Notebook 7.2.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch04_deep_networks.deep_network import DeepNetwork, Layer, sample_layers, to_flax
from udl_jax.ch07_gradients import backpropagation as bp
from udl_jax.ch07_gradients import finite_differences as fd

plotting.use_book_style()

# %%
# The notebook's network
# ----------------------
# All weights and offsets are standard normal. To have the notebook's own numbers they are drawn here in its order: first and last
# weights, first and last offsets, then the layers between. The input is 1.2, the target 20; the notebook announces an output of
# 1.907.

normal = np.random.RandomState(0).normal
first, last = normal(size=(6, 1)), normal(size=(1, 6))
first, last = Layer(normal(size=6), first), Layer(normal(size=1), last)
between = [Layer(omega=normal(size=(6, 6)), beta=normal(size=6)) for _ in range(4)]
in_double = (first, *between, last)
layers = jax.tree.map(lambda values: values.astype("float32"), in_double)
x, y = np.array([[1.2]], "float32"), np.array([[20.0]], "float32")

# %%
# Forward, then back
# ------------------
# Forward, layer :math:`k` is given :math:`\mathbf{h}_k` (the input is :math:`\mathbf{h}_0`), and the ReLU
# :math:`\text{a}[\bullet]` cuts off what is negative (equation 7.17):
#
# .. math:: \mathbf{f}_k = \boldsymbol\beta_k+\boldsymbol\Omega_k\mathbf{h}_k, \qquad \mathbf{h}_{k+1} = \text{a}[\mathbf{f}_k].
#
# Back, one starts with the derivative of the loss with respect to the output, :math:`2(\mathbf{f}_K-\mathbf{y})`, and goes from
# layer to layer: through the same weights, transposed, and then through the ReLU, which passes the derivatives of the units that
# are on and cuts off those of the units that are off (equation 7.25):
#
# .. math::
#    \frac{\partial\ell}{\partial\mathbf{f}_{k-1}}
#    = \mathbb{I}[\mathbf{f}_{k-1}>0]\odot\left(\boldsymbol\Omega_k^T\,\frac{\partial\ell}{\partial\mathbf{f}_k}\right).
#
# On the way, each layer's own derivatives fall off (equations 7.22 and 7.23):
#
# .. math::
#    \frac{\partial\ell}{\partial\boldsymbol\beta_k} = \frac{\partial\ell}{\partial\mathbf{f}_k}, \qquad
#    \frac{\partial\ell}{\partial\boldsymbol\Omega_k} = \frac{\partial\ell}{\partial\mathbf{f}_k}\,\mathbf{h}_k^T.

h, f = [x[0]], []
for layer in layers:
    f.append(layer.beta + layer.omega @ h[-1])
    h.append(np.maximum(f[-1], 0))

dl_df, dl_dlayers = [2 * (f[-1] - y[0])], []
for k in reversed(range(len(layers))):
    dl_dlayers.insert(0, Layer(beta=dl_df[0], omega=np.outer(dl_df[0], h[k])))
    if k > 0:
        dl_df.insert(0, (f[k - 1] > 0) * (layers[k].omega.T @ dl_df[0]))


def flat(tree):
    """Return all numbers of a tree in one row."""
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)])


backward = jax.jit(bp.derivatives_by_hand)(layers, x, y)
ours, theirs = flat(dl_dlayers), flat(backward.dl_dlayers)
print(f"output {f[-1][0]:.3f}, loss {(f[-1][0] - 20) ** 2:.2f}")
off = abs(ours - theirs).max()
print(
    f"largest difference from the library: {off:.0e}, of {ours.size} derivatives up to {abs(ours).max():.0f}"
)

# %%
# Compare the zeros of the two pictures (blue is positive, red negative): a unit that was off for this example learns nothing from
# it, and nor do the weights that lead to it.

# sphinx_gallery_thumbnail_number = 1
# sphinx_gallery_alt = "Two grids, six units by five layers: activations, and derivatives, with zeros in the same places."
fig, axes = plotting.panels(1, 2, size=4, sharey=True)
values = {"activations $h_k$": h[1:-1], r"derivatives $\partial\ell/\partial f_{k-1}$": dl_df[:-1]}
for ax, (title, by_layer) in zip(axes[0], values.items()):
    grid = np.stack(by_layer, axis=1)
    reach = np.abs(grid).max()
    ax.imshow(grid, cmap="RdBu", vmin=-reach, vmax=reach)
    for (unit, k), value in np.ndenumerate(grid):
        colour = "w" if abs(value) > 0.6 * reach else "k"
        text = "0" if value == 0 else f"{value:.3g}"
        ax.text(k, unit, text, ha="center", va="center", fontsize=7, color=colour)
    ax.set(xlabel="hidden layer $k$", title=title, xticks=range(5), xticklabels=range(1, 6), yticks=range(6))
axes[0, 0].set(ylabel="unit", yticklabels=range(1, 7))
plt.show()

# %%
# Three judges
# ------------
# ``jax.grad`` through our own functions, ``jax.grad`` through the Flax model of chapter 4, and finite differences. The notebook
# moves each parameter by a millionth and runs the network anew; here ``vmap`` does all runs at once, in double precision, and
# five equal digits count as a match, or a difference below a millionth. The right panel moves by a whole unit instead: such a
# long step sees the loss's curvature, and switches units on and off. The points above and below zero belong to offsets of units
# that are off and to weights that lead to them: a small move does nothing, a large one wakes the unit up.

network = DeepNetwork((6, 6, 6, 6, 6, 1))
by_grad = jax.jit(jax.grad(bp.least_squares_loss))(layers, x, y)
by_flax = jax.jit(jax.grad(lambda variables: jnp.sum((network.apply(variables, x) - y) ** 2)))(
    to_flax(layers)
)
print(f"largest difference from jax.grad: {abs(theirs - flat(by_grad)).max():.0e}", end=", ")
print(f"from the Flax model: {abs(flat(to_flax(backward.dl_dlayers)) - flat(by_flax)).max():.0e}")

# sphinx_gallery_alt = "Finite differences over backpropagation: a perfect diagonal for a small move, outliers for a large one."
fig, axes = plotting.panels(1, 2, size=3.4)
with jax.enable_x64(True):
    slopes = flat(jax.jit(bp.derivatives_by_hand)(in_double, x, y).dl_dlayers)
    move = jax.jit(
        lambda layers, delta: fd.finite_differences(lambda n: bp.least_squares_loss(n, x, y), layers, delta)
    )
    for ax, delta in zip(axes[0], (1e-6, 1.0)):
        estimates = flat(move(in_double, delta))
        ax.plot(np.sort(slopes), np.sort(slopes), color="0.8", lw=1)
        ax.plot(slopes, estimates, ".", color=plotting.TEST)
        matches = np.sum(np.isclose(estimates, slopes, rtol=1e-5, atol=1e-6))
        ax.set(title=f"moved by {delta:g}: {matches} of {slopes.size} match", xlabel="by backpropagation")
        ticks = {"ticks": (-100, -10, 0, 10, 100), "labels": ("-100", "-10", "0", "10", "100"), "fontsize": 8}
        ax.set_xscale("symlog", linthresh=1)
        ax.set_yscale("symlog", linthresh=1)
        ax.set_xticks(**ticks)
        ax.set_yticks(**ticks)
axes[0, 0].set(ylabel="by finite differences")
plt.show()

# %%
# What it costs
# -------------
# Finite differences run the network once for each parameter; backpropagation goes through it once forward and once back. XLA can
# count the floating point operations of a program before it runs, or is even compiled, so ``eval_shape`` makes networks of which
# only the shapes exist. The gradient costs a small multiple of the loss, for small networks and large ones. For finite
# differences the factor is the number of parameters, which is why nobody trains with them.

programs = {
    "loss alone": bp.least_squares_loss,
    "jax.grad": jax.grad(bp.least_squares_loss),
    "gradient by hand": lambda *data: bp.derivatives_by_hand(*data).dl_dlayers,
}
parameters, costs = [], {name: [] for name in ("finite differences", *programs)}
for width in 2 ** np.arange(1, 9):
    wide = jax.eval_shape(
        lambda key, width=int(width): sample_layers(key, 1, (*[width] * 5, 1)), jax.random.key(0)
    )
    parameters.append(sum(values.size for values in jax.tree.leaves(wide)))
    for name, program in programs.items():
        costs[name].append(jax.jit(program).lower(wide, x, y).cost_analysis()["flops"])
    costs["finite differences"].append((parameters[-1] + 1) * costs["loss alone"][-1])
ratios = np.array(costs["jax.grad"]) / costs["loss alone"]
print(f"cost of jax.grad over that of the loss: {ratios[0]:.1f} for {parameters[0]} parameters,", end=" ")
print(f"{ratios[-1]:.1f} for {parameters[-1]:,}")

# sphinx_gallery_alt = "Operations over parameters: three lines close together, and finite differences, twice as steep."
fig, ax = plt.subplots(figsize=(5.5, 4))
for (name, operations), line in zip(costs.items(), ("-", "-", "--", "-")):
    ax.loglog(parameters, operations, line, label=name)
ax.set(xlabel="parameters", ylabel="floating point operations", title="One step of training")
ax.legend()
plt.show()

# %%
# What if a unit sits exactly at zero?
# ------------------------------------
# The ReLU has no derivative there, and one has to be chosen: notebook 7.2 and ``jax.nn.relu`` say 0, notebook 7.3 says 1, and
# ``jnp.maximum(f, 0)`` under ``jax.grad`` says 1/2. With random offsets no unit ever sits there. Without offsets and with an
# input of zero every unit does, and the choice is all there is.

slopes = jax.jit(lambda layers, x, at_zero: bp.derivatives_by_hand(layers, x, y, at_zero).dl_dlayers[0].beta)
silent = tuple(layer._replace(beta=np.zeros_like(layer.beta)) for layer in layers)
for name, here in {"random offsets, x = 1.2": (layers, x), "no offsets, x = 0": (silent, 0 * x)}.items():
    sizes = [np.linalg.norm(slopes(*here, at_zero)) for at_zero in (0.0, 0.5, 1.0)]
    print(f"{name:24} size of the first layer's derivatives:", ", ".join(f"{size:.4g}" for size in sizes))

# %%
# What if a whole layer is off?
# -----------------------------
# Then no derivative passes it. If the offsets of the third hidden layer sink so far that none of its units is active, all layers
# up to it have derivatives of exactly zero, and so have the weights that read from it. For this example, gradient descent will
# never bring them back.

off = layers[2]._replace(beta=layers[2].beta - 1000)
stopped = jax.jit(bp.derivatives_by_hand)((*layers[:2], off, *layers[3:]), x, y).dl_dlayers
for k, layer in enumerate(stopped):
    weights, offsets = np.abs(layer.omega).max(), np.abs(layer.beta).max()
    print(f"layer {k}: weights up to {weights:.3g}, offsets up to {offsets:.3g}")
