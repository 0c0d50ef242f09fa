r"""
14.A What is a good generative model?
=====================================

A generative model has seen digits and now makes its own. Are they good? Nobody can look at thousands of them, and there is no right
answer to compare each with. So people have invented measures: how likely the model finds real digits, how sure a classifier is of
what was made, how alike two clouds of features are. What does each of them see, and how can each be fooled?

*In the book: sections 14.2 and 14.3. There is no notebook; scipy and prdc are the witnesses.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch14_unsupervised import densities, digit_features, measures
from udl_jax.data.mnist import load_mnist

plotting.use_book_style()

# %%
# Three models and three impostors
# --------------------------------
# The models are as simple as can be: one Gaussian for all pixels; one Gaussian for each digit; and a *kernel density estimate*,
# which draws a training digit and adds noise. The impostors were made to please: one hands out training digits; one shows the
# same ten digits again and again, those of which a classifier is surest; and one makes nothing but noise, save for one sample
# in a hundred that comes from the second model. The classifier, a network with two hidden layers that was trained on the 8,000
# digits, ships with the library: it will look at the samples later, too.

data = load_mnist()
flat = np.asarray(data.x_train).reshape(8000, 784)
dequantised = ((255 * flat + np.random.default_rng(0).uniform(size=flat.shape)) / 256).astype(flat.dtype)
one = densities.fit_gaussians(dequantised, floor=1e-3)
ten = densities.fit_gaussians(dequantised, np.asarray(data.y_train), floor=1e-3)
noise = densities.Gaussian(0.5 + 0 * one.mean, jnp.eye(784)[None], one.log_share)
width, total = 0.2, 2000

keys = jax.random.split(jax.random.key(0), 5)
draw = jax.jit(densities.sample_gaussians, static_argnums=2)
by_ten, by_noise = draw(keys[1], ten, total), draw(keys[2], noise, total)
kernel = flat[:total] + width * np.asarray(jax.random.normal(keys[3], (total, 784)))
network, provenance = digit_features.load_digit_network()
best_of_class = np.asarray(digit_features.extract(network, flat).probabilities).argmax(axis=0)
made = {
    "one Gaussian": draw(keys[0], one, total),
    "ten Gaussians": by_ten,
    "kernels": kernel,
    "copies": flat[:total],
    "ten digits": flat[np.tile(best_of_class, total // 10)],
    "noise": np.where(np.arange(total)[:, None] % 100 == 0, by_ten, by_noise),
}
made = {name: np.clip(np.asarray(x), 0, 1) for name, x in made.items()}

# sphinx_gallery_thumbnail_number = 1
# sphinx_gallery_alt = "Ten samples of each: blurred strokes from the Gaussians, grainy digits, clean digits, and grey noise."
fig, axes = plt.subplots(6, 10, figsize=(8, 5.2), gridspec_kw={"wspace": 0.05, "hspace": 0.05})
for row, (name, x) in zip(axes, made.items()):
    for ax, image in zip(row, x[:10]):
        ax.imshow(image.reshape(28, 28), cmap="Greys", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
    row[0].set_ylabel(name, rotation=0, ha="right", va="center")
plt.show()

# %%
# How likely are real digits?
# ---------------------------
# A model that has a density can be asked what density it gives to digits it has not seen. A pixel is one of 256 grey levels,
# and a density over whole numbers can be made as high as one likes by spikes at them. So uniform noise is added first. What is
# reported is *bits per dimension*: how many bits a code made for the model would need for one pixel. It needs 8 without a
# model.

unseen = np.asarray(data.x_test).reshape(2000, 784)[:500]
unseen = ((255 * unseen + np.random.default_rng(1).uniform(size=unseen.shape)) / 256).astype(flat.dtype)
score = jax.jit(densities.log_density)
of_ten = score(ten, unseen)
log_densities = {
    "one Gaussian": score(one, unseen),
    "ten Gaussians": of_ten,
    "kernels": densities.kernel_log_density(unseen, flat[:total], width),
    "noise": jnp.logaddexp(np.log(0.01) + of_ten, np.log(0.99) + score(noise, unseen)),
}
for name, values in log_densities.items():
    found = measures.log_likelihood(values, dimensions=784, levels=256)
    by_hand = -np.asarray(values).mean() / (784 * np.log(2)) + 8
    print(
        f"{name:14} {found.nats:7.1f} +- {found.error:4.1f} nats, {found.bits_per_dimension:.4f} bits a pixel; "
        f"by hand {by_hand:.4f}"
    )

# %%
# **Fooled.** A model that makes noise 99 times in a hundred loses no more than :math:`\log 100`, which is 4.6 nats, and in bits
# a pixel that is less than a hundredth. The likelihood of test data asks whether everything real is possible, and not whether
# what is made is real.

# %%
# What does a classifier say?
# ---------------------------
# The *inception score* lets a classifier look. Of each sample it should be sure, and over all samples the classes should be
# equally many (section 14.3):
#
# .. math::
#    \text{IS} = \exp\Bigl[\frac1I\sum_{i=1}^I D_{KL}\bigl[Pr(y|\mathbf{x}^*_i)\,\big\|\,Pr(y)\bigr]\Bigr],
#    \qquad Pr(y) = \frac1I\sum_{i=1}^I Pr(y|\mathbf{x}^*_i).
#
# The *Frechet distance* compares the features that the classifier computes on the way, as if both clouds were Gaussian: with
# means :math:`\mathbf{m},\mathbf{n}` and covariances :math:`\mathbf{C},\mathbf{D}`,
#
# .. math::
#    \text{FD} = |\mathbf{m}-\mathbf{n}|^2 + \text{tr}\bigl[\mathbf{C}+\mathbf{D}-2(\mathbf{C}\mathbf{D})^{1/2}\bigr].
#
# For photographs the classifier is one called Inception, which gave the score its name.

print(f"the classifier gets {100 * provenance['test_accuracy']:.1f} % of the test digits right")
real = digit_features.extract(network, data.x_test)
seen = {name: digit_features.extract(network, x) for name, x in made.items()}

p = np.asarray(seen["one Gaussian"].probabilities)
by_hand = np.exp((p * np.log(np.maximum(p, 1e-30) / p.mean(axis=0))).sum(axis=1).mean())
print(f"inception score: differs by {abs(by_hand - measures.inception_score(p)):.0e}")

a, b = np.asarray(seen["one Gaussian"].features), np.asarray(real.features)
C, D = np.cov(a.T), np.cov(b.T)
roots = np.sqrt(np.maximum(np.linalg.eigvals(C @ D).real, 0))
by_hand = ((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum() + np.trace(C + D) - 2 * roots.sum()
print(f"Frechet distance: differs by {abs(by_hand - measures.frechet_distance(a, b)):.0e}")

# %%
# Precision, recall, density, coverage
# ------------------------------------
# One number cannot tell a model that makes poor digits from one that makes few kinds of them. *Precision* and *recall* can:
# draw a ball around each real digit's features, out to its fifth neighbour. Precision is the share of made samples that lie in
# any of these balls. Recall is the same with the parts exchanged: the share of real digits in balls around made ones. *Density*
# counts in how many balls a made sample lies, and *coverage* how many balls hold any.

table = {}
for name, x in seen.items():
    pr = measures.precision_recall(real.features, x.features, 5)
    dc = measures.density_coverage(real.features, x.features, 5)
    score_of, distance = (
        measures.inception_score(x.probabilities),
        measures.frechet_distance(x.features, real.features),
    )
    table[name] = [float(number) for number in (score_of, distance, *pr, *dc)]
columns = ("inception score", "Frechet distance", "precision", "recall", "density", "coverage")
print(f"{'':14}" + "".join(f"{column:>18}" for column in columns))
for name, row in table.items():
    print(f"{name:14}" + "".join(f"{number:18.3f}" for number in row))

# sphinx_gallery_alt = "Six bar charts, one for each measure, with a bar for each of three models and three impostors."
fig, axes = plt.subplots(1, 6, figsize=(11, 3), sharey=True)
for k, (ax, column) in enumerate(zip(axes, columns)):
    colours = [plotting.COLOURS[0]] * 3 + [plotting.COLOURS[1]] * 3
    ax.barh(list(table), [row[k] for row in table.values()], color=colours)
    ax.set_title(f"{column}\n({'less' if k == 1 else 'more'} is better)", fontsize=9)
axes[0].invert_yaxis()
axes[1].set_xscale("log")
plt.show()

# %%
# The models are blue, the impostors orange. **The inception score** is fooled by the ten digits: they score higher than the
# copies, which are real, for it never asks about variety within a class. **The Frechet distance** is fooled by the copies, and
# so is coverage: nothing that was made comes nearer to the test digits. **Precision** thinks well of the one Gaussian, whose
# samples look like smears above. **Recall** thinks well of the noise: its samples lie far apart in the space of features, so
# the balls around them are huge, and hold nearly all real digits. That is why several measures are reported together.
#
# Was anything learned?
# ---------------------
# A copy is told by its distance to the training data. For each made sample, look for the nearest of the 2,000 training digits
# that were copied, pixel by pixel; fresh digits, which nobody has copied, show what is usual.

groups = {
    "copies": made["copies"],
    "ten Gaussians": made["ten Gaussians"],
    "fresh digits": np.asarray(data.x_test).reshape(2000, 784),
}

# sphinx_gallery_alt = "Histograms of the distance to the nearest training digit: copies at zero, the others spread around 5."
fig, ax = plt.subplots(figsize=(6, 3.2))
for name, x in groups.items():
    near = np.asarray(measures.nearest_distances(x[:400], flat[:total]))
    ax.hist(near, np.linspace(0, 12, 49), alpha=0.65, label=f"{name}: median {np.median(near):.1f}")
ax.set(xlabel="distance to the nearest training digit", ylabel="samples", xlim=(0, 12))
ax.legend()
plt.show()

# %%
# What if there are few samples?
# ------------------------------
# Then the Frechet distance is too large. Here both sets are real digits, so it should be zero. But covariances of few samples
# are noisy, noise looks like a difference, and the distance falls like one over their number. So distances may be compared only
# for equal numbers of samples.

features = np.asarray(digit_features.extract(network, flat).features)
numbers, distance = np.array([125, 250, 500, 1000, 2000, 4000]), jax.jit(measures.frechet_distance)
found = []
for number in numbers:
    splits = [np.random.default_rng([number, split]).permutation(8000)[: 2 * number] for split in range(5)]
    found.append(np.mean([distance(features[s[:number]], features[s[number:]]) for s in splits]))

# sphinx_gallery_alt = "Frechet distance between sets of real digits over their size: it falls along a line of slope -1."
fig, ax = plt.subplots(figsize=(5.4, 3.2))
ax.loglog(numbers, found, "o-", label="real digits against real digits")
ax.loglog(numbers, found[3] * numbers[3] / numbers, "k--", lw=1, label="one over the number")
ax.set(xlabel="samples in each set", ylabel="Frechet distance, mean of 5")
ax.set_xticks(numbers, [f"{number:,}" for number in numbers])
ax.minorticks_off()
ax.legend()
plt.show()
