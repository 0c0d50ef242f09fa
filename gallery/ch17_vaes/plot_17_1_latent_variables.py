r"""
17.1 Points with a hidden cause
===============================

Points in a plane lie along a tangled curve, and each is there because of a single number that nobody sees. A model that has such
a hidden number, a latent variable, can describe shapes that no simple distribution can. But two questions become hard: how
probable is a point, and which hidden number was behind it?

*In the book: section 17.2, figures 17.2 and 17.3. Notebook 17.1.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from mpl_toolkits.mplot3d.art3d import Line3DCollection

from udl_jax import plotting
from udl_jax.ch17_vaes import latent_variables as model

plotting.use_book_style()

# %%
# From one number to a place
# --------------------------
# The latent variable :math:`z` is standard normal. Two functions turn it into a place in the plane, :math:`x_1 = \frac12
# \exp[\sin[2 + 3.675z]]` and :math:`x_2 = \cos[2 + 2.85z]`. (In a real model a network would do that.) Here is the curve that
# they draw, with the probability of :math:`z` as its strength.

SIGMA_SQ = 0.04
z = np.arange(-3, 3, 0.01, dtype=np.float32)
means, prior = (
    np.asarray(part) for part in jax.jit(lambda z: (model.latent_to_mean(z), jnp.exp(model.log_prior(z))))(z)
)

# sphinx_gallery_alt = "A curve in three dimensions that winds around the axis of z, strong in the middle and pale at both ends."
fig = plt.figure(figsize=(8, 3.8))
ax = fig.add_subplot(projection="3d")
ax.set_box_aspect((3, 1, 1), zoom=1.35)
points = np.column_stack([z, means])
colours = np.zeros((len(z) - 1, 4))
colours[:, 0], colours[:, 3] = 0.75, 0.03 + 0.97 * prior[:-1] / prior.max()
ax.add_collection3d(Line3DCollection(np.stack([points[:-1], points[1:]], axis=1), colors=colours, lw=2))
ax.set(
    xlim=(-3, 3), ylim=(0, 1.5), zlim=(-1, 1), xlabel="latent variable $z$", ylabel="$x_1$", zlabel="$x_2$"
)
ax.set(yticks=(0, 1), zticks=(-1, 0, 1))
ax.xaxis.labelpad = 14
plt.show()

# %%
# A blurred place
# ---------------
# Data do not lie on the curve but around it, with a normal distribution of variance 0.04 (equation 17.5):
#
# .. math:: Pr(\mathbf{x}|z) = \text{Norm}_{\mathbf{x}}\bigl[\mathbf{f}[z], \sigma^2\mathbf{I}\bigr].
#
# For one :math:`z` that is a round spot. The notebook looks at 1.8 and suggests trying others: as :math:`z` moves on, the spot
# travels along the curve, quickly in some places and slowly in others.

x1 = np.arange(-0.5, 2.5, 0.01, dtype=np.float32)
x2 = np.arange(-1.5, 1.5, 0.01, dtype=np.float32)
mesh = np.stack(np.meshgrid(x1, x2), axis=-1)
chosen = np.array([1.8, 1.6, 1.4, 1.2], np.float32)
spots = np.exp(jax.jit(model.log_likelihood)(mesh, chosen))

# sphinx_gallery_alt = "Four round spots of equal size, each at another place on the faint curve."
fig, axes = plotting.panels(1, 4, size=2.5)
for ax, place, spot in zip(axes[0], chosen, np.moveaxis(spots, -1, 0)):
    plotting.surface(ax, x1, x2, spot, lines=(0.5, 1.5, 2.5, 3.5))
    ax.plot(*means.T, color="w", lw=0.6, alpha=0.6)
    ax.set(title=f"$Pr(\\mathbf{{x}}|z = {place:.1f})$", xlabel="$x_1$")
axes[0, 0].set(ylabel="$x_2$")
plt.show()

# %%
# How probable is a point?
# ------------------------
# All latent variables may have led to it, so one has to add them up, each as much as it is probable (equation 17.6):
#
# .. math:: Pr(\mathbf{x}) = \int Pr(\mathbf{x}|z)\,Pr(z)\,dz \approx \sum_z Pr(\mathbf{x}|z)\,Pr(z)\,\Delta z.
#
# The integral has no closed form, hence the sum over six hundred values of :math:`z`. Written as a loop, it adds six hundred
# pictures of ninety thousand points each. But a round spot is a profile in :math:`x_2` times a profile in :math:`x_1`, so the
# whole sum is one product of a 300 x 600 and a 600 x 300 matrix. That is what the library does.

picture = np.zeros((len(x2), len(x1)))
for place, weight in zip(means, prior * 0.01):
    squares = (x1 - place[0]) ** 2 + (x2[:, None] - place[1]) ** 2
    picture += weight * np.exp(-squares / (2 * SIGMA_SQ)) / (2 * np.pi * SIGMA_SQ)
density = np.asarray(jax.jit(model.marginal_density)(x1, x2, z))
print(f"largest difference between loop and matrix product: {np.abs(picture - density).max():.0e}")
print(f"probability on this part of the plane: {density.sum() * 0.01**2:.3f}")

# %%
# To draw from the model is easy: first :math:`z`, then a point around its place. That is called ancestral sampling. Five hundred
# such points fall where the density is high.

samples = np.asarray(model.sample(jax.random.key(1), 500))

# sphinx_gallery_thumbnail_number = 3
# sphinx_gallery_alt = "The density of the data, a blurred tangle of loops, without and with five hundred points upon it."
fig, axes = plotting.panels(1, 2, size=4)
for ax in axes[0]:
    plotting.surface(ax, x1, x2, density, lines=8)
    ax.set(xlabel="$x_1$", xlim=(-0.5, 2.5), ylim=(-1.5, 1.5))
axes[0, 1].plot(*samples.T, ".", color=plotting.COLOURS[5], ms=3)
axes[0, 0].set(ylabel="$x_2$", title=r"Density $Pr(\mathbf{x})$")
axes[0, 1].set(title="500 samples")
plt.show()

# %%
# Which number was behind it?
# ---------------------------
# Bayes' rule answers with a distribution, the posterior (equation 17.19):
#
# .. math:: Pr(z|\mathbf{x}) = \frac{Pr(\mathbf{x}|z)\,Pr(z)}{Pr(\mathbf{x})}.
#
# On a grid it takes three lines: multiply, and divide by the sum. The notebook's point (0.9, -0.9) may stem from three stretches
# of the curve that pass close by, and others from more or fewer.

asked = np.array([[0.9, -0.9], [1.3, 0.4], [0.2, 0.9], [0.6, -0.2]], np.float32)
likelihood = np.exp(-((means - asked[0]) ** 2).sum(axis=1) / (2 * SIGMA_SQ))
joint = likelihood * prior
by_hand = joint / joint.sum()
posteriors = np.asarray(jax.jit(model.posterior)(asked, z))
print(f"largest difference from the library: {np.abs(by_hand - posteriors[0]).max():.0e}")

# sphinx_gallery_alt = "Left, four points on the density; right, four posteriors, each with two or more peaks."
fig, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4))
plotting.surface(left, x1, x2, density, lines=8)
left.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
for point, beliefs, colour in zip(asked, posteriors, (plotting.COLOURS[5], "w", *plotting.COLOURS[2:4])):
    left.plot(*point, "o", color=colour, mec="k", ms=8)
    label = f"({point[0]:.1f}, {point[1]:.1f})"
    right.plot(z, beliefs / 0.01, color="0.6" if colour == "w" else colour, label=label)
right.set(
    xlabel="latent variable $z$", ylabel=r"posterior density $Pr(z|\mathbf{x})$", xlim=(-3, 3), ylim=(0, None)
)
right.legend(title="given the point")
plt.show()

# %%
# What if there is more noise, or less?
# -------------------------------------
# With less noise the curve itself shows, and a point betrays its latent variable almost surely. With more, the tangle becomes a
# cloud, and posteriors spread over everything near. The uncertainty about :math:`z`, averaged over points, is what the panels'
# titles give: the entropy of the posterior in nats, which for the prior alone is 1.42. (A value below zero means a density that
# is narrow.)


@jax.jit
def look(sigma_sq):
    """Compute the density, and the average entropy of the posteriors of its own samples."""
    points = model.sample(jax.random.key(2), 500, sigma_sq)
    beliefs = model.posterior(points, z, sigma_sq)
    entropy = -jnp.sum(beliefs * jnp.log(jnp.maximum(beliefs, 1e-30) / 0.01), axis=1)
    return model.marginal_density(x1, x2, z, sigma_sq), jnp.mean(entropy)


# sphinx_gallery_alt = "Four densities with growing noise: a sharp tangle of lines, blurred loops, and in the end a cloud."
fig, axes = plotting.panels(1, 4, size=2.5)
for ax, sigma_sq in zip(axes[0], (0.002, 0.01, 0.04, 0.2)):
    shown, entropy = look(sigma_sq)
    plotting.surface(ax, x1, x2, np.asarray(shown), lines=np.arange(0.1, 1, 0.2) * np.max(shown))
    ax.set(title=f"$\\sigma^2 = {sigma_sq:g}$, {entropy:.2f} nats", xlabel="$x_1$")
axes[0, 0].set(ylabel="$x_2$")
plt.show()
