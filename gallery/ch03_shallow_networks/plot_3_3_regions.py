r"""
3.3 How many regions can a shallow network have?
================================================

On page 3.2 three hidden units cut the plane into seven pieces. How many pieces can a shallow network make with more units and more
inputs? A formula from 1975 gives the answer. This page computes it, asks why its curves bend where they do, and counts how many of
the regions random inputs fall into.

*In the book: section 3.4, figures 3.8 to 3.10. Notebook 3.3, whose formula has no number.*
"""

import math

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch03_shallow_networks import regions, two_inputs

plotting.use_book_style()

# %%
# Zaslavsky's formula
# -------------------
# Each of :math:`D` hidden units switches on or off at a line if there are two inputs, at a plane if there are three, and in
# general at a *hyperplane*. :math:`D` hyperplanes cut a space of :math:`D_i` dimensions into at most
#
# .. math:: N(D_i, D) = \sum_{j=0}^{D_i} \binom{D}{j}
#
# regions. Python's integers have as many digits as it takes, so one line computes it exactly. The number of parameters with one
# output is :math:`D (D_i + 1)` for the hidden units and :math:`D + 1` for the output.

for inputs, hidden in ((2, 3), (10, 50), (10, 8), (100, 1000)):
    number = sum(math.comb(hidden, j) for j in range(inputs + 1))
    parameters = hidden * (inputs + 1) + hidden + 1
    ours = regions.max_regions(inputs, hidden), regions.parameter_count(inputs, hidden)
    shown = number if number < 1e12 else f"about {number:.2e}"
    print(f"{inputs:3} inputs, {hidden:4} hidden units, {parameters:6} parameters: {shown} regions at most")
    print("    the same in the library:", ours == (number, parameters))

# %%
# Fewer units than inputs
# -----------------------
# The third line has fewer units than inputs. The notebook warns that the formula fails there, and gives :math:`2^8` in its place.
# It fails only if one divides factorials: the number of ways to choose 9 things out of 8 is zero, and the sum stops by itself. It
# is then all of row 8 of Pascal's triangle, which is why calling the function with :math:`D` in both places gives the same.

print(f"as it stands: {regions.max_regions(10, 8)}, with 8 inputs: {regions.max_regions(8, 8)}, 2^8: {2**8}")

# %%
# Figure 3.9: the explosion
# -------------------------
# The largest of these numbers are beyond single precision, which ends near :math:`10^{38}`. Their logarithms are not. Each
# binomial coefficient is the one before it times :math:`(D - j + 1)/j`, so the logarithms of all of them are running sums:
#
# .. math:: \log N = \log \sum_{j=0}^{D_i} \exp\Bigl[\sum_{k=1}^{j} \log \frac{D - k + 1}{k}\Bigr].
#
# The logarithm of a sum of exponentials is taken by ``logsumexp``, which first takes out the largest term, so that nothing
# overflows. Where the units run out, a logarithm of zero ends the sum. Is it accurate? Exact integers can tell, along the whole
# curve of a hundred inputs.


def log_regions(inputs, hidden):
    k = jnp.arange(1, inputs + 1)
    steps = jnp.log(jnp.maximum(hidden - k + 1, 0) / k)
    return jax.nn.logsumexp(jnp.concatenate([jnp.zeros(1), jnp.cumsum(steps)]))


units = np.arange(1000)
by_hand = jax.jit(jax.vmap(lambda hidden: log_regions(100, hidden)))(units)
exact = np.array([math.log(regions.max_regions(100, int(d))) for d in units])
print(f"difference from the library: {np.abs(by_hand - regions.log_max_regions(100, units)).max():.0e}")
print(
    f"largest difference from the exact logarithm: {np.abs(by_hand - exact).max():.0e}, in {exact.max():.0f}"
)

# %%
# The left panel is figure 3.9a. On the right the same numbers stand over the count of parameters: more inputs make more regions
# for each hidden unit, but each unit then costs more, so the curves cross.

# sphinx_gallery_alt = "The logarithm of the number of regions over hidden units and over parameters, for five input dimensions."
fig, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4), sharey=True)
for colour, inputs in zip(plotting.COLOURS, (1, 5, 10, 50, 100)):
    left.plot(units, regions.log_max_regions(inputs, units) / np.log(10), color=colour)
    hidden = np.arange(1, 200) * 500 // inputs
    log_10 = regions.log_max_regions(inputs, hidden) / np.log(10)
    right.plot(regions.parameter_count(inputs, hidden), log_10, color=colour, label=f"{inputs}")
    affordable = (10_000 - 1) // (inputs + 2)
    most = math.log10(regions.max_regions(inputs, affordable))
    print(f"10,000 parameters, {inputs:3} inputs: {affordable:4} hidden units, 10^{most:.1f} regions at most")
left.set(xlabel="hidden units $D$", xlim=(0, 1000), ylim=(0, 150))
left.set(ylabel=r"$\log_{10}$ of the number of regions")
right.set(xlabel="parameters", xlim=(0, 100_000), xticks=range(0, 100_001, 25_000))
right.legend(title="inputs $D_i$")
fig.suptitle("Most regions that a shallow network can have")
plt.show()

# %%
# Why the curves bend
# -------------------
# On the left all curves start along one straight line: with every unit the number doubles. What happens when one more unit joins?
# Its hyperplane is itself a space, of one dimension less. The others cut it into at most :math:`N(D_i - 1, D)` parts, and each
# part cuts one region in two:
#
# .. math:: N(D_i, D + 1) = N(D_i, D) + N(D_i - 1, D).
#
# While :math:`D < D_i` the two terms are equal, :math:`2^D` each: the new hyperplane reaches every region. In the picture of
# figure 3.10, each unit has an axis of its own to cut in half. From :math:`D = D_i` on the axes are used up, and the new
# hyperplane misses some regions. Below is the share of regions that it cuts. With many inputs the share leaves one only slowly at
# first, which is why the bend in the figure above seems to come later, near :math:`2 D_i`.

multiples = np.linspace(0, 6, 121)

# sphinx_gallery_alt = "The share of regions that one more hyperplane cuts: one up to as many units as inputs, then ever less."
# sphinx_gallery_thumbnail_number = 2
fig, ax = plt.subplots(figsize=(5.5, 3.4))
for colour, inputs in zip(plotting.COLOURS, (1, 5, 10, 50, 100)):
    hidden = [int(m) for m in np.unique((multiples * inputs).astype(int))]
    share = [regions.max_regions(inputs - 1, d) / regions.max_regions(inputs, d) for d in hidden]
    marker = "o" if inputs == 1 else None
    ax.plot(np.array(hidden) / inputs, share, color=colour, label=f"{inputs}", marker=marker)
ax.axvline(1, color="k", ls=":", lw=1.2)
ax.set(xlabel="hidden units for each input, $D / D_i$", xlim=(0, 6))
ax.set_ylabel("share of regions cut by the next")
ax.legend(title="inputs $D_i$")
plt.show()

sums = [regions.max_regions(10, d) + regions.max_regions(9, d) for d in range(60)]
print("the rule holds for 0 to 59 units:", sums == [regions.max_regions(10, d + 1) for d in range(60)])
for d in (10, 11, 21):
    print(f"10 inputs, {d} units: {regions.max_regions(10, d) / 2**d:.4f} of 2^{d}")

# %%
# Do random networks reach the bound?
# -----------------------------------
# In one sense always. Hyperplanes drawn at random are in general position with probability one, and then the formula is not a
# bound but the count. The exact count of page 3.2 agrees for a hundred random networks with two inputs.

theta = jax.random.normal(jax.random.key(0), (100, 20, 3))
for hidden in (5, 20):
    counts = jax.jit(jax.vmap(two_inputs.count_polygons))(theta[:, :hidden])
    bound = regions.max_regions(2, hidden)
    print(f"{hidden} units: {counts.min()} to {counts.max()} regions, formula {bound}")

# %%
# In another sense not always. A region matters if inputs fall into it. So twenty random networks are shown twenty thousand
# normally distributed samples of the input, with standard deviation 1 or 10, and the patterns of active units that occur are
# counted, again and again as the units join one by one. Each band reaches from the lowest count to the highest, with the median
# as a line.

# sphinx_gallery_alt = "Regions that random inputs meet, for 1, 2 and 10 input dimensions, at or below Zaslavsky's formula."
units = np.arange(1, 21)
fig, axes = plt.subplots(1, 3, figsize=(9.5, 3.4))
for ax, inputs in zip(axes, (1, 2, 10)):
    bound = [regions.max_regions(inputs, int(d)) for d in units]
    for colour, spread in zip(plotting.COLOURS[1:], (1.0, 10.0)):
        key = jax.random.key(inputs)
        counts = regions.sample_region_counts(key, 20, inputs, hidden=20, samples=20_000, spread=spread)
        median = np.median(counts, axis=0)
        ax.fill_between(units, np.min(counts, axis=0), np.max(counts, axis=0), color=colour, alpha=0.3)
        ax.plot(units, median, color=colour, label=f"standard deviation {spread:.0f}")
        print(f"{inputs:2} inputs, deviation {spread:2.0f}, 20 units: {median[-1] / bound[-1]:4.0%} met")
    ax.plot(units, bound, "k:", label="Zaslavsky's formula")
    ax.set(title=f"$D_i$ = {inputs}", xlabel="hidden units $D$", xlim=(1, 20), xticks=range(5, 21, 5))
axes[2].set_yscale("log")
axes[0].set(ylabel="regions met", ylim=(0, 22), yticks=range(0, 22, 5))
axes[0].legend(fontsize="small", loc="upper left")
plt.show()

# %%
# With one input, samples that reach far enough meet nearly all regions. With two they miss about three in ten, for either
# deviation. One explanation: a narrow cloud of samples does not reach the outer regions, and a wide one is too thin for the small
# regions in the middle. With ten inputs and many units the comparison is unfair, since there are then fewer samples than regions.

first = next(d for d in range(99) if regions.max_regions(10, d) > 20_000)
print(f"10 inputs: more regions than the 20,000 samples from {first} units on")
