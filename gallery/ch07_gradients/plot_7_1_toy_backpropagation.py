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
import numpy as np

from udl_jax import plotting
from udl_jax.ch07_gradients import finite_differences as fd
from udl_jax.ch07_gradients import toy_backpropagation as toy

plotting.use_book_style()

# %%
# The long way
# ------------
# The model (equation 7.5) and its loss (7.6) are
#
# .. math::
#    \text{f}[x,\phi] = \beta_3+\omega_3\cos\bigl[\beta_2+\omega_2\exp[\beta_1+\omega_1\sin[\beta_0+\omega_0 x]]\bigr],
#    \qquad \ell = (\text{f}[x,\phi]-y)^2.
#
# At the notebook's parameters the loss is 0.139. The derivative with respect to :math:`\omega_0` can be written as a single
# formula, but the formula computes the inner sine and exponential again and again. JAX can show how often: ``make_jaxpr`` lists
# the operations that a function consists of. For all eight derivatives by hand, the way of this page, it lists fewer sines and
# exponentials than the formula takes for one.

phi = toy.Parameters(beta=jnp.array([1.0, 2.0, -3.0, 0.4]), omega=jnp.array([0.1, -0.4, 2.0, 3.0]))
x, y = 2.3, 2.0
print(f"loss: {toy.least_squares_loss(phi, x, y):.3f}")
ways = {"one, by formula": toy.dl_domega_0_in_full, "all, by hand": toy.derivatives_by_hand}
for what, function in ways.items():
    operations = str(jax.make_jaxpr(function)(phi, x, y)).split()
    print(f"{what:16}", {name: operations.count(name) for name in ("sin", "cos", "exp")})

# %%
# There and back
# --------------
# The forward pass computes the model one operation at a time and keeps every value (equation 7.8): with :math:`h_0=x`,
#
# .. math:: f_k = \beta_k+\omega_k h_k, \qquad h_1=\sin[f_0],\quad h_2=\exp[f_1],\quad h_3=\cos[f_2], \qquad \ell=(f_3-y)^2.
#
# The backward pass starts from the loss and multiplies, at each step, what it has already by the derivative of one operation
# (equations 7.9 to 7.12):
#
# .. math::
#    \frac{\partial\ell}{\partial f_3} = 2(f_3-y), \qquad
#    \frac{\partial\ell}{\partial h_k} = \omega_k\,\frac{\partial\ell}{\partial f_k}, \qquad
#    \frac{\partial\ell}{\partial f_{k-1}} = \frac{\partial h_k}{\partial f_{k-1}}\,\frac{\partial\ell}{\partial h_k}.
#
# The parameters hang on the chain (equations 7.13 and 7.14):
#
# .. math::
#    \frac{\partial\ell}{\partial\beta_k} = \frac{\partial\ell}{\partial f_k}, \qquad
#    \frac{\partial\ell}{\partial\omega_k} = h_k\,\frac{\partial\ell}{\partial f_k}.

beta, omega = (np.asarray(values, float) for values in phi)
h, f, dl_dh, dl_df = np.zeros((4, 4))
h[0] = x
f[0] = beta[0] + omega[0] * h[0]
h[1] = np.sin(f[0])
f[1] = beta[1] + omega[1] * h[1]
h[2] = np.exp(f[1])
f[2] = beta[2] + omega[2] * h[2]
h[3] = np.cos(f[2])
f[3] = beta[3] + omega[3] * h[3]

local = [np.cos(f[0]), np.exp(f[1]), -np.sin(f[2]), 2 * (f[3] - y)]
dl_df[3] = local[3]
for k in (3, 2, 1):
    dl_dh[k] = omega[k] * dl_df[k]
    dl_df[k - 1] = local[k - 1] * dl_dh[k]
dl_dh[0] = omega[0] * dl_df[0]
dl_dbeta, dl_domega = dl_df, h * dl_df

backward = jax.jit(toy.derivatives_by_hand)(phi, x, y)
off = [abs(ours / theirs - 1).max() for ours, theirs in zip((dl_df, dl_dh, dl_dbeta, dl_domega), backward)]
print(f"largest relative difference from the library: {max(off):.0e}")

# %%
# Figures 7.3 and 7.4 of the book with their numbers: above the chain stand the values, below it the derivatives of the loss with
# respect to them. Under each arrow is the derivative of that one operation. Multiply the orange number to its right by it, and
# you have the one to its left.

names = ["$x$", "$f_0$", "$h_1$", "$f_1$", "$h_2$", "$f_2$", "$h_3$", "$f_3$", r"$\ell$"]
linear = [rf"$\beta_{k},\omega_{k}$" for k in range(4)], [rf"$\omega_{k}$" for k in range(4)]
steps = np.stack([linear[0], ["sin", "exp", "cos", "square"]], axis=1).ravel()
local_names = [r"$\cos f_0$", r"$\exp f_1$", r"$-\sin f_2$", "$2(f_3-y)$"]
symbols = np.stack([linear[1], local_names], axis=1).ravel()
values = [*np.stack([h, f], axis=1).ravel(), (f[3] - y) ** 2]
derivatives = [*np.stack([dl_dh, dl_df], axis=1).ravel(), 1.0]
factors = np.stack([omega, local], axis=1).ravel()

# sphinx_gallery_alt = "The chain from input to loss: values above each node, derivatives below, and a factor under each arrow."
fig, ax = plt.subplots(figsize=(10, 2.9))
for place, (name, value, derivative) in enumerate(zip(names, values, derivatives)):
    ax.text(
        place, 0, name, ha="center", va="center", bbox={"boxstyle": "circle,pad=0.35", "fc": "w", "ec": "0.6"}
    )
    ax.text(place, 0.9, f"{value:.2f}", ha="center", color=plotting.TEST)
    ax.text(place, -1.9, f"{derivative:.2f}", ha="center", color=plotting.TRAIN)
for place, (step, symbol, factor) in enumerate(zip(steps, symbols, factors)):
    for height, start, end, colour in ((0.25, 0.3, 0.7, plotting.TEST), (-0.25, 0.7, 0.3, plotting.TRAIN)):
        arrow = {"arrowstyle": "->", "color": colour}
        ax.annotate("", (place + end, height), (place + start, height), arrowprops=arrow)
    ax.text(place + 0.5, 0.45, step, ha="center", fontsize="small", color="0.4")
    ax.text(place + 0.5, -0.75, symbol, ha="center", fontsize="small", color="0.4")
    ax.text(
        place + 0.5, -1.15, rf"$\times$ {factor:.2f}", ha="center", fontsize="small", color=plotting.TRAIN
    )
ax.set(xlim=(-1.5, 8.5), ylim=(-2.3, 1.5))
ax.text(-0.6, 0.9, "value", ha="right", color=plotting.TEST)
ax.text(-0.6, -1.9, r"$\partial\ell/\partial\cdot$", ha="right", color=plotting.TRAIN)
ax.axis("off")
plt.show()

# %%
# Eight slopes
# ------------
# Each panel turns one parameter and leaves the others, with ``vmap`` over two hundred positions. The straight line is drawn from
# the backward pass alone and must touch the curve where the parameter stands now.

offsets = np.linspace(-0.3, 0.3, 200, dtype="float32")
now = np.concatenate(phi)
moved = now + np.eye(8, dtype=now.dtype)[:, None] * offsets[:, None]
turn = jax.vmap(lambda values: toy.least_squares_loss(toy.Parameters(values[:4], values[4:]), x, y))
curves = jax.jit(jax.vmap(turn))(moved)

# sphinx_gallery_thumbnail_number = 2
# sphinx_gallery_alt = "Eight curves of the loss, one for each parameter, and the straight lines that touch them."
fig, axes = plotting.panels(2, 4, size=2.1, sharex=False)
for k, (ax, curve, slope) in enumerate(zip(axes.ravel(), curves, (*dl_dbeta, *dl_domega))):
    ax.plot(now[k] + offsets, curve, color=plotting.TEST)
    ax.plot(now[k] + offsets, values[-1] + slope * offsets, color=plotting.TRAIN, lw=1.2)
    ax.plot(now[k], values[-1], "o", color=plotting.DATA, ms=4)
    ax.set(xlabel=rf"$\{'beta' if k < 4 else 'omega'}_{k % 4}$", ylim=(-0.3, 2), title=f"slope {slope:.2f}")
for ax in axes[:, 0]:
    ax.set(ylabel=r"loss $\ell$")
plt.show()

# %%
# What ``jax.grad`` does
# ----------------------
# The same two passes. ``jax.grad`` notes the operations on the way forward and runs their derivatives on the way back. It
# differentiates with respect to arguments only; the values on the way become arguments by adding a perturbation of zero to each,
# which is how all sixteen numbers can be compared here.

automatic = jax.jit(toy.automatic_derivatives)(phi, x, y)
apart = [np.max(abs(np.asarray(ours) / np.asarray(theirs) - 1)) for ours, theirs in zip(backward, automatic)]
print(f"largest relative difference between hand and jax.grad: {max(apart):.1e}")

# %%
# How good is a finite difference?
# --------------------------------
# The notebook checks itself by moving :math:`\omega_0` by 0.00001 and looking at the change of the loss. How many digits does
# that give? In single precision, in which networks are trained, few: of such a small change, rounding leaves little. Steps to
# both sides do better, as the curvature cancels, but no step comes near the backward pass.


def errors(deltas, phi, exact, central):
    """Compute relative errors of estimates of the derivative with respect to the first slope."""

    def estimate(delta):
        return fd.finite_differences(lambda p: toy.least_squares_loss(p, x, y), phi, delta, central=central)

    return abs(jax.vmap(estimate)(deltas).omega[:, 0] / exact - 1)


# sphinx_gallery_alt = "Error over the step, for two precisions and one or both sides: each curve falls and rises again."
fig, ax = plt.subplots(figsize=(6, 4))
with jax.enable_x64(True):
    for colour, precision in zip(plotting.COLOURS, ("float64", "float32")):
        here = toy.Parameters(*(np.asarray(v, precision) for v in (beta, omega)))
        for line, sides in (("-", "one side"), ("--", "both sides")):
            deltas = np.append(np.logspace(-13, -0.5, 120), 1e-5).astype(precision)
            error = np.asarray(
                jax.jit(errors, static_argnums=3)(deltas, here, dl_domega[0], sides == "both sides")
            )
            ax.loglog(deltas[:-1], error[:-1], line, color=colour, lw=1.2, label=f"{precision}, {sides}")
            print(f"{precision}, {sides:10}: relative error {error[-1]:.0e} at the notebook's step")
ax.axvline(1e-5, color="0.7", lw=1, zorder=0)
ax.text(1.3e-5, 3e-13, "the notebook's step", color="0.5")
ax.set(xlabel=r"step $\delta$", ylabel=r"relative error of $\partial\ell/\partial\omega_0$", ylim=(1e-13, 10))
ax.legend(loc="lower left", fontsize="small")
plt.show()

# %%
# What if one link were zero?
# ---------------------------
# Every derivative is a product along the chain. With :math:`\omega_2 = 0` nothing that happens before :math:`f_2` can reach the
# loss any more, and all four derivatives behind that link vanish, although :math:`\omega_2` itself still has one. Where the
# target is met exactly, the first factor is zero and so is everything.

by_hand = jax.jit(toy.derivatives_by_hand)
cut = by_hand(phi._replace(omega=phi.omega.at[2].set(0.0)), x, y)
met = by_hand(phi, x, toy.model(phi, x))
found = {"omega_2 = 0, dl_dbeta ": cut.dl_dbeta, "omega_2 = 0, dl_domega": cut.dl_domega}
for name, derivatives in (found | {"target met,  dl_dbeta ": met.dl_dbeta}).items():
    print(name, [f"{derivative:.3f}" for derivative in np.asarray(derivatives) + 0.0])
