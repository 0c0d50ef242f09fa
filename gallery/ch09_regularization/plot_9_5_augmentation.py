r"""
9.5 More data than there are
============================

A digit that is shifted to the left is still the same digit. The network does not know that: it has seen four thousand signals, and
takes their positions as seriously as their shapes. If we know of changes that leave the label as it is, we can make more examples
from those that we have. How much is that worth, and which of the changes is it that helps?

*In the book: section 9.3.8. Notebook 9.5.*
"""

import dataclasses

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch08_performance import mnist1d
from udl_jax.ch09_regularization import augmentation
from udl_jax.data.mnist1d import load_mnist1d

plotting.use_book_style()

# %%
# Without augmentation
# --------------------
# Data and training are those of 8.1, with two hidden layers of 200 units, 50 epochs, and a learning rate of 0.05. The notebook
# makes a scheduler that would halve the rate every ten epochs, but never steps it, so the rate stays. Here are three seeds,
# trained side by side; the training error is zero long before the end, and the test error is not.

data = load_mnist1d()
keys = jax.random.split(jax.random.key(0), 3)
plain = mnist1d.train_seeds(keys, data, augmentation.BOOK)
print(f"test errors after 50 epochs: {plain.history.test.error[:, -1]} %")


def draw(ax, errors, colour, label):
    """Draw the mean over seeds, and their range."""
    epochs = range(1, errors.shape[1] + 1)
    ax.fill_between(epochs, errors.min(axis=0), errors.max(axis=0), color=colour, alpha=0.2, lw=0)
    ax.plot(epochs, errors.mean(axis=0), color=colour, label=label)


# sphinx_gallery_alt = "Training error falls to zero within about ten epochs, test error levels off near 35 percent."
fig, ax = plt.subplots()
draw(ax, plain.history.train.error, plotting.TRAIN, "training")
draw(ax, plain.history.test.error, plotting.TEST, "test")
ax.set(xlabel="epoch", ylabel="error in %", xlim=(0, 50), ylim=(0, 100))
ax.set(
    title=f"Training {plain.history.train.error[:, -1].mean():.1f} %, test {plain.history.test.error[:, -1].mean():.1f} %"
)
ax.legend()
plt.show()

# %%
# Shifted and scaled copies
# -------------------------
# A copy of a signal :math:`x_1 \dots x_{40}` is rolled by a random number of positions :math:`s`, and multiplied by a random
# factor :math:`a` between 0.8 and 1.2. What leaves at one end comes back at the other:
#
# .. math:: x'_d = a\,x_{(d - s) \bmod 40}.
#
# This is the only formula of the page. One row, written out, and the same from the library, which does it for all rows at once;
# which signals are copied, the shifts and the factors are arguments, drawn from a key.

draws = augmentation.draw(jax.random.key(1), data, copies=4000)
more = augmentation.augment_data(data, draws)
row, shift, factor = (np.asarray(part)[0] for part in draws)
copy = factor * np.asarray(data.x_train[row])[(np.arange(40) - shift) % 40]
print(
    f"signal {row}, rolled by {shift}, times {factor:.3f}: off the library's by {np.abs(copy - more.x_train[4000]).max():.0e}"
)
print(f"{len(data.x_train):,} signals have become {len(more.x_train):,}")

# sphinx_gallery_alt = "Four signals, each with its copy below: the same shape, moved along and slightly larger or smaller."
fig, axes = plt.subplots(2, 4, figsize=(9, 3.2), sharex=True, sharey=True)
for column in range(4):
    original = data.x_train[draws.indices[column]]
    axes[0, column].plot(original, color="0.4")
    axes[1, column].plot(more.x_train[4000 + column], color=plotting.COLOURS[2])
    axes[0, column].set(title=f"a {data.y_train[draws.indices[column]]}")
    axes[1, column].set(
        title=f"by {draws.shifts[column]}, times {draws.factors[column]:.2f}", xlabel="position"
    )
axes[0, 0].set(ylabel="original")
axes[1, 0].set(ylabel="copy")
plt.show()

# %%
# With augmentation
# -----------------
# The same training on twice the data. An epoch has twice as many steps now, so this also trains for longer; whether that is the
# reason will be seen below.

augmented = mnist1d.train_seeds(keys, more, augmentation.BOOK)

# sphinx_gallery_thumbnail_number = 3
# sphinx_gallery_alt = "Three curves over 50 epochs: the test error with augmentation ends a few points below the one without."
fig, ax = plt.subplots()
draw(ax, plain.history.train.error, plotting.TRAIN, "training")
draw(ax, plain.history.test.error, plotting.TEST, "test")
draw(ax, augmented.history.test.error, plotting.COLOURS[2], "test, augmented")
before, after = (fit.history.test.error[:, -1].mean() for fit in (plain, augmented))
ax.set(
    xlabel="epoch",
    ylabel="error in %",
    xlim=(0, 50),
    ylim=(0, 100),
    title=f"Test error {before:.1f} %, augmented {after:.1f} %",
)
ax.legend()
plt.show()

# %%
# Which of the changes is it?
# ---------------------------
# Five other trainings, three seeds each: copies that are not changed at all, which only make the epochs longer; scaled only;
# shifted only; the scheduler stepped, as it was meant to be; and signals that are changed anew whenever they are visited, for
# 100 epochs, which makes the number of steps the same as with the notebook's copies.
#
# For the last one, the draws enter the training itself: its objective changes each batch before it computes the loss, with a
# shift and a factor for each signal in each of 4,000 steps. No two copies are the same then, and it does best.

still = draws._replace(shifts=jnp.zeros_like(draws.shifts), factors=jnp.ones_like(draws.factors))
stepped = dataclasses.replace(augmentation.BOOK, decay=0.5)
longer = dataclasses.replace(augmentation.BOOK, epochs=100)


def ends(data, settings=augmentation.BOOK):
    """Return the final test error for each seed."""
    return np.asarray(mnist1d.train_seeds(keys, data, settings).history.test.error[:, -1])


results = {
    "no copies": plain.history.test.error[:, -1],
    "copies, unchanged": ends(augmentation.augment_data(data, still)),
    "scaled only": ends(augmentation.augment_data(data, draws._replace(shifts=still.shifts))),
    "shifted only": ends(augmentation.augment_data(data, draws._replace(factors=still.factors))),
    "shifted and scaled": augmented.history.test.error[:, -1],
    "the same, scheduler stepped": ends(more, stepped),
    "changed at each visit": np.array(
        [augmentation.train_on_changing_data(key, data, longer).history.test.error[-1] for key in keys]
    ),
}

# sphinx_gallery_alt = "A row of three dots for each training; those with shifts lie far to the left of those without."
fig, ax = plt.subplots(figsize=(6.4, 3.4))
for row, errors in enumerate(results.values()):
    ax.plot(errors, np.full(3, row), "o", color=plotting.COLOURS[0], alpha=0.7)
ax.set(xlabel="test error in %", title="Final test error, one dot for each seed")
ax.set_yticks(range(len(results)), results)
ax.invert_yaxis()
plt.show()
for name, errors in results.items():
    print(f"{name:28s} {np.mean(errors):.1f} %")

# %%
# The shifts do the work. That is no surprise: the data were made by shifting templates, so position is what the label does not
# depend on. Scaling makes no difference that three seeds would show. In chapter 10, knowledge of this kind is built into the
# network itself.
