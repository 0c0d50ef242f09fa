r"""
1.1 Straight lines and two curves
=================================

How much mathematics does one need before deep learning can begin? The notebook asks for three things: weighted sums of inputs, the
matrices that keep many such sums in order, and two curves that undo each other. This page meets them with the tools that every
later page uses, arrays and ``jax.grad``.

*In the book: appendix B.1.2 on convexity, B.1.3 on the two curves. Notebook 1.1. The notebook's formulas have no numbers.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch01_background import mathematics

plotting.use_book_style()

# %%
# One input: a line
# -----------------
# A linear function multiplies its input by a slope :math:`\omega` and adds an offset :math:`\beta`,
#
# .. math:: y = \beta + \omega x.
#
# The offset lifts the whole line; the slope turns it about the point where it crosses the y axis. The notebook asks for a line
# that crosses the y axis at 10 and the x axis at 5. The first number is the offset, and from there the line has to fall by 10
# over a run of 5. The library's ``line_through_intercepts`` makes the same division.

x = np.arange(0, 10, 0.01)
beta, omega = 10.0, -10.0 / 5.0
print("from the library:", *mathematics.line_through_intercepts(on_x_axis=5.0, on_y_axis=10.0))

# sphinx_gallery_alt = "Four straight lines; the one with offset 10 and slope -2 passes through dots at (0, 10) and (5, 0)."
fig, ax = plt.subplots(figsize=(5.6, 4.2))
for offset, slope in ((0.0, 1.0), (3.0, 1.0), (3.0, 0.25), (beta, omega)):
    ax.plot(x, offset + slope * x, label=rf"$\beta = {offset:.0f}$, $\omega = {slope:.4g}$")
ax.plot([0, 5], [10, 0], "o", color=plotting.DATA, clip_on=False, zorder=3)
ax.set(xlabel="input $x$", ylabel=r"output $y = \beta + \omega x$", xlim=(0, 10), ylim=(0, 10))
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %%
# Two inputs: a plane, seen from above
# ------------------------------------
# With two inputs there are two slopes, :math:`y = \beta + \omega_1 x_1 + \omega_2 x_2`, and the function is a tilted plane. Seen
# from above, points of equal height form parallel lines. The notebook wants three predictions: what happens when the first slope
# becomes zero, when the second does, and when the offset drops to -5? Make yours before you look. With one slope at zero its
# input no longer matters, so the lines run parallel to that input's axis. The offset changes no line's direction, only the height
# that each line stands for.

x1 = x2 = np.arange(0, 10, 0.1)
settings = ((0, (1, -0.5)), (0, (0, -0.5)), (0, (1, 0)), (-5, (1, -0.5)))

# sphinx_gallery_alt = "Four tilted planes seen from above; a slope of zero makes the contour lines parallel to one of the axes."
# sphinx_gallery_thumbnail_number = 2
fig, axes = plotting.panels(2, 2)
fig.set_size_inches(6.2, 5.2)
for ax, (offset, slopes) in zip(axes.flat, settings):
    title = rf"$\beta = {offset},\ \omega_1 = {slopes[0]},\ \omega_2 = {slopes[1]}$"
    y = mathematics.linear_function(offset, np.array(slopes), x1[None, :], x2[:, None])
    plotting.surface(ax, x1, x2, y, lines=np.arange(-10, 10), limits=(-10, 10))
    ax.set(title=title, xticks=range(0, 10, 3), yticks=range(0, 10, 3), aspect="equal")
plt.setp(axes[-1], xlabel="input $x_1$")
plt.setp(axes[:, 0], ylabel="input $x_2$")
fig.colorbar(axes[0, 0].collections[0], ax=axes, label="output $y$", shrink=0.8)
plt.show()

# %%
# Many functions at once: a matrix
# --------------------------------
# Two functions of three inputs need two offsets and six slopes. Written one by one, and then for all at once, with a vector
# :math:`\boldsymbol\beta` and a matrix :math:`\boldsymbol\Omega` that has a row for each function, they are
#
# .. math:: y_i = \beta_i + \sum_j \omega_{ij} x_j \quad\text{or}\quad \mathbf{y} = \boldsymbol\beta + \boldsymbol\Omega\mathbf{x}.
#
# Every hidden layer in chapter 4 is this expression with an activation function around it, and the output layer is this
# expression alone. The notebook goes on to ask for three functions of two inputs: the matrix then has three rows and two columns,
# and nothing else changes.

beta, omega = np.array([0.5, 0.2]), np.array([[-1.0, 0.4, -0.3], [0.1, 0.1, 1.2]])
three = np.array([1.0, 0.0, -2.0]), np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.0]])
examples = ((beta, omega, np.array([4.0, -1.0, 2.0])), (*three, np.array([3.0, 2.0])))

for b, w, x in examples:
    one_by_one = np.array([b[i] + sum(w[i, j] * x[j] for j in range(len(x))) for i in range(len(b))])
    as_matrix = b + w @ x
    print("one by one:", one_by_one, "as a matrix:", as_matrix)
    print(
        f"    difference from the library: {np.abs(as_matrix - mathematics.linear_equations(b, w, x)).max():.0e}"
    )

# %%
# Three inputs: can one still see it?
# -----------------------------------
# A function of three inputs has a value at every point of space, which is one dimension more than a picture has room for. But the
# trick of the contour lines still works, one dimension up: the points of equal value now form parallel planes. At the origin
# every weighted input vanishes, so the value there is the offset.

print("value at (0, 0, 0):", mathematics.linear_function(beta[0], omega[0], *np.zeros(3)))

# sphinx_gallery_alt = "Three parallel planes in the space of three inputs, on which the function is -4, 0 and 4."
side_2, side_3 = np.meshgrid((-5.0, 5.0), (-5.0, 5.0))
fig, ax = plt.subplots(figsize=(5, 4), subplot_kw={"projection": "3d"})
for level in (-4.0, 0.0, 4.0):
    side_1 = (level - mathematics.linear_function(beta[0], omega[0, 1:], side_2, side_3)) / omega[0, 0]
    style = {"color": plotting.COLORMAP(0.5 + level / 12), "alpha": 0.8, "shade": False}
    ax.plot_surface(side_1, side_2, side_3, **style, label=f"$y_1 = {level:.0f}$")
ax.set(xlabel="input $x_1$", ylabel="input $x_2$", zlabel="input $x_3$")
ax.set(xticks=(-8, -4, 0, 4, 8), yticks=(-4, 0, 4), zticks=(-4, 0, 4))
ax.set_box_aspect(None, zoom=0.85)
ax.legend(loc="upper left")
plt.show()

# %%
# Two curves, one the mirror image of the other
# ---------------------------------------------
# The exponential takes any number and returns a positive one; the logarithm undoes this. Exchanging input and output mirrors a
# curve in the diagonal, as the right panel shows.

# sphinx_gallery_alt = "The exponential, the logarithm, and both together: mirror images of each other in the dashed diagonal."
fig, axes = plt.subplots(1, 3, figsize=(9.6, 3.3))
wide, positive = np.arange(-5, 5, 0.01), np.arange(0.01, 5, 0.01)
axes[0].plot(wide, np.exp(wide), color=plotting.COLOURS[1])
axes[0].set(xlim=(-5, 5), ylim=(0, 100), xlabel="$x$", ylabel=r"$\exp[x]$", title="Exponential")
axes[1].plot(positive, np.log(positive), color=plotting.COLOURS[0])
axes[1].set(xlim=(0, 5), ylim=(-5, 5), xlabel="$x$", ylabel=r"$\log[x]$", title="Logarithm")
axes[2].axline((0, 0), slope=1, color="0.5", ls="--", lw=1)
axes[2].plot(wide, np.exp(wide), color=plotting.COLOURS[1], label=r"$\exp[x]$")
axes[2].plot(positive, np.log(positive), color=plotting.COLOURS[0], label=r"$\log[x]$")
axes[2].set(xlim=(-4, 4), ylim=(-4, 4), xlabel="$x$", ylabel="$y$", aspect="equal", title="Mirror images")
axes[2].legend(loc="upper left")
plt.show()

# %%
# The notebook's questions, asked of the machine
# ----------------------------------------------
# Floating-point numbers include the two infinities, so even the limits are ordinary function values. The logarithm of a negative
# number is no real number, and the answer is NaN, which means "not a number". Among the complex numbers it exists, with
# :math:`\pi` as its imaginary part.

questions = {jnp.exp: (0.0, 1.0, -np.inf, np.inf), jnp.log: (0.0, 1.0, np.e, -1.0, -1 + 0j)}
for name, (f, inputs) in zip(("exp", "log"), questions.items()):
    print(*(f"{name}[{z:.4g}] = {f(z):.4f}" for z in inputs), sep="    ")
print(f"log[exp[3]] = {jnp.log(jnp.exp(3.0)):.4f}    exp[log[4]] = {jnp.exp(jnp.log(4.0)):.4f}")

# %%
# Which way do they bend?
# -----------------------
# The notebook's last question is whether the two curves are convex or concave. A function is *convex* if no chord, the straight
# line between two of its points, dips below the curve (appendix B.1.2):
#
# .. math:: (1-t)\,f[a] + t\,f[b] \;\geq\; f[(1-t)\,a + t\,b] \qquad\text{for all } a, b \text{ and } 0 \leq t \leq 1,
#
# and *concave* if none rises above the curve. One chord proves nothing about the others. For a smooth function the second
# derivative decides: if it is never negative, the function is convex. ``jax.grad`` turns a function of a number into its
# derivative, which is a function again, so applying it twice is all that is needed; ``vmap`` evaluates the result at many points.
# Below is one chord on each curve, and under it the curve's second derivative.

a, b, t = 0.3, 1.5, np.linspace(0, 1, 101)
x = np.arange(0.1, 2, 0.01)

# sphinx_gallery_alt = "A chord above the exponential and one below the logarithm; their second derivatives, positive and negative."
fig, axes = plt.subplots(2, 2, figsize=(7.4, 5), sharex=True)
for (upper, lower), f, name, colour in zip(axes.T, (jnp.exp, jnp.log), ("exp", "log"), (1, 0)):
    along = (1 - t) * a + t * b
    chord = (1 - t) * f(a) + t * f(b)
    gap = chord - f(along)
    bend = jax.vmap(jax.grad(jax.grad(f)))(x)
    ends = np.full_like(t, a), np.full_like(t, b)
    from_library = mathematics.chord_gap(f, *ends, t), mathematics.second_derivative(f, x)
    apart = [np.abs(ours - theirs).max() for ours, theirs in zip((gap, bend), from_library)]
    print(f"{name}: differences from chord_gap {apart[0]:.0e}, from second_derivative {apart[1]:.0e}")

    upper.plot(x, f(x), color=plotting.COLOURS[colour])
    upper.plot(along, chord, "k", lw=1.2)
    upper.fill_between(along, chord, f(along), color="0.8")
    upper.set_title(f"{name}: halfway the chord is {abs(gap[50]):.2f} {'above' if gap[50] > 0 else 'below'}")
    lower.axhline(0, color="0.75")
    lower.plot(x, bend, color=plotting.COLOURS[colour])
    lower.set(xlabel="$x$", xlim=(0, 2), ylim=(-8, 8))
axes[0, 0].set_ylabel("function and chord")
axes[1, 0].set_ylabel("second derivative")
plt.show()

# %%
# The exponential is its own second derivative, so it is convex; the logarithm has :math:`-1/x^2`, so it is concave. A straight
# line does not bend and is both. ``is_convex`` asks for the sign of the second derivative at the points drawn above, and of
# :math:`-f` for concave.

for name, f in {"exp": jnp.exp, "log": jnp.log, "line": lambda x: 1.0 - 2.0 * x}.items():
    convex, concave = (mathematics.is_convex(g, x) for g in (f, lambda x, f=f: -f(x)))
    print(f"{name:>4}: convex {convex}, concave {concave}")
