r"""
7.1 Every derivative for the price of two passes
================================================

A model is a chain of simple functions, and each function's derivative is known from school. How do eight derivatives of the whole
chain come out of that, without eight long formulas? The toy model of this page has one input, one output and a sine, an
exponential and a cosine in between: small enough to watch every single number go forward and come back.

*In the book: section 7.3, figures 7.3 to 7.5. Notebook 7.1.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt

from udl_jax import plotting
from udl_jax.ch07_gradients import finite_differences as fd
from udl_jax.ch07_gradients import toy_backpropagation as toy

plotting.use_book_style()

# %%
# The long way
# ------------
# The model is :math:`\beta_3+\omega_3\cos[\beta_2+\omega_2\exp[\beta_1+\omega_1\sin[\beta_0+\omega_0 x]]]`, the loss its
# squared distance from a target. At the notebook's parameters the loss is 0.139. The derivative by :math:`\omega_0` alone can
# be written as a single formula, but the formula computes the inner sine and exponential again and again. JAX can show how
# often: ``make_jaxpr`` lists the operations of a function.

phi = toy.Parameters(beta=jnp.array([1.0, 2.0, -3.0, 0.4]), omega=jnp.array([0.1, -0.4, 2.0, 3.0]))
x, y = 2.3, 2.0
print(f"loss: {toy.least_squares_loss(phi, x, y):.3f}")
for what, function in {
    "one, by formula": toy.dl_domega_0_in_full,
    "all, by hand": toy.derivatives_by_hand,
}.items():
    operations = str(jax.make_jaxpr(function)(phi, x, y)).split()
    counts = {name: operations.count(name) for name in ("sin", "cos", "exp")}
    print(f"{what:16} {counts}")

# %%
# There and back
# --------------
# The forward pass computes the model one operation at a time and keeps every value. The backward pass starts from the loss,
# whose derivative by the output :math:`f_3` is :math:`2(f_3-y)`, and multiplies at each step by the derivative of one
# operation. Above the chain stand the values, below it the derivatives of the loss with respect to them: figures 7.3 and 7.4 of
# the book with their numbers.

forward = toy.forward_pass(phi, x, y)
backward = toy.backward_pass(phi, forward, y)

names = ["$x$", "$f_0$", "$h_1$", "$f_1$", "$h_2$", "$f_2$", "$h_3$", "$f_3$", r"$\ell$"]
linear = [rf"$\beta_{k},\omega_{k}$" for k in range(4)]
steps = [step for pair in zip(linear, ("sin", "exp", "cos", "loss")) for step in pair]
values = [*jnp.stack([forward.h, forward.f], axis=1).ravel(), forward.loss]
derivatives = [*jnp.stack([backward.dl_dh, backward.dl_df], axis=1).ravel(), 1.0]

fig, ax = plt.subplots(figsize=(9, 2.4))
for place, (name, value, derivative) in enumerate(zip(names, values, derivatives)):
    ax.text(
        place, 0, name, ha="center", va="center", bbox={"boxstyle": "circle,pad=0.35", "fc": "w", "ec": "0.6"}
    )
    ax.text(place, 0.9, f"{value:.2f}", ha="center", color=plotting.TEST)
    ax.text(place, -1.1, f"{derivative:.2f}", ha="center", color=plotting.TRAIN)
for place, step in enumerate(steps):
    for height, start, end, colour in ((0.25, 0.3, 0.7, plotting.TEST), (-0.25, 0.7, 0.3, plotting.TRAIN)):
        arrow = {"arrowstyle": "->", "color": colour}
        ax.annotate("", (place + end, height), (place + start, height), arrowprops=arrow)
    ax.text(place + 0.5, 0.45, step, ha="center", fontsize="small", color="0.4")
ax.set(xlim=(-1.5, 8.5), ylim=(-1.6, 1.5))
ax.text(-0.6, 0.9, "value", ha="right", color=plotting.TEST)
ax.text(-0.6, -1.1, r"$\partial\ell/\partial\cdot$", ha="right", color=plotting.TRAIN)
ax.axis("off")
plt.show()

# %%
# Eight slopes
# ------------
# The parameters hang on the chain: :math:`\beta_k` has the derivative of :math:`f_k`, and :math:`\omega_k` that times what it
# multiplies, :math:`h_k`. Each panel turns one parameter and leaves the others, with ``vmap`` over two hundred positions. The
# straight line is drawn from the backward pass alone and must touch the curve where the parameter stands now.


def turn(k, offset):
    """Move one of the eight parameters; the first four are the offsets."""
    moved = jnp.concatenate(phi).at[k].add(offset)
    return toy.least_squares_loss(toy.Parameters(moved[:4], moved[4:]), x, y)


# sphinx_gallery_thumbnail_number = 2
fig, axes = plotting.panels(2, 4, size=2.1, sharex=False)
offsets = jnp.linspace(-0.3, 0.3, 200)
slopes = jnp.concatenate([backward.dl_dbeta, backward.dl_domega])
for k, (ax, now, slope) in enumerate(zip(axes.ravel(), jnp.concatenate(phi), slopes)):
    name = rf"$\{'beta' if k < 4 else 'omega'}_{k % 4}$"
    ax.plot(now + offsets, jax.vmap(turn, (None, 0))(k, offsets), color=plotting.TEST)
    ax.plot(now + offsets, forward.loss + slope * offsets, color=plotting.TRAIN, lw=1.2)
    ax.plot(now, forward.loss, "o", color=plotting.DATA, ms=4)
    ax.set(xlabel=name, ylim=(-0.3, 2), title=f"slope {slope:.2f}")
axes[0, 0].set(ylabel=r"loss $\ell$")
axes[1, 0].set(ylabel=r"loss $\ell$")
plt.show()

# %%
# What ``jax.grad`` does
# ----------------------
# The same two passes. ``jax.grad`` notes the operations on the way forward and runs their derivatives on the way back, so it
# agrees with the hand to the last digit. It differentiates with respect to arguments only; the values on the way become
# arguments by adding a perturbation of zero to each, which is how all sixteen numbers could be compared here.

automatic = toy.automatic_derivatives(phi, x, y)
apart = [abs(ours / theirs - 1).max() for ours, theirs in zip(backward, automatic)]
print(f"largest relative difference between hand and jax.grad: {max(apart):.1e}")

# %%
# How good is a finite difference?
# --------------------------------
# The notebook checks itself by moving :math:`\omega_0` by 0.00001 and looking at the change of the loss. In double precision
# that gives four good digits. In single precision, in which networks are trained, it gives one or two: of so small a change,
# rounding leaves little. Steps to both sides do better, as the curvature cancels, but no step comes near the backward pass.


def estimate(delta, phi, central):
    """Estimate the derivative by the first slope."""
    return fd.finite_differences(
        lambda p: toy.least_squares_loss(p, x, y), phi, delta, central=central
    ).omega[0]


fig, ax = plt.subplots(figsize=(6, 4))
for colour, precision in zip(plotting.COLOURS, ("float64", "float32")):
    for line, sides in (("-", "one side"), ("--", "both sides")):
        with jax.enable_x64(True):
            deltas = jnp.logspace(-13, -0.5, 120, dtype=precision)
            here = toy.Parameters(*(values.astype(precision) for values in phi))
            found = jax.vmap(estimate, (0, None, None))(deltas, here, sides == "both sides")
            exact = toy.derivatives_by_hand(toy.Parameters(*(v.astype("float64") for v in phi)), x, y)
            error = abs(found / exact.dl_domega[0] - 1)
        ax.loglog(deltas, error, line, color=colour, lw=1.2, label=f"{precision}, {sides}")
ax.axvline(1e-5, color="0.7", lw=1, zorder=0)
ax.text(1.3e-5, 3e-13, "the notebook's step", color="0.5")
ax.set(xlabel=r"step $\delta$", ylabel=r"relative error of $\partial\ell/\partial\omega_0$", ylim=(1e-13, 10))
ax.set(title="Too far, or too close")
ax.legend(loc="lower left", fontsize="small")
plt.show()

# %%
# What if one link were zero?
# ---------------------------
# Every derivative is a product along the chain. With :math:`\omega_2 = 0` nothing that happens before :math:`f_2` can reach the
# loss any more, and all four derivatives behind that link vanish, although :math:`\omega_2` itself still has one. Where the
# target is met exactly, the first factor is zero and so is everything.

cut = phi._replace(omega=phi.omega.at[2].set(0.0))
for name, derivative in toy.derivatives_by_hand(cut, x, y)._asdict().items():
    print(f"omega_2 = 0, {name:9}", [f"{d:.3f}" for d in derivative + 0.0])
met = toy.model(phi, x)
print("target met,  dl_dbeta ", [f"{d:.3f}" for d in toy.derivatives_by_hand(phi, x, met).dl_dbeta + 0.0])
