r"""
20.2 Training without noise
===========================

Why does training not get stuck? One suspicion is the noise: each batch pulls in a slightly different direction, and may shake
the parameters out of bad places. That can be tested. Take the noise away, so that every step follows the gradient of *all*
examples, and see whether the training error still goes to zero.

*In the book: section 20.2.3, figure 20.2. Notebook 20.2, and its copy for a GPU, which computes the same.*
"""

import functools
import os

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from jax.flatten_util import ravel_pytree

from udl_jax import plotting
from udl_jax.ch08_performance import mnist1d
from udl_jax.ch20_why_it_works import curvature, full_batch
from udl_jax.data.full_scale import load_full_scale
from udl_jax.data.mnist1d import cache_directory, load_mnist1d

plotting.use_book_style()
data = load_mnist1d()
NAMES = {1: "one layer", 2: "two layers", 3: "three layers", 4: "four layers"}
COLOURS = dict(zip(NAMES, plotting.COLOURS))

# %%
# Four networks of one size
# -------------------------
# Perhaps depth matters, so the notebook trains four networks, with one to four hidden layers. To be fair, they all get about the
# same number of parameters. With :math:`K` hidden layers of :math:`D` units, 40 inputs and 10 outputs there are
#
# .. math:: N = (40 + 1) D + (K - 1)(D + 1) D + (D + 1) \cdot 10
#
# of them. (A comment in the notebook gives the second network three layers; the figure, and its parameters, say two.)

for layers, width in full_batch.WIDTHS.items():
    number = 41 * width + (layers - 1) * (width + 1) * width + (width + 1) * 10
    library = full_batch.count_parameters((width,) * layers)
    print(f"{NAMES[layers]:12s} of {width:3d} units: {number:,} parameters, the library counts {library:,}")

# %%
# One step, all examples
# ----------------------
# Full-batch gradient descent has nothing to draw after the initial weights. The loss is a mean over all :math:`I = 4{,}000`
# training examples, and so is its gradient. A sum can be taken in pieces: the library sends 500 examples at a time through the
# network, whose activations then stay in the processor's cache,
#
# .. math::
#
#    \boldsymbol\phi_{t+1} = \boldsymbol\phi_t - \alpha \sum_{\text{pieces } \mathcal{P}}
#    \frac{|\mathcal{P}|}{I}\, \frac{\partial L_\mathcal{P}}{\partial \boldsymbol\phi},
#
# with the mean loss :math:`L_\mathcal{P}` of a piece and the learning rate :math:`\alpha = 0.0025`. Here are five such steps.

settings = full_batch.book_settings(4, steps=5)
recipe = full_batch.make_recipe(settings)
pieces = list(zip(data.x_train.reshape(8, 500, 40), data.y_train.reshape(8, 500)))
slope = jax.grad(lambda params, x, y: recipe.loss(recipe.model.apply({"params": params}, x), y))


@jax.jit
def step(params):
    """Add up the gradient over eight pieces of 500 examples, and go against it."""
    slopes = [slope(params, x, y) for x, y in pieces]
    return jax.tree.map(
        lambda p, *parts: p - 0.0025 * sum(500 / 4000 * part for part in parts), params, *slopes
    )


params = mnist1d.draw_variables(jax.random.key(0), data, mnist1d.Settings(hidden=settings.hidden))["params"]
for _ in range(5):
    params = step(params)
library = full_batch.train_network(jax.random.key(0), data, settings).state.variables["params"]
differences = jax.tree.map(lambda a, b: np.abs(np.asarray(a) - np.asarray(b)).max(), params, library)
print(f"largest difference from the library's weights: {max(jax.tree.leaves(differences)):.0e}")

# %%
# The first thousand steps, now
# -----------------------------
# The library runs all steps in one compiled loop, and reads loss and error off the pass that gives the gradient, so they belong
# to the weights *before* each step. As there is no batch order, a million steps need no memory for one. Two threads train two
# networks at a time.

STEPS = 1000
networks = [full_batch.book_settings(layers, steps=STEPS) for layers in NAMES]
curves = full_batch.train_side_by_side(jax.random.key(0), data, networks, progress=False)

# sphinx_gallery_alt = "Training error of four networks over the first thousand steps; all fall smoothly, none is near zero."
fig, ax = plt.subplots()
for layers, measures in zip(NAMES, curves.train):
    ax.plot(measures.error, color=COLOURS[layers], label=NAMES[layers])
ax.set(xlabel="step", ylabel="training error in %", ylim=(0, 100), title="A thousand steps are a beginning")
ax.legend()
plt.show()
for layers, measures in zip(NAMES, curves.train):
    print(f"{NAMES[layers]:12s} error {measures.error[-1]:.1f} %, loss {measures.loss[-1]:.2f} nats")
rises = [int(np.sum(np.diff(measures.loss) > 0)) for measures in curves.train]
print(f"steps on which the loss rose: {rises}")

# %%
# All of them
# -----------
# The book takes 200,000 steps, and 500,000 for the shallowest network. This is that run, recorded once; the print says where and
# for how long. ``UDL_SCALE=book`` makes this page train again from the recording's seed or any other, with a checkpoint every
# 2,000 steps from which a killed run goes on.

full = load_full_scale("full_batch")
recorded = {layers: full["networks"][str(layers)] for layers in NAMES}

# sphinx_gallery_thumbnail_number = 2
# sphinx_gallery_alt = "Training error of four networks over the whole run, on a linear and on a logarithmic axis of steps."
fig, axes = plt.subplots(1, 2, figsize=(9.6, 3.8), sharey=True)
for ax, scale in zip(axes, ("linear", "log")):
    for layers, run in recorded.items():
        ax.plot(np.add(run["at"], 1), run["error"], color=COLOURS[layers], label=NAMES[layers])
    ax.set(xlabel=f"step ({scale} axis)", xscale=scale, ylim=(0, 100))
axes[0].set(ylabel="training error in %")
axes[1].legend()
if os.environ.get("UDL_SCALE") == "book":
    whole = [full_batch.book_settings(layers) for layers in NAMES]
    again = full_batch.train_side_by_side(
        jax.random.key(1), data, whole, directory=cache_directory() / "full_batch"
    )
    for layers, measures in zip(NAMES, again.train):
        axes[1].plot(range(1, len(measures.error) + 1), measures.error, ":", color=COLOURS[layers])
plt.show()
for layers, run in recorded.items():
    zero = "none" if run["first_without_error"] is None else f"{run['first_without_error']:,}"
    print(
        f"{NAMES[layers]:12s} {run['steps']:7,} steps: loss {run['loss'][-1]:.4f}, training error {run['error'][-1]:.2f} %, "
        f"test error {run['test_error']:.1f} %; first step without an error: {zero}"
    )
for name, value in full["provenance"].items():
    print(f"{name}: {value}")

# %%
# How sharp is the valley?
# ------------------------
# Gradient descent is stable while the loss curves less than :math:`2/\alpha` in every direction. The largest curvature is the
# largest eigenvalue of the Hessian :math:`\mathbf{H}`; for 15,000 parameters this matrix has 230 million entries, but a product
# with it is only the derivative of the gradient along a direction, ``jax.jvp`` of ``jax.grad``. Repeated products turn any
# direction towards that of the largest eigenvalue:
#
# .. math:: \mathbf{v} \leftarrow \frac{\mathbf{H}\mathbf{v}}{\lVert\mathbf{H}\mathbf{v}\rVert}, \qquad
#    \lambda \approx \mathbf{v}^T \mathbf{H} \mathbf{v}.

examples, _ = mnist1d.split(data)


@functools.partial(jax.jit, static_argnums=1)
def measure_sharpness(params, recipe):
    """Estimate the curvature at these weights by this page's lines, and by the library."""
    loss = lambda p: recipe.loss(recipe.model.apply({"params": p}, examples.x), examples.y)  # noqa: E731
    flat, unravel = ravel_pytree(params)
    slope = jax.grad(lambda flat: loss(unravel(flat)))
    begin = jax.random.normal(jax.random.key(0), flat.shape)

    def turn(v, _):
        v = v / jnp.linalg.norm(v)
        curved = jax.jvp(slope, (flat,), (v,))[1]
        return curved, v @ curved

    _, estimates = jax.lax.scan(turn, begin, length=30)
    return estimates[-1], curvature.sharpness(loss, params, unravel(begin), iterations=30)


for layers, name in NAMES.items():
    of_layers = full_batch.make_recipe(full_batch.book_settings(layers))
    here, library = measure_sharpness(full_batch.load_trained(layers), of_layers)
    print(f"{name:12s} sharpness at the end {here:6.1f} (library {library:6.1f}), allowed {2 / 0.0025:.0f}")

# %%
# What if steps were longer, and what if there were noise after all?
# -------------------------------------------------------------------
# So the steps are far shorter than they need to be: descent all but follows the smooth curve of *gradient flow*, and how far it
# has come depends on the sum of the rates, :math:`\alpha t`, alone. Two experiments with the deepest network, from the very
# weights of the recording, make that visible. One takes a thousand full-batch steps, twenty times as long as the book's. The
# other takes the book's short steps, but with a batch of 100 examples each: twenty thousand noisy steps, in five hundred passes
# through the data. The noise changes nothing but the price. The longer steps go the same way until the valley gets as sharp as
# they allow, :math:`2/0.05 = 40`; from then on the loss goes up and down.

longer = full_batch.train_network(
    jax.random.key(0), data, full_batch.book_settings(4, steps=STEPS, rate=0.05)
)
noisy = mnist1d.train_network(
    jax.random.key(0),
    data,
    mnist1d.Settings(settings.hidden, rate=0.0025, momentum=0.0, decay=1.0, epochs=500),
)

# sphinx_gallery_alt = "Training loss against the sum of rates: recorded, with longer steps and with noise; the curves coincide."
fig, ax = plt.subplots()
run, until = recorded[4], 0.05 * STEPS
at = 0.0025 * np.array(run["at"])
ax.plot(
    at[at <= until], np.array(run["loss"])[at <= until], lw=5, alpha=0.3, label="the book's: 20,000 passes"
)
ax.plot(0.05 * np.arange(STEPS), longer.history.loss, label="longer steps: 1,000 passes")
ax.plot(0.0025 * 40 * np.arange(1, 501), noisy.history.train.loss, "--", label="noisy steps: 500 passes")
ax.set(
    xlabel=r"sum of the rates, $\alpha t$",
    ylabel="training loss in nats",
    title="The same way, at three prices",
)
ax.legend()
plt.show()
recorded_loss = np.interp(until, at, run["loss"])
print(f"loss at the end: {recorded_loss:.3f} recorded, {longer.history.loss[-1]:.3f} longer, ", end="")
print(f"{noisy.history.train.loss[-1]:.3f} noisy")
there = measure_sharpness(
    longer.state.variables["params"], full_batch.make_recipe(full_batch.book_settings(4))
)[1]
print(f"sharpness where the longer steps end: {there:.0f}, allowed {2 / 0.05:.0f}")
