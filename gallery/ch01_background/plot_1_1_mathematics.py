r"""
1.1 Straight lines and two curves
=================================

How much mathematics does deep learning need before it can begin? Less than its reputation says: sums of weighted inputs, written
compactly with matrices, and two curves that undo each other. This page meets them with the tools that every later page uses, arrays
and ``jax.grad``.

*In the book: appendix B.1.3. Notebook 1.1.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt

from udl_jax import plotting
from udl_jax.ch01_background import mathematics

plotting.use_book_style()

# %%
# One input: a line
# -----------------
# A linear function multiplies its input by a slope :math:`\omega` and adds an offset :math:`\beta`. The offset lifts the whole
# line, the slope turns it about the point where it crosses the y axis. The notebook asks for a line that crosses the y axis at 10
# and the x axis at 5: the first number is the offset, and from there the line has to fall by 10 over a run of 5.

x = jnp.arange(0.0, 10.0, 0.01)
beta, omega = mathematics.line_through_intercepts(on_x_axis=5.0, on_y_axis=10.0)

fig, ax = plt.subplots(figsize=(4.8, 4.2))
for offset, slope in ((0.0, 1.0), (3.0, 1.0), (3.0, 0.25), (beta, omega)):
    y = mathematics.linear_function(offset, jnp.array([slope]), x)
    ax.plot(x, y, label=rf"$\beta = {offset:.0f}$, $\omega = {slope:.4g}$")
ax.plot([0, 5], [10, 0], "o", color=plotting.DATA, clip_on=False, zorder=3)
ax.set(xlabel="input $x$", ylabel=r"output $y = \beta + \omega x$", xlim=(0, 10), ylim=(0, 10))
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %%
# Two inputs: a plane, seen from above
# ------------------------------------
# With two inputs there are two slopes, and the function is a tilted plane. Seen from above, points of equal height form parallel
# lines. The notebook wants three predictions: what happens when one slope becomes zero, when the other does, and when the offset
# drops to -5? Make yours before you look. With one slope at zero its input no longer matters, so the lines run parallel to that
# input's axis; the offset changes no line's direction, only the height that it stands for.

x1 = x2 = jnp.arange(0.0, 10.0, 0.1)
settings = {
    r"$\beta = 0,\ \omega = (1, -0.5)$": (0.0, (1.0, -0.5)),
    r"$\omega_1 = 0$": (0.0, (0.0, -0.5)),
    r"$\omega_2 = 0$": (0.0, (1.0, 0.0)),
    r"$\beta = -5$": (-5.0, (1.0, -0.5)),
}

# sphinx_gallery_thumbnail_number = 2
fig, axes = plotting.panels(2, 2, size=2.7)
for ax, (title, (beta, omega)) in zip(axes.flat, settings.items()):
    y = mathematics.linear_function(beta, jnp.array(omega), x1[None, :], x2[:, None])
    plotting.surface(ax, x1, x2, y, lines=jnp.arange(-10, 10), limits=(-10, 10))
    ax.set(title=title, xticks=range(0, 10, 3), yticks=range(0, 10, 3), aspect="equal")
plt.setp(axes[-1], xlabel="input $x_1$")
plt.setp(axes[:, 0], ylabel="input $x_2$")
fig.colorbar(axes[0, 0].collections[0], ax=axes, label="output $y$", shrink=0.8)
plt.show()

# %%
# Three inputs: can one still see it?
# -----------------------------------
# A function of three inputs has a value at every point of space, one dimension more than a picture has room for. But the trick of
# the contour lines still works, one dimension up: the points of equal value now form parallel planes. At the origin every
# weighted input vanishes, so the value there is the offset, here 0.5.

beta, omega = jnp.array([0.5, 0.2]), jnp.array([[-1.0, 0.4, -0.3], [0.1, 0.1, 1.2]])
origin = mathematics.linear_function(beta[0], omega[0], *jnp.zeros(3))
print(f"value at (0, 0, 0): {origin:.1f}")

side_2, side_3 = jnp.meshgrid(jnp.linspace(-5, 5, 2), jnp.linspace(-5, 5, 2))
fig, ax = plt.subplots(figsize=(5, 4), subplot_kw={"projection": "3d"})
for level in (-4.0, 0.0, 4.0):
    side_1 = (level - mathematics.linear_function(beta[0], omega[0, 1:], side_2, side_3)) / omega[0, 0]
    colour = plotting.COLORMAP(0.5 + level / 12)
    ax.plot_surface(
        side_1, side_2, side_3, color=colour, alpha=0.8, shade=False, label=f"$y_1 = {level:.0f}$"
    )
ticks = {"xticks": (-8, -4, 0, 4, 8), "yticks": (-4, 0, 4), "zticks": (-4, 0, 4)}
ax.set(xlabel="input $x_1$", ylabel="input $x_2$", zlabel="input $x_3$", **ticks)
ax.set_box_aspect(None, zoom=0.85)
ax.legend(loc="upper left")
plt.show()

# %%
# Many functions at once: a matrix
# --------------------------------
# Two functions of the same three inputs need two offsets and six slopes. A vector :math:`\boldsymbol\beta` and a matrix
# :math:`\boldsymbol\Omega` with a row for each function keep them in order, and :math:`\boldsymbol\beta +
# \boldsymbol\Omega\mathbf{x}` computes both. Every fully connected layer in this book is that expression with a bend after it.
# The notebook goes on to ask for three functions of two inputs: the matrix then has three rows and two columns, and nothing else
# changes.


def both_ways(beta, omega, x):
    """Compute each equation by itself, then all in matrix form."""
    one_by_one = [mathematics.linear_function(b, row, *x) for b, row in zip(beta, omega)]
    print("one by one:", *(f"{y:7.3f}" for y in one_by_one))
    print("as matrix: ", *(f"{y:7.3f}" for y in mathematics.linear_equations(beta, omega, x)))


both_ways(beta, omega, jnp.array([4.0, -1.0, 2.0]))
both_ways(jnp.array([1.0, 0.0, -2.0]), jnp.array([[0.5, -1], [2, 0.3], [-0.7, 1]]), jnp.array([3.0, 2.0]))

# %%
# Two curves, one the mirror image of the other
# ---------------------------------------------
# The exponential takes any number and returns a positive one; the logarithm takes it back. Exchanging input and output mirrors a
# curve in the diagonal, as the right panel shows where both fit. On the left the exponential has room to grow: beyond 4.6 it
# leaves the frame.

fig, axes = plt.subplots(1, 3, figsize=(9.6, 3.3))
wide, positive = jnp.arange(-5.0, 5.0, 0.01), jnp.arange(0.01, 5.0, 0.01)
axes[0].plot(wide, jnp.exp(wide), color=plotting.COLOURS[1])
axes[0].set(xlim=(-5, 5), ylim=(0, 100), xlabel="$x$", ylabel=r"$\exp[x]$", title="Exponential")
axes[1].plot(positive, jnp.log(positive), color=plotting.COLOURS[0])
axes[1].set(xlim=(0, 5), ylim=(-5, 5), xlabel="$x$", ylabel=r"$\log[x]$", title="Logarithm")
axes[2].axline((0, 0), slope=1, color="0.75", ls="--")
axes[2].plot(wide, jnp.exp(wide), color=plotting.COLOURS[1], label=r"$\exp[x]$")
axes[2].plot(positive, jnp.log(positive), color=plotting.COLOURS[0], label=r"$\log[x]$")
axes[2].set(
    xlim=(-4, 4), ylim=(-4, 4), xlabel="$x$", ylabel="$y$", aspect="equal", title="Each undoes the other"
)
axes[2].legend(loc="upper left")
plt.show()

# %%
# The notebook's questions, asked of the machine
# ----------------------------------------------
# Floating-point numbers include the two infinities, so even the limits are ordinary function values. The logarithm of a negative
# number is no real number, and NaN says so; among the complex numbers it exists, with :math:`\pi` as its imaginary part.

answers = {
    "exp[0]": jnp.exp(0.0),
    "exp[1]": jnp.exp(1.0),
    "exp[-inf]": jnp.exp(-jnp.inf),
    "exp[+inf]": jnp.exp(jnp.inf),
    "log[0]": jnp.log(0.0),
    "log[1]": jnp.log(1.0),
    "log[e]": jnp.log(jnp.e),
    "log[exp[3]]": jnp.log(jnp.exp(3.0)),
    "exp[log[4]]": jnp.exp(jnp.log(4.0)),
    "log[-1]": jnp.log(-1.0),
    "log[-1], complex": jnp.log(-1 + 0j),
}
for question, answer in answers.items():
    print(f"{question:>16} = {answer:.4f}")

# %%
# Which way do they bend?
# -----------------------
# A function is convex where no chord dips below it. A chord can be measured directly, as ``chord_gap`` does. For a smooth
# function the second derivative decides as well: never negative means convex. ``jax.grad`` gives a function back, so applying it
# twice is all that takes. The exponential is its own second derivative and therefore convex; the logarithm has :math:`-1/x^2` and
# is concave; a straight line, which does not bend, is both.

fig, ax = plt.subplots(figsize=(4.8, 3.4))
ax.axhline(0, color="0.75")
ax.plot(wide, mathematics.second_derivative(jnp.exp, wide), color=plotting.COLOURS[1], label=r"of $\exp[x]$")
ax.plot(
    positive,
    mathematics.second_derivative(jnp.log, positive),
    color=plotting.COLOURS[0],
    label=r"of $\log[x]$",
)
ax.set(xlim=(-5, 5), ylim=(-10, 10), xlabel="$x$", ylabel="second derivative")
ax.legend(loc="upper left")
plt.show()

functions = {
    "exp": jnp.exp,
    "log": jnp.log,
    "line": lambda x: mathematics.linear_function(1.0, jnp.array([-2.0]), x),
}
a, b, t = jax.random.uniform(jax.random.key(0), (3, 1000))
for name, f in functions.items():
    gap = mathematics.chord_gap(f, a + 0.1, b + 0.1, t)
    convex, concave = (
        mathematics.is_convex(f, positive),
        mathematics.is_convex(lambda x, f=f: -f(x), positive),
    )
    print(
        f"{name:>4}: convex {convex!s:5}  concave {concave!s:5}  1000 chords from {gap.min():+.3f} to {gap.max():+.3f}"
    )
