r"""
8.3 Larger, worse, better
=========================

By everything that 8.2 taught, a network with more parameters than there are examples should be hopeless: it can learn every
example by heart, mistakes included. Deep networks are that large, and they work. Where does the old rule fail, and what does the
test error look like on the way there?

*In the book: section 8.4, figures 8.10 and 8.11. Notebook 8.3.*
"""

import os

import jax
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch08_performance import double_descent as descent
from udl_jax.data.full_scale import load_full_scale
from udl_jax.data.mnist1d import cache_directory, load_mnist1d

plotting.use_book_style()

# %%
# Labels that cannot be understood, only remembered
# -------------------------------------------------
# The task is MNIST-1D, half of the examples for training, half for testing. To make the effect stronger, 15 % of the training
# labels are replaced by random ones. With a uniform number :math:`u_i` as a coin, and a random digit :math:`d_i`, the labels
# are
#
# .. math:: \tilde{y}_i = \begin{cases} d_i & u_i < 0.15 \\ y_i & \text{otherwise.} \end{cases}
#
# In one case out of ten the random digit is the right one, so a little less than 15 % are wrong: the notebook's labels have
# this too.

clean = load_mnist1d(num_samples=8000, train_split=0.5)
coins, uniforms = jax.random.uniform(jax.random.key(0), (2, 4000))
noisy = np.where(coins < 0.15, np.floor(10 * uniforms), clean.y_train).astype(int)
ours = descent.noisy_labels(clean.y_train, coins, uniforms)
print(f"labels that differ from the library's: {np.sum(noisy != ours)}")
print(f"replaced {100 * np.mean(coins < 0.15):.1f} %, wrong {100 * np.mean(noisy != clean.y_train):.1f} %")

# %%
# How large is a network?
# -----------------------
# The network has two hidden layers of :math:`D_k` units each between 40 inputs and 10 outputs, and every layer has weights and
# biases:
#
# .. math:: N[D_k] = (40 + 1) D_k + (D_k + 1) D_k + (D_k + 1) \cdot 10.
#
# The notebook asks us to predict, before we run anything: at which width does the training error become zero, where is the
# first minimum of the test error, and where its maximum? A natural guess for the first is the width at which there are as many
# parameters as training examples.

widths = np.array(descent.WIDTHS)
sizes = 41 * widths + (widths + 1) * widths + (widths + 1) * 10
differences = sizes - [descent.count_parameters(int(width)) for width in widths]
print(f"largest difference from the library's: {np.abs(differences).max()}")
equal = int(widths[np.argmin(np.abs(sizes - 4000))])
print(f"nearest to 4,000 parameters: width {equal}, with {descent.count_parameters(equal):,}")

# %%
# A small version, run now
# ------------------------
# The book's setting is 28 widths, 1,000 epochs each, on 4,000 examples: more than a million steps. Here first are eleven widths
# on 2,000 examples, three seeds each. Every width is a program of its own; ``sweep`` lets two Python threads compile and run
# them side by side.

SMALL = descent.Settings(
    widths=(4, 8, 12, 16, 22, 28, 34, 42, 55, 80, 130), epochs=300, every=100, rate=0.03, batch=50
)


def sweep(seed, noise=0.15, settings=SMALL, examples=4000, directory=None):
    """Draw noise, weights and batch orders from a seed, and train all widths."""
    key_data, key = jax.random.split(jax.random.key(seed))
    data = descent.load_data(key_data, noise, examples)
    return descent.sweep(key, data, settings, directory=directory, progress=directory is not None)


def draw(ax, widths, errors, threshold, **labels):
    """Draw training and test errors of several seeds, and where parameters and examples are equally many."""
    for part, colour in (("train", plotting.TRAIN), ("test", plotting.TEST)):
        for values in errors[part]:
            ax.plot(widths, values, color=colour, lw=0.8, alpha=0.5)
        ax.plot(widths, np.mean(errors[part], axis=0), "o-", color=colour, ms=3, label=part)
    ax.axvline(threshold, color="0.5", ls="--", lw=1, label="parameters = examples")
    ax.set(xlabel="hidden units in each layer", ylabel="error in %", ylim=(0, 100), **labels)
    ax.legend()


curves = [sweep(seed) for seed in range(3)]
errors = {part: [getattr(c, part).error[:, -1] for c in curves] for part in ("train", "test")}
threshold = np.interp(2000, curves[0].parameters, SMALL.widths)

# sphinx_gallery_alt = "Training error falls to zero at about 50 units; test error falls, rises a little, and falls again."
fig, ax = plt.subplots(figsize=(6, 3.8))
draw(ax, SMALL.widths, errors, threshold, title="2,000 examples, 300 epochs, three seeds", xscale="log")
plt.show()
found = np.mean(errors["test"], axis=0)
for width, train, test in zip(SMALL.widths, np.mean(errors["train"], axis=0), found):
    print(f"width {width:3d}: training error {train:4.1f} %, test error {test:4.1f} %")

# %%
# The full setting
# ----------------
# And this is the book's full setting, recorded once with three seeds; the print says where and how. Among the small networks,
# training and test error fall together. Then the test error rises, to a maximum where the training error is about to reach
# zero. That is the worst place: the network has just enough parameters for all the noise, and none to spare for doing it
# gently. Larger networks have a choice among many functions that fit; the book suspects that training finds smoother ones
# (figure 8.11). The test error descends a second time.
#
# ``UDL_SCALE=book`` trains all of it with another seed, keeps each width as soon as it is done, and goes on from there if it is
# stopped.

full = load_full_scale("double_descent")
last = {part: full[f"{part}_error"][:, :, -1] for part in ("train", "test")}
train, test = last["train"].mean(axis=0), last["test"].mean(axis=0)
zero = int(full["widths"][np.argmax(train < 0.5)])
peak = int(np.argmax(np.where(full["widths"] > 12, test, 0)))
first = int(np.argmin(test[:peak]))
print(f"training error below 0.5 % from width {zero} on, {descent.count_parameters(zero):,} parameters")
for name, k in (("first minimum", first), ("maximum", peak), ("widest", len(test) - 1)):
    print(f"{name}: {test[k]:.1f} % at width {full['widths'][k]}, {full['parameters'][k]:,} parameters")
for name, value in {"seeds": full["seeds"].tolist(), **full["provenance"]}.items():
    print(f"{name}: {value}")

# sphinx_gallery_thumbnail_number = 2
# sphinx_gallery_alt = "At full scale, the test error has a minimum, then a hump near the dashed line, and then falls again."
fig, ax = plt.subplots(figsize=(6.4, 4))
threshold = np.interp(4000, full["parameters"], full["widths"])
title = f"First minimum {test[first]:.0f} %, maximum {test[peak]:.0f} %, end {test[-1]:.0f} %"
draw(ax, full["widths"], last, threshold, title=title, xscale="log")
if os.environ.get("UDL_SCALE") == "book":
    fourth = sweep(3, 0.15, descent.BOOK, 8000, cache_directory() / "double_descent")
    ax.plot(fourth.widths, fourth.test.error[:, -1], "k", lw=1, label="test, run now")
    ax.legend()
plt.show()

# %%
# What if training were shorter?
# ------------------------------
# The same recordings, evaluated on the way. Interpolation takes time: the hump is the work of later epochs, in which networks
# of medium size learn the wrong labels by heart. To stop earlier would have been a regularizer, and is one in chapter 9.

# sphinx_gallery_alt = "Test error against width after 100, 300 and 1,000 epochs; the hump grows with the number of epochs."
fig, axes = plt.subplots(1, 2, figsize=(9, 3.6))
for evaluation, shade in zip((0, 2, 9), ("0.7", plotting.COLOURS[5], plotting.COLOURS[0])):
    for ax, part in zip(axes, ("train", "test")):
        values = full[f"{part}_error"][:, :, evaluation].mean(axis=0)
        ax.semilogx(
            full["widths"], values, "o-", ms=3, color=shade, label=f"{full['epochs'][evaluation]:,} epochs"
        )
for ax, part in zip(axes, ("training", "test")):
    ax.set(xlabel="hidden units in each layer", ylabel=f"{part} error in %")
axes[1].legend()
plt.show()

# %%
# What if the labels were clean?
# ------------------------------
# Then there is nothing to be learnt by heart against the sense of the data. Here is the small version again, with the labels as
# they are, beside the one from above.

quiet = np.mean([sweep(seed, noise=0.0).test.error[:, -1] for seed in range(3)], axis=0)

# sphinx_gallery_alt = "Test error against width for noisy and clean labels; without noise the curve lies lower and keeps falling."
fig, ax = plt.subplots()
ax.semilogx(SMALL.widths, found, "o-", ms=4, label="15 % random labels")
ax.semilogx(SMALL.widths, quiet, "o-", ms=4, label="clean labels")
ax.set(xlabel="hidden units in each layer", ylabel="test error in %", title="The hump is made of noise")
ax.legend()
plt.show()
rise = {name: values[4:8].max() - values[:4].min() for name, values in (("noisy", found), ("clean", quiet))}
print(
    f"highest from 22 to 42 units less lowest up to 16: {rise['noisy']:+.1f} points noisy, {rise['clean']:+.1f} clean"
)
