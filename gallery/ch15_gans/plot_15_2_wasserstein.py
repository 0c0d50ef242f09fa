r"""
15.2 What does it cost to move a heap?
======================================

A generator makes samples, and we want to know how far their distribution is from that of the data. The measures of chapter 5
compare two probabilities at the same place and never ask how far apart places are: to them, two narrow heaps side by side are as
different as two heaps at the ends of the world. What if distance counted?

*In the book: section 15.2.4, figure 15.8, equations 15.9 to 15.13. Notebook 15.2.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import linprog

from udl_jax import plotting
from udl_jax.ch15_gans import divergences, sinkhorn, wasserstein

plotting.use_book_style()

# %%
# Two heaps of sand
# -----------------
# Ten bins, and in each a probability: these are the two distributions of the notebook. Note the ninth bin, where :math:`q` has
# nothing at all.

p = np.array([5, 3, 2, 1, 8, 7, 5, 9, 2, 1], "f") / 43
q = np.array([4, 10, 1, 1, 4, 6, 3, 2, 0, 1], "f") / 32
bins = np.arange(1, 11)

# sphinx_gallery_alt = "Two bar charts over ten bins; p has most in bins 5, 6 and 8, q in bin 2."
fig, axes = plt.subplots(2, 1, figsize=(5.5, 3.6), sharex=True, sharey=True)
for ax, values, name, colour in zip(axes, (p, q), "pq", plotting.COLOURS):
    ax.bar(bins, values, color=colour)
    ax.set(ylabel=f"${name}_i$", ylim=(0, 0.35), xticks=bins)
axes[1].set(xlabel="bin")
plt.show()

# %%
# The cheapest plan
# -----------------
# Think of shovelling :math:`p` into the shape of :math:`q`. A plan :math:`\mathbf{P}` says how much goes from place :math:`i`
# to place :math:`j`, and the work is amount times distance. The Wasserstein distance is the least work (equation 15.10),
#
# .. math:: D_w\bigl[p\,\|\,q\bigr] = \min_{\mathbf{P}} \Bigl[\sum_{i,j} P_{ij}\cdot|i-j|\Bigr],
#
# over the plans that take away what :math:`p` has, bring what :math:`q` needs, and move nothing negative (equation 15.11):
#
# .. math:: \sum_j P_{ij} = p_i, \qquad \sum_i P_{ij} = q_j, \qquad P_{ij} \ge 0.
#
# Cost and constraints are linear in the hundred unknowns, so this is a linear programme, and SciPy solves it. As in the
# notebook, places run from 0 to 1, so the first bin is at distance 1 from the last.

places = np.linspace(0, 1, 10, dtype="f")
cost = np.abs(places[:, None] - places)
row_sums = np.kron(np.eye(10), np.ones(10))
column_sums = np.kron(np.ones(10), np.eye(10))
best = linprog(cost.ravel(), A_eq=np.vstack([row_sums, column_sums]), b_eq=np.concatenate([p, q]))
print(f"the linear programme's least work: {best.fun:.6f}")

# %%
# On a line there is a shorter way. Whatever lies too much to the left of a gap between two bins has to cross it, whichever plan
# is chosen; and that is the difference between the two cumulative sums. So the distance is a sum of nine terms. The library's
# ``distance_1d`` is that line with its checks; its ``monotone_plan`` moves every grain so that no two paths cross.

crossing = np.cumsum(p - q)[:-1]
by_hand = np.abs(crossing).sum() / 9
ours = wasserstein.distance_1d(p, q)
plans = {
    "linear programme's plan": best.x.reshape(10, 10),
    "plan without crossings": wasserstein.monotone_plan(p, q),
}
print(f"sum over gaps: {by_hand:.6f}, from the library {abs(by_hand - ours):.0e} away")
for name, plan in plans.items():
    work = np.sum(np.asarray(plan) * cost)
    print(f"{name}: work {work:.6f}, {np.count_nonzero(np.asarray(plan) > 1e-7)} loads")

# sphinx_gallery_alt = "Three tables of ten by ten: the distances, zero on the diagonal, and two plans with few entries near it."
fig, axes = plt.subplots(1, 3, figsize=(10, 3.3))
for ax, (name, table) in zip(axes, {"distance $|i-j|$": cost, **plans}.items()):
    shades = ax.imshow(table, extent=(0.5, 10.5, 10.5, 0.5))
    ax.set(title=name, xlabel="to bin $j$ of $q$", xticks=(1, 4, 7, 10), yticks=(1, 4, 7, 10))
    fig.colorbar(shades, ax=ax, shrink=0.8)
axes[0].set(ylabel="from bin $i$ of $p$")
plt.show()

# %%
# The same number from the other side
# -----------------------------------
# Every linear programme has a twin. Here it looks for a function :math:`f` that is high where :math:`p` has more and low where
# :math:`q` has, and that changes by no more than the distance from bin to bin (equations 15.12 and 15.13):
#
# .. math::
#    D_w\bigl[p\,\|\,q\bigr] = \max_{\mathbf{f}}\Bigl[\sum_i p_i f_i - \sum_j q_j f_j\Bigr],
#    \qquad |f_{i+1}-f_i| \le \tfrac19 .
#
# The best :math:`f` is as steep as it may be, everywhere: down where sand has to cross to the right, up where it has to cross
# to the left. The critic of a Wasserstein GAN tries to learn it, and JAX finds it without being told: up to a constant, it is
# the gradient of the distance by :math:`p`.

f = np.concatenate([[0], np.cumsum(-np.sign(crossing) / 9)])
potential = wasserstein.dual_potential(p, q)
slope = np.asarray(jax.grad(wasserstein.distance_1d)(p, q))
print(
    f"dual optimum {p @ f - q @ f:.6f}; largest difference from the library {np.abs(f - potential).max():.0e}"
)
print(f"gradient of the distance, shifted: {np.abs(slope - slope[0] - potential).max():.0e} from it")

# sphinx_gallery_alt = "Above, what crosses each gap; below, f, which falls where that is positive and rises where it is negative."
fig, (upper, lower) = plt.subplots(2, 1, figsize=(5.5, 4), sharex=True)
upper.bar(bins[:-1] + 0.5, crossing, color=np.where(crossing > 0, plotting.COLOURS[0], plotting.COLOURS[1]))
upper.axhline(0, color="0.6", lw=0.8)
upper.set(ylabel="crosses to the right")
lower.plot(bins, potential, "o-", color=plotting.COLOURS[2])
lower.set(xlabel="bin", ylabel="$f_i$", xticks=bins)
plt.show()

# %%
# What do the other measures say?
# -------------------------------
# The notebook ends by asking for three divergences. The forward one is infinite: in the ninth bin :math:`q` calls impossible
# what happens under :math:`p`. The other two are finite. Neither would change if the ten bins were shuffled, as long as both
# distributions are shuffled alike; the Wasserstein distance would.

shuffled = np.random.default_rng(0).permutation(10)
print("                          as they are   both shuffled")
for name, measure in (
    ("forward KL, D[p, q]", divergences.kl_divergence),
    ("reverse KL, D[q, p]", lambda a, b: divergences.kl_divergence(b, a)),
    ("Jensen-Shannon", divergences.js_divergence),
    ("Wasserstein", wasserstein.distance_1d),
):
    print(f"{name:25} {measure(p, q):11.6f} {measure(p[shuffled], q[shuffled]):15.6f}")

# %%
# What if the two do not overlap?
# -------------------------------
# At the start of a GAN's training they hardly do. Take two equal bumps, zero beyond their feet, and pull them apart. The KL
# divergence is infinite at once. The Jensen-Shannon divergence rises to :math:`\log 2` and stays there; its slope, which is
# what a generator would have to follow, dies out as soon as the bumps have parted. The Wasserstein distance is simply how far
# apart they are, and its slope is one everywhere.

grid = np.linspace(0, 10, 1001, dtype="f")


def bump(centre):
    """Spread probability around ``centre``, none of it further away than 1."""
    height = jnp.maximum(1 - (grid - centre) ** 2, 0) ** 2
    return height / jnp.sum(height)


def measures(shift):
    """Measure two bumps in three ways."""
    a, b = bump(2.0), bump(2.0 + shift)
    kl, js = divergences.kl_divergence(a, b), divergences.js_divergence(a, b)
    return jnp.stack([wasserstein.distance_1d(a, b, grid), kl, js])


shifts = np.linspace(0.005, 5, 400, dtype="f")
values, slopes = jax.device_get(jax.jit(jax.vmap(lambda s: (measures(s), jax.jacfwd(measures)(s))))(shifts))
finite = np.isfinite(values[:, 1])
print(f"KL is finite at {finite.sum()} of {len(shifts)} shifts")
parted = shifts > 2.1
js, js_slope = values[parted, 2], np.abs(slopes[parted, 2])
print(f"beyond 2.1, Jensen-Shannon is {js.min():.4f} to {js.max():.4f}, and log 2 is {np.log(2):.4f}")
print(f"its slope there is {js_slope.max():.0e} at most")

# sphinx_gallery_alt = "Left, Wasserstein grows in a straight line, Jensen-Shannon levels off at log 2; right, their slopes."
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
for column, name, colour in (
    (0, "Wasserstein", plotting.COLOURS[0]),
    (2, "Jensen-Shannon", plotting.COLOURS[1]),
):
    left.plot(shifts, values[:, column], color=colour, label=name)
    right.plot(shifts, slopes[:, column], color=colour, label=name)
left.axhline(np.log(2), color="0.7", lw=0.8, zorder=0)
left.set(
    xlabel="distance between the bumps", ylabel="measure", ylim=(0, 3), xlim=(0, 5), title="How far apart?"
)
right.set(
    xlabel="distance between the bumps",
    ylabel="slope",
    xlim=(0, 5),
    ylim=(-0.05, 1.1),
    title="Which way to go?",
)
left.legend()
plt.show()

# %%
# What if there are too many places for a linear programme?
# ---------------------------------------------------------
# In several dimensions nothing can be sorted. Then one adds a small reward :math:`\epsilon` for entropy, and the best plan
# follows from rescaling its rows and columns in turn, the Sinkhorn iteration: one ``lax.scan``, differentiable, the same for
# any cost. The plan is blurred and costs a little more than the best; the excess goes with :math:`\epsilon`. What remains at
# small :math:`\epsilon` is not one of the sparse plans above but, of all plans that are equally cheap, the one that is spread
# out most.

epsilons = np.array([0.3, 0.1, 0.03, 0.01, 0.003, 0.001], "f")
blurred = jax.jit(jax.vmap(lambda epsilon: sinkhorn.sinkhorn(p, q, cost, epsilon, 2000)))(epsilons)
excess = np.asarray(blurred.cost) - float(ours)
print("epsilon        " + " ".join(f"{e:8.3f}" for e in epsilons))
print("excess of work " + " ".join(f"{e:8.5f}" for e in excess))

# sphinx_gallery_alt = "Three plans: a broad cloud below and above the diagonal at epsilon 0.1, only below it at 0.001."
fig, axes = plotting.panels(1, 3, size=2.7)
for ax, place in zip(axes[0], (1, 3, 5)):
    ax.imshow(blurred.plan[place], extent=(0.5, 10.5, 10.5, 0.5), vmin=0)
    ax.set(
        title=rf"$\epsilon = {epsilons[place]:.3f}$",
        xlabel="to bin $j$ of $q$",
        xticks=(1, 4, 7, 10),
        yticks=(1, 4, 7, 10),
    )
axes[0, 0].set(ylabel="from bin $i$ of $p$")
plt.show()
