r"""
7.2 Backpropagation, matrix by matrix
=====================================

Five hidden layers, six units each: 187 weights and offsets, and the loss depends on every one of them. Backpropagation is the toy
model's chain again, with matrices for its links. This page runs it by hand, looks at what flows forward and what flows back, lets
``jax.grad`` and finite differences judge, and counts what each of them costs.

*In the book: section 7.4, equations 7.17 and 7.22 to 7.25. Notebook 7.2.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from jax.flatten_util import ravel_pytree

from udl_jax import plotting
from udl_jax.ch04_deep_networks.deep_network import DeepNetwork, Layer, sample_layers, to_flax
from udl_jax.ch07_gradients import backpropagation as bp
from udl_jax.ch07_gradients import finite_differences as fd

plotting.use_book_style()

# %%
# The notebook's network
# ----------------------
# All weights and offsets are standard normal. To have the notebook's own numbers they are drawn here in its order: first and
# last weights, first and last offsets, then the layers between. The input is 1.2, the target 20; the notebook announces an
# output of 1.907.

normal = np.random.RandomState(0).normal
first, last = normal(size=(6, 1)), normal(size=(1, 6))
first, last = Layer(normal(size=6), first), Layer(normal(size=1), last)
between = [Layer(omega=normal(size=(6, 6)), beta=normal(size=6)) for _ in range(4)]
layers = jax.tree.map(jnp.array, (first, *between, last))
x, y = jnp.array([[1.2]]), jnp.array([[20.0]])

forward = bp.forward_pass(layers, x)
print(f"output {forward.f[-1][0, 0]:.3f}, loss {bp.least_squares_loss(layers, x, y):.2f}")

# %%
# Forward, then back
# ------------------
# Forward, each layer multiplies by its weights and the ReLU cuts off what is negative. Back, each layer multiplies by the same
# weights, transposed, and wherever the ReLU cut off a value it now cuts off a derivative: compare the zeros of the two pictures
# (blue is positive, red negative). A unit that was off for this example learns nothing from it, and nor do the weights that
# lead to it.

backward = bp.backward_pass(layers, forward, y)

# sphinx_gallery_thumbnail_number = 1
fig, axes = plotting.panels(1, 2, size=4, sharey=True)
values = {
    "activations $h_k$": forward.h[1:],
    r"derivatives $\partial\ell/\partial f_{k-1}$": backward.dl_df[:-1],
}
for ax, (title, by_layer) in zip(axes[0], values.items()):
    grid = np.concatenate(by_layer).T
    reach = np.abs(grid).max()
    ax.imshow(grid, cmap="RdBu", vmin=-reach, vmax=reach)
    for (unit, k), value in np.ndenumerate(grid):
        text = "0" if value == 0 else f"{value:.3g}"
        ax.text(
            k,
            unit,
            text,
            ha="center",
            va="center",
            fontsize=7,
            color="w" if abs(value) > 0.6 * reach else "k",
        )
    ax.set(xlabel="hidden layer $k$", title=title, xticks=range(5), xticklabels=range(1, 6), yticks=range(6))
axes[0, 0].set(ylabel="unit", yticklabels=range(1, 7))
plt.show()

# %%
# Three judges
# ------------
# ``jax.grad`` through our own functions, ``jax.grad`` through the Flax model of chapter 4, and finite differences, all on the
# 187 parameters. The notebook moves each parameter by a millionth and runs the network anew; here ``vmap`` does all 187 runs at
# once, in double precision, and all 187 match to five digits as the notebook asks. The right panel moves by a whole unit
# instead: so long a step sees the loss's curvature and switches units on and off. The points above and below zero belong to
# weights and offsets of units that are off: a small move does nothing, a large one wakes the unit up.

network = DeepNetwork((6, 6, 6, 6, 6, 1))
by_flax = jax.grad(lambda variables: jnp.sum((network.apply(variables, x) - y) ** 2))(to_flax(layers))
by_grad = bp.automatic_derivatives(layers, x, y).dl_dlayers
for name, theirs in {"jax.grad": by_grad, "the Flax model": by_flax}.items():
    ours = backward.dl_dlayers if theirs is by_grad else to_flax(backward.dl_dlayers)
    apart = abs(ravel_pytree(ours)[0] - ravel_pytree(theirs)[0]).max()
    print(
        f"largest difference from {name}: {apart:.1e}, of derivatives up to {abs(ravel_pytree(ours)[0]).max():.0f}"
    )

fig, axes = plotting.panels(1, 2, size=3.2)
with jax.enable_x64(True):
    exact = jax.tree.map(lambda values: values.astype("float64"), layers)
    slopes, _ = ravel_pytree(bp.derivatives_by_hand(exact, x, y).dl_dlayers)
    for ax, delta in zip(axes[0], (1e-6, 1.0)):
        estimates, _ = ravel_pytree(
            fd.finite_differences(lambda n: bp.least_squares_loss(n, x, y), exact, delta)
        )
        ax.plot(jnp.sort(slopes), jnp.sort(slopes), color="0.8", lw=1)
        ax.plot(slopes, estimates, ".", color=plotting.TEST)
        matches = jnp.sum(jnp.isclose(estimates, slopes, rtol=1e-5))
        ax.set(title=f"moved by {delta:g}: {matches} of {slopes.size} match")
        ax.set_xscale("symlog", linthresh=1)
        ax.set_yscale("symlog", linthresh=1)
        ax.set(xlabel="by backpropagation")
axes[0, 0].set(ylabel="by finite differences")
plt.show()

# %%
# What it costs
# -------------
# Finite differences run the network once for each parameter; backpropagation goes through it once forward and once back. XLA
# can count the floating point operations of a program before running it. The gradient costs about three times as much as the
# loss, however large the network. For finite differences the factor is the number of parameters, which is why nobody trains
# with them.

widths = 2 ** np.arange(1, 9)
parameters, costs = [], {"finite differences": [], "gradient by hand": [], "jax.grad": [], "loss alone": []}
for width in widths:
    wide = sample_layers(jax.random.key(0), 1, (*[int(width)] * 5, 1))
    parameters.append(sum(values.size for values in jax.tree.leaves(wide)))
    programs = {
        "loss alone": bp.least_squares_loss,
        "jax.grad": jax.grad(bp.least_squares_loss),
        "gradient by hand": lambda *data: bp.derivatives_by_hand(*data).dl_dlayers,
    }
    for name, program in programs.items():
        costs[name].append(jax.jit(program).lower(wide, x, y).cost_analysis()["flops"])
    costs["finite differences"].append((parameters[-1] + 1) * costs["loss alone"][-1])

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

silent = tuple(layer._replace(beta=jnp.zeros_like(layer.beta)) for layer in layers)
for name, network_at in {
    "random offsets, x = 1.2": (layers, x),
    "no offsets, x = 0": (silent, 0 * x),
}.items():
    slopes = [
        bp.derivatives_by_hand(*network_at, y, at_zero).dl_dlayers[0].beta for at_zero in (0.0, 0.5, 1.0)
    ]
    print(f"{name:24}", ", ".join(f"{jnp.linalg.norm(slope):.4g}" for slope in slopes))

# %%
# What if a whole layer is off?
# -----------------------------
# Then no derivative passes it. If the offsets of the third hidden layer sink so far that none of its units is active, all
# layers up to it have derivatives of exactly zero, and so have the weights that read from it. For this example, gradient
# descent will never bring them back.

off = layers[2]._replace(beta=layers[2].beta - 1000)
stopped = bp.derivatives_by_hand((*layers[:2], off, *layers[3:]), x, y).dl_dlayers
for k, layer in enumerate(stopped):
    print(
        f"layer {k}: weights up to {jnp.abs(layer.omega).max():.3g}, offsets up to {jnp.abs(layer.beta).max():.3g}"
    )
