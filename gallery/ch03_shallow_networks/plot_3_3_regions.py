r"""
3.3 Ten thousand parameters, ten to the hundredth regions
=========================================================

On page 3.2 three hidden units cut the plane into seven pieces. How many pieces can a shallow network make with more units and
more inputs? The formula is from 1975, its numbers outgrow every computer's floats, and real networks are asked whether they live
up to it.

*In the book: section 3.4, figures 3.8 to 3.10. Notebook 3.3.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt

from udl_jax import plotting
from udl_jax.ch03_shallow_networks import regions, two_inputs

plotting.use_book_style()

# %%
# Zaslavsky's formula
# -------------------
# Each of :math:`D` hidden units has a hyperplane on which it switches, and :math:`D` hyperplanes cut a space of :math:`D_i`
# dimensions into :math:`\sum_{j=0}^{D_i}\binom{D}{j}` regions at most. Python's integers have as many digits as it takes.

for inputs, hidden in ((2, 3), (10, 50), (10, 8), (100, 1000)):
    number = regions.max_regions(inputs, hidden)
    print(
        f"{inputs:3} inputs, {hidden:4} hidden units: {number if number < 1e12 else f'about {number:.2e}'} regions"
    )

# %%
# Fewer units than inputs
# -----------------------
# With 8 units and 10 inputs the notebook warns that the formula fails and gives :math:`2^8` in its place. It fails only if one
# divides factorials: the number of ways to choose 9 things out of 8 is zero, and the sum stops by itself. It is then all of row 8
# of Pascal's triangle, which is why calling the function with :math:`D` in both places gives the same. In the picture of
# figure 3.10: each unit gets an axis of its own to cut in half, and the axes that are left over are not cut.

print(f"as it stands: {regions.max_regions(10, 8)}, with 8 inputs: {regions.max_regions(8, 8)}, 2^8: {2**8}")

# %%
# Figure 3.9: the explosion
# -------------------------
# For the curves, logarithms will do. ``log_max_regions`` builds the binomial coefficients one from the other as running sums of
# logarithms and adds them by log-sum-exp, for a thousand numbers of hidden units at once; no factorial is ever formed, so that
# single precision is enough for :math:`10^{150}`, and where the units run out a logarithm of zero ends the sum. At the right the
# same numbers stand over the count of parameters, :math:`D(1 + D_i) + 1 + D` for one output: the notebook's 97 for 10 inputs
# and 8 units.

print(f"parameters with 10 inputs and 8 hidden units: {regions.parameter_count(10, 8)}")

fig, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4), sharey=True)
for colour, inputs in zip(plotting.COLOURS, (1, 5, 10, 50, 100)):
    hidden = jnp.arange(1000)
    left.plot(hidden, regions.log_max_regions(inputs, hidden) / jnp.log(10), color=colour)
    hidden = jnp.arange(1, 200) * 500 // inputs
    log_10 = regions.log_max_regions(inputs, hidden) / jnp.log(10)
    right.plot(regions.parameter_count(inputs, hidden), log_10, color=colour, label=f"$D_i$ = {inputs}")
left.set(
    xlabel="hidden units $D$", xlim=(0, 1000), ylim=(0, 150), ylabel=r"$\log_{10}$ of the number of regions"
)
right.set(xlabel="parameters", xlim=(0, 100_000))
right.legend(title="inputs")
fig.suptitle("Most regions that a shallow network can have")
plt.show()

# %%
# Do the logarithms lose anything? Exact integers can tell, one after the other, down to the last unit of the largest curve.

exact = jnp.array([float(regions.max_regions(100, d)) for d in range(0, 100, 7)])
apart = regions.log_max_regions(100, jnp.arange(0, 100, 7)) - jnp.log(exact)
print(f"largest difference between logarithm and exact number: {jnp.abs(apart).max():.1e}")

# %%
# Do networks reach the bound?
# ----------------------------
# In one sense always: hyperplanes drawn at random are in general position with probability one, and then the formula is not a bound
# but the count. The exact count of page 3.2 agrees for a hundred random networks with two inputs and up to twenty hidden units.

theta = jax.random.normal(jax.random.key(0), (100, 20, 3))
for hidden in (5, 20):
    counts = jax.jit(jax.vmap(two_inputs.count_polygons))(theta[:, :hidden])
    print(
        f"{hidden} units: {counts.min()} to {counts.max()} regions, formula {regions.max_regions(2, hidden)}"
    )

# %%
# In another sense hardly ever. A region matters if inputs fall into it. So twenty random networks are shown twenty thousand
# random inputs, and the patterns of active units that occur are counted, again and again as the units join one by one. With one
# input nearly all regions are found if the inputs spread far enough; with ten, from fifteen units on there are not even as many
# samples as regions.

# sphinx_gallery_thumbnail_number = 2
units = jnp.arange(1, 21)
fig, axes = plt.subplots(1, 3, figsize=(9.5, 3.4))
for ax, inputs in zip(axes, (1, 2, 10)):
    for colour, spread in ((1, 1.0), (2, 10.0)):
        key = jax.random.key(inputs)
        counts = regions.sample_region_counts(key, 20, inputs, hidden=20, samples=20_000, spread=spread)
        ax.fill_between(units, counts.min(0), counts.max(0), color=plotting.COLOURS[colour], alpha=0.3)
        ax.plot(
            units,
            jnp.median(counts, 0),
            color=plotting.COLOURS[colour],
            label=f"inputs of spread {spread:.0f}",
        )
    bound = jnp.exp(regions.log_max_regions(inputs, units))
    ax.plot(units, bound, "k:", label="Zaslavsky's formula")
    ax.set(title=f"$D_i$ = {inputs}", xlabel="hidden units $D$", xlim=(1, 20), xticks=range(5, 21, 5))
axes[2].set_yscale("log")
axes[0].set(ylabel="regions", ylim=(0, 22), yticks=range(0, 22, 5))
axes[0].legend(fontsize="small", loc="upper left")
plt.show()
