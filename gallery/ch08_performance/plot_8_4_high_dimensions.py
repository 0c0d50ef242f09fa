r"""
8.4 Where intuition fails
=========================

We draw data as dots in a plane, but an image with a million pixels is a point in a space of a million dimensions. What does a cloud
of points look like there? Who is near whom, how much room is inside a sphere, and where in the sphere is it? This page computes
three answers, and none of them looks like the plane.

*In the book: the notes at the end of chapter 8, problems 8.7 to 8.9, figure 8.13. Notebook 8.4.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch08_performance import high_dimensions as spaces

plotting.use_book_style()

# %%
# How far apart are random points?
# --------------------------------
# Take a thousand points from a standard normal distribution, in 2, 100 and 1,000 dimensions, and measure the distance between each
# two of them. The notebook asks for a single number, the largest distance divided by the smallest:
#
# .. math:: \text{ratio} = \frac{\max_{i \neq j} \|\mathbf{x}_i - \mathbf{x}_j\|}{\min_{i \neq j} \|\mathbf{x}_i - \mathbf{x}_j\|},
#     \qquad \|\mathbf{x}_i - \mathbf{x}_j\|^2 = \sum_{d=1}^{D} (x_{id} - x_{jd})^2.
#
# Here it is for a small set, where the whole table of differences fits into memory. ``distance_range`` goes through the table row
# by row, with ``lax.map``, since for a thousand points in a thousand dimensions the table would have a billion entries.

few = spaces.sample_points(jax.random.key(0), 50, 10)
table = jnp.sqrt(jnp.sum((few[:, None] - few[None]) ** 2, axis=2))
pairs = table[np.triu_indices(50, 1)]
ratio = pairs.max() / pairs.min()
print(f"ratio {ratio:.4f}; the library's differs by {abs(ratio - spaces.distance_range(few).ratio):.0e}")

# %%
# Now the notebook's three sets. Below each is drawn how the distances from one of the points to all others are spread. In the
# plane a point has near and far neighbours; in a thousand dimensions, all the others are about equally far away. The titles give
# the ratio, over all pairs of the set.

DIMENSIONS = (2, 100, 1000)
keys = jax.random.split(jax.random.key(1), 3)
clouds = [spaces.sample_points(key, 1000, n) for key, n in zip(keys, DIMENSIONS)]
ratios = [float(spaces.distance_range(points).ratio) for points in clouds]

# sphinx_gallery_alt = "Three histograms of distances from one point: near zero in 2 dimensions, a lone peak near 45 in 1,000."
fig, axes = plt.subplots(1, 3, figsize=(9, 3), sharey=True)
for ax, points, n, ratio in zip(axes, clouds, DIMENSIONS, ratios):
    ax.hist(
        np.linalg.norm(points[1:] - points[0], axis=1), np.linspace(0, 50, 101), color=plotting.COLOURS[0]
    )
    ax.set(xlabel="distance from one point", title=f"{n:,} dimensions\nratio {ratio:,.2f}")
axes[0].set(ylabel="number of points")
plt.show()

# %%
# How much room is in a sphere?
# -----------------------------
# A sphere of diameter one just fits into a cube with sides of length one. In the plane it fills more than three quarters of it.
# Equation 8.8 has the volume for any number of dimensions :math:`D`, with the gamma function that continues the factorial:
#
# .. math:: \text{Vol}[r] = \frac{r^D \pi^{D/2}}{\Gamma[D/2+1]}. \qquad (8.8)
#
# Written like this it fails early: single precision cannot hold :math:`\Gamma[36]`. The logarithm of the gamma function is
# harmless, so the library adds up logarithms, and only the last step, if one wants it, is an exponential.

dimensions = np.arange(1, 11)
plain = 0.5**dimensions * np.pi ** (dimensions / 2) / np.exp(jax.scipy.special.gammaln(dimensions / 2 + 1))
ours = spaces.volume_of_hypersphere(dimensions)
print("volume in 1 to 10 dimensions: " + ", ".join(f"{volume:.3f}" for volume in ours))
print(f"largest relative difference from the formula: {np.max(np.abs(ours / plain - 1)):.0e}")
print(f"in two dimensions, pi / 4 = {np.pi / 4:.3f}")

# %%
# The sphere's share of the cube shrinks to almost nothing: nearly all of the cube is in its corners, of which there are
# :math:`2^D`. On a logarithmic axis one can follow it to 300 dimensions. The dotted line is the smallest positive number that
# single precision can hold without loss; the volume itself is lost below it, its logarithm is not.

many = np.arange(1, 301)
logarithms = np.asarray(spaces.log_volume_of_hypersphere(many)) / np.log(10)

# sphinx_gallery_alt = "The volume falls to almost 0 within 10 dimensions; its logarithm falls faster and faster up to 300."
fig, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.4))
left.plot(dimensions, ours, "o-")
left.set(
    xlabel="dimensions", ylabel="volume", title="Sphere of diameter one, cube of side one", ylim=(0, 1.05)
)
right.plot(many, logarithms)
right.axhline(
    np.log10(np.finfo(np.float32).tiny), color="0.4", ls=":", label="smallest normal number, float32"
)
right.set(
    xlabel="dimensions",
    ylabel=r"$\log_{10}$ of the volume",
    title=f"At 300 dimensions, $10^{{{logarithms[-1]:.0f}}}$",
)
right.legend()
plt.show()

# %%
# Where in the sphere is it?
# --------------------------
# Peel off the outermost one percent of the radius. What is left is a sphere of 0.99 times the radius, whose volume is smaller by a
# factor of :math:`0.99^D`, so the peel holds
#
# .. math:: 1 - (1 - t)^D, \qquad t = 0.01,
#
# of the whole (problem 8.8). The notebook divides two volumes to find it; the library needs neither of them. The table compares
# the two ways.

ratio_of_volumes = 1 - np.exp(
    spaces.log_volume_of_hypersphere(dimensions, 2 * 0.99) - spaces.log_volume_of_hypersphere(dimensions, 2.0)
)
difference = np.max(np.abs(ratio_of_volumes - spaces.shell_proportion(dimensions)))
print(f"largest difference between the two ways: {difference:.0e}")
for n in (1, 2, 10, 20, 50, 100, 150, 200, 250, 300):
    print(f"{n:4d} dimensions: {100 * (1 - 0.99**n):5.1f} % in the outermost 1 % of the radius")

# %%
# An orange in 300 dimensions would be nearly all peel. The other curves answer what happens with thinner and thicker peels.

# sphinx_gallery_alt = "With more dimensions the outer shell's share of the volume rises towards 1, sooner for thick shells."
fig, ax = plt.subplots()
for t in (0.001, 0.01, 0.05, 0.2):
    ax.plot(many, spaces.shell_proportion(many, t), label=f"outermost {100 * t:g} %")
ax.set(xlabel="dimensions", ylabel="share of the volume", ylim=(0, 1.02), xlim=(0, 300))
ax.set(title=f"In 300 dimensions, the outermost 1 % holds {100 * spaces.shell_proportion(300):.0f} %")
ax.legend()
plt.show()

# %%
# What if there were more points?
# -------------------------------
# With more points, the nearest two come nearer and the farthest two lie farther apart, so the ratio must grow. But how much
# depends on the dimension. Each curve is the median of nine clouds, all nine measured in one ``vmap``.


@jax.jit
def median_ratio(clouds):
    """Take the median over the leading axis."""
    return jnp.median(jax.vmap(spaces.distance_range)(clouds).ratio)


counts = (10, 30, 100, 300, 1000)
medians = {}
for n in (2, 10, 100, 1000):
    pool = jnp.stack([spaces.sample_points(key, 1000, n) for key in jax.random.split(jax.random.key(n), 9)])
    medians[n] = [float(median_ratio(pool[:, :count])) for count in counts]
print(f"in 1,000 dimensions, from 10 to 1,000 points: {medians[1000][0]:.2f} to {medians[1000][-1]:.2f}")

# sphinx_gallery_alt = "With more points, the ratio of distances grows steeply in 2 dimensions and stays near 1 in 1,000."
fig, ax = plt.subplots()
for n, values in medians.items():
    ax.loglog(counts, values, "o-", ms=4, label=f"{n:,} dimensions")
ax.set(xlabel="number of points", ylabel="largest / smallest distance", title="Median ratio of nine clouds")
ax.legend()
plt.show()

# %%
# Where are the samples themselves?
# ---------------------------------
# The density of a standard normal distribution is highest at its mean. Even so, no sample in a thousand dimensions is found near
# the mean: there is too little room. The samples live in a shell of radius about :math:`\sqrt{D}` (problem 8.9, figure 8.13c),
# whose width does not grow with the dimension. The same goes for weights and for images: pictures of two or three dimensions, also
# those in the book and here, deserve some suspicion.

for points, n in zip(clouds, DIMENSIONS):
    radii = np.linalg.norm(points, axis=1)
    print(
        f"{n:5d} dimensions: distance from the mean {radii.mean():5.2f} ± {radii.std():.2f}, sqrt(D) {np.sqrt(n):5.2f}"
    )

# sphinx_gallery_alt = "Histograms of the distance of samples from the mean: around 1.2, 10 and 31.6, all about equally wide."
fig, ax = plt.subplots(figsize=(6.5, 3))
for points, n in zip(clouds, DIMENSIONS):
    ax.hist(np.linalg.norm(points, axis=1), np.linspace(0, 36, 145), alpha=0.8, label=f"{n:,} dimensions")
ax.set(
    xlabel="distance of a sample from the mean",
    ylabel="number of samples",
    title="Samples of a normal distribution",
)
ax.legend(loc="upper center")
plt.show()
