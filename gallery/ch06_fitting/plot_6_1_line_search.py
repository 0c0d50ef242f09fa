r"""
6.1 Closing in on the lowest point
==================================

How far should one go downhill? Before there are gradients and many parameters, there is this question along a single line: find
the lowest point of a function that can only be asked for its height, one point at a time. Four points and three rules do it.

*In the book: section 6.1, figure 6.10. Notebook 6.1.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt

from udl_jax import plotting
from udl_jax.ch06_fitting import line_search

plotting.use_book_style()

# %%
# A loss with two dips, but one minimum
# -------------------------------------
# The notebook's loss is made of two Gaussian dips, a wide one around 0.65 and a narrow one near 0.35 on its flank. Together they
# have a shoulder, but only one lowest point. Where would you say that it is?

phi = jnp.linspace(0, 1, 500)
loss = line_search.two_dips

fig, ax = plt.subplots(figsize=(5, 3.4))
ax.plot(phi, loss(phi))
ax.set(
    xlabel=r"parameter $\phi$", ylabel=r"loss $L[\phi]$", xlim=(0, 1), ylim=(0, 1), title="The loss to search"
)
plt.show()

# %%
# Three rules
# -----------
# Four points a, b, c, d span the interval, and in each round their heights decide what happens. If a is lower than all others, the
# other three come half as close to it. Otherwise, if b is lower than c, the lowest point cannot be expected beyond c: d moves
# there. And if c is lower than b, a moves to b. The inner points then go to the thirds of what is left. The function ``search``
# runs the rounds in a ``while_loop`` and also returns the trace, an array with the four points of every round.

found = line_search.search(loss)
for number, bracket in enumerate(found.brackets[:-1], 1):
    print(f"round {number:2d}: " + ", ".join(f"{name} = {at:.3f}" for name, at in zip("abcd", bracket)))
print(f"solution {found.minimum:.3f}, loss {loss(found.minimum):.3f}")

# %%
# The same trace as pictures, one for each round. The grey band is the interval that is still searched, the coloured lines are the
# inner points; the lower of the two is the orange one, and its side is the one that survives.

# sphinx_gallery_thumbnail_number = 2
fig, axes = plotting.panels(2, 5, size=1.75)
for number, (ax, bracket) in enumerate(zip(axes.flat, found.brackets), 1):
    a, b, c, d = bracket
    lower, higher = (b, c) if loss(b) < loss(c) else (c, b)
    ax.axvspan(a, d, color="0.88")
    ax.plot(phi, loss(phi), color="0.4", lw=1.2)
    for at, colour in ((lower, plotting.COLOURS[1]), (higher, plotting.COLOURS[0])):
        ax.plot([at, at], [0, loss(at)], color=colour, lw=1.2)
        ax.plot(at, loss(at), "o", color=colour, ms=3)
    ax.set(title=f"round {number}", xlim=(0, 1), ylim=(0, 1))
    ax.set_xticks((0, 0.5, 1), ("0", "0.5", "1"))
fig.supxlabel(r"parameter $\phi$", size="medium")
fig.supylabel(r"loss $L[\phi]$", size="medium")
plt.show()

# %%
# What if it went on?
# -------------------
# Ten rounds are where the notebook stops. Every round keeps two thirds of the interval, so the error should fall by a factor of
# ten in under six rounds, for ever. It does not: around its minimum a loss is flat, and when b and c are so close that their
# heights are the same number, none of the three rules applies. From then on the search stands still.

with jax.enable_x64(True):
    best = jnp.float64(0.38)
    for _ in range(6):
        best -= jax.grad(loss)(best) / jax.grad(jax.grad(loss))(best)
    errors = {}
    for dtype in (jnp.float32, jnp.float64):
        on = line_search.search(loss, end=jnp.ones((), dtype), threshold=0.0, max_iterations=60)
        errors[dtype.__name__] = jnp.abs(on.brackets[:, 1:3].mean(1) - best)

fig, ax = plt.subplots(figsize=(5.5, 3.4))
for name, error in errors.items():
    ax.semilogy(error, "o-", ms=3, label=name)
ax.semilogy((2 / 3.0) ** jnp.arange(61), color="0.7", lw=1, ls="--", label="two thirds a round")
ax.set(
    xlabel="round",
    ylabel="distance from the minimum",
    xlim=(0, 60),
    ylim=(1e-12, 1),
    title="How close it comes",
)
ax.legend()
plt.show()

# %%
# Around a minimum, a step of :math:`\epsilon` aside changes the height by something like :math:`\epsilon^2`. So about half the
# digits are out of reach, in either precision, for anyone who only compares heights. Slopes do not have this limit, which is one
# reason to want gradients.

# %%
# What if there are several minima?
# ---------------------------------
# The rules look at two inner heights and throw away a third of the interval unseen. With ripples added to the loss, where the
# search ends depends on where it begins. Below, 2,000 searches from 0 to ends between 0.2 and 2 run at once under ``vmap``; each
# dot is one of them.


def rippled(phi):
    """Add six ripples to the notebook's loss."""
    return loss(phi) + 0.06 * jnp.cos(40 * phi)


ends = jnp.linspace(0.2, 2, 2000)
stops = jax.vmap(lambda end: line_search.search(rippled, end=end, max_iterations=25).minimum)(ends)
lowest = phi[jnp.argmin(rippled(phi))]
print(f"{100 * jnp.mean(jnp.abs(stops - lowest) < 0.01):.0f} % of the searches end at the lowest point")

fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.4), sharey=True, width_ratios=(1, 1.6))
left.plot(rippled(phi), phi)
left.set(xlabel="loss with ripples", ylabel=r"parameter $\phi$", ylim=(0, 1))
right.axhline(lowest, color=plotting.COLOURS[1], lw=1, label="lowest point")
right.plot(ends, stops, ".", ms=2)
right.set(xlabel="end of the interval", title="Where the search stops")
right.legend(loc="upper right")
plt.show()

# %%
# Most searches find the lowest point, some the dip beside it, and where the interval ends before the deep valley, its end. For the
# job that line search gets on the next page, to choose a good length for one step of many, any of these will do.
