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
import numpy as np

from udl_jax import plotting
from udl_jax.ch06_fitting import line_search

plotting.use_book_style()

# %%
# A loss with two dips, but one minimum
# -------------------------------------
# The notebook's loss is made of two Gaussian dips, a wide one around 0.65 and a narrow one near 0.35 on its flank. Together they
# have a shoulder, but only one lowest point. Where would you say that it is?

phi = np.linspace(0, 1, 501)
loss = jax.jit(line_search.two_dips)

# sphinx_gallery_alt = "A curve that falls from 1 to its minimum near 0.38, rises to a shoulder at 0.6, and rises on."
fig, ax = plt.subplots(figsize=(5, 3.4))
ax.plot(phi, loss(phi))
ax.set(
    xlabel=r"parameter $\phi$", ylabel=r"loss $L[\phi]$", xlim=(0, 1), ylim=(0, 1), title="The loss to search"
)
plt.show()

# %%
# Three rules
# -----------
# Four points :math:`a<b<c<d` span the interval, and in each round their heights decide what happens. The book draws the rules in
# its figure 6.10 and gives them no equation; written as one they are
#
# .. math::
#    (a,b,c,d) \leftarrow \begin{cases}
#    \bigl(a,\ a+\tfrac{b-a}{2},\ a+\tfrac{c-a}{2},\ a+\tfrac{d-a}{2}\bigr) & \text{if } L[a]<\min\bigl[L[b],L[c],L[d]\bigr],\\
#    \bigl(a,\ a+\tfrac{c-a}{3},\ a+\tfrac{2(c-a)}{3},\ c\bigr) & \text{else if } L[b]<L[c],\\
#    \bigl(b,\ b+\tfrac{d-b}{3},\ b+\tfrac{2(d-b)}{3},\ d\bigr) & \text{else if } L[c]<L[b].
#    \end{cases}
#
# If :math:`a` is lower than all others, they move to half their distance from it. Otherwise, if :math:`b` is lower than
# :math:`c`, the lowest point is not expected beyond :math:`c`, and :math:`d` moves there; and if :math:`c` is lower, :math:`a`
# moves to :math:`b`. The inner points then go to the thirds of what is left.


def narrow(points):
    """Play one round; also return the number of the rule."""
    a, b, c, d = points
    height = np.asarray(loss(points))
    if height[0] < height[1:].min():
        return a + (points - a) / 2, 1
    if height[1] < height[2]:
        return np.array([a, a + (c - a) / 3, a + 2 * (c - a) / 3, c]), 2
    if height[2] < height[1]:
        return np.array([b, b + (d - b) / 3, b + 2 * (d - b) / 3, d]), 3
    return points, None


rounds, rules = [np.array([0.0, 0.33, 0.66, 1.0])], []
for number in range(10):
    print(
        f"round {number + 1:2d}: " + ", ".join(f"{name} = {at:.3f}" for name, at in zip("abcd", rounds[-1]))
    )
    points, rule = narrow(rounds[-1])
    rounds, rules = [*rounds, points], [*rules, rule]

found = line_search.search(loss)
print(
    f"solution {rounds[-1][1:3].mean():.3f}, the library's {found.minimum:.3f}, loss there {loss(found.minimum):.3f}"
)
print(f"largest difference from the library's trace: {abs(np.array(rounds) - found.brackets).max():.0e}")

# %%
# The library's ``search`` runs the rounds in a ``while_loop``, so that it can stand inside other compiled programs, and also
# returns the trace, an array with the four points of every round. Here it is as pictures: five rounds on the whole loss, then
# five zoomed in on what is left. The grey band is the interval that is still searched. The lower of the two inner points is
# orange, and its side is the one that survives.

# sphinx_gallery_thumbnail_number = 2
# sphinx_gallery_alt = "Ten rounds with four points each: a grey band closes in on the minimum; the last five rounds are enlarged."
fig, axes = plt.subplots(2, 5, figsize=(10.5, 4.6))
for number, (ax, points, rule) in enumerate(zip(axes.flat, np.asarray(found.brackets), rules), 1):
    heights = np.asarray(loss(points))
    lower = 1 if heights[1] < heights[2] else 2
    ends = (0, 1) if number <= 5 else points[[0, 3]] + np.array([-0.15, 0.15]) * (points[3] - points[0])
    near = np.linspace(*ends, 501)
    ax.axvspan(points[0], points[3], color="0.88")
    ax.plot(near, loss(near), color="0.4", lw=1.2)
    ax.plot(points, heights, "o", color=plotting.COLOURS[0], ms=4)
    ax.plot(points[lower], heights[lower], "o", color=plotting.COLOURS[1], ms=5)
    for name, at, height in zip("abcd", points, heights):
        ax.annotate(name, (at, height), (0, 5), textcoords="offset points", ha="center", fontsize=9)
    ax.set(title=f"round {number}: rule {rule}", xlim=ends)
    ax.margins(y=0.25)
    ax.locator_params(nbins=3)
fig.supxlabel(r"parameter $\phi$", size="medium")
fig.supylabel(r"loss $L[\phi]$", size="medium")
plt.show()

# %%
# What if it went on?
# -------------------
# Ten rounds are where the notebook stops. Rules 2 and 3 keep two thirds of the interval, so its width should fall by a factor of
# ten in under six rounds, for ever. It does not: around its minimum a loss is flat, and when b and c are so close that their
# heights are the same number, none of the three rules applies, and the search stands still. The thin lines are the distance of
# the answer from the true minimum, which is found with slopes: ``jax.grad`` twice, and a few Newton steps, each of which divides
# the slope by the curvature.


def newton(at, _):
    """Take one Newton step towards a place where the slope is zero."""
    return at - jax.grad(loss)(at) / jax.grad(jax.grad(loss))(at), None


# sphinx_gallery_alt = "The width of the bracket falls to 1e-4 in float32 and 1e-8 in float64, and then stays."
fig, ax = plt.subplots(figsize=(5.5, 3.4))
with jax.enable_x64(True):
    best = jax.lax.scan(newton, np.float64(0.38), length=6)[0]
    for dtype, colour in zip(("float32", "float64"), plotting.COLOURS):
        on = line_search.search(loss, end=np.ones((), dtype), threshold=0.0, max_iterations=60)
        a, b, c, d = np.asarray(on.brackets, "float64").T
        ax.semilogy(d - a, "o-", color=colour, ms=3, label=f"{dtype}: width")
        ax.semilogy(abs((b + c) / 2 - best), color=colour, lw=0.7, label=f"{dtype}: error")
        digits = np.finfo(dtype).eps ** 0.5
        print(f"{dtype}: width at the end {d[-1] - a[-1]:.0e}, root of the rounding unit {digits:.0e}")
ax.set(xlabel="round", ylabel="width and error", xlim=(0, 60), ylim=(1e-12, 2), title="How close it comes")
ax.legend()
plt.show()

# %%
# Around a minimum, a step of :math:`\epsilon` aside changes the height by something like :math:`\epsilon^2`. So about half the
# digits are out of reach, in either precision, for anyone who only compares heights; if the answer is better than the bracket is
# wide, that is luck. Slopes do not have this limit, which is one reason to want gradients.
#
# What if there are several minima?
# ---------------------------------
# The rules look at two inner heights and throw away a third of the interval unseen. With ripples added to the loss, where the
# search ends depends on where it begins. Below, 2,000 searches from 0 to ends between 0.2 and 2 run at once under ``vmap``; each
# dot is one of them.


def rippled(phi):
    """Add ripples to the notebook's loss."""
    return loss(phi) + 0.06 * jnp.cos(40 * phi)


ends = np.linspace(0.2, 2, 2000, dtype="float32")
search = jax.jit(jax.vmap(lambda end: line_search.search(rippled, end=end, max_iterations=25).minimum))
stops, ripples = np.asarray(search(ends)), np.asarray(jax.jit(rippled)(phi))
lowest = phi[ripples.argmin()]
at = {
    "the lowest point": abs(stops - lowest) < 0.01,
    "the dip beside it": stops > 0.5,
    "the dip near 0.1": stops < 0.15,
}
at["the interval's end"] = ~np.logical_or.reduce(list(at.values())) & (abs(stops - ends) < 0.01)
for name, here in at.items():
    print(f"{100 * here.mean():4.1f} % of the searches stop at {name}")

# sphinx_gallery_alt = "Left, the rippled loss turned on its side; right, where searches stop: mostly the lowest point, with gaps."
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.4), sharey=True, width_ratios=(1, 1.6))
left.plot(ripples, phi)
left.set(xlabel="loss with ripples", ylabel=r"parameter $\phi$", ylim=(0, 1))
right.axhline(lowest, color=plotting.COLOURS[1], lw=1, label="lowest point")
right.plot(ends, stops, ".", ms=2)
right.set(xlabel="end of the interval", title="Where the search stops")
right.legend(loc="upper right")
plt.show()

# %%
# The shortest intervals hold only the first, shallow dip, and the search stops there. Somewhat longer ones end on the slope of
# the deep valley, and the search goes to their end. Of those that hold the whole valley, most lead to its lowest point and some
# to the dip beside it. On the next page line search gets an easier job: the loss along one step, which is a parabola.
