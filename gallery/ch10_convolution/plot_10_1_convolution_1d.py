r"""
10.1 A handful of weights, everywhere
=====================================

A fully connected layer gives each output a weight for each input. A convolutional layer makes do with three numbers in all, which
it uses at every place. What can three numbers do to a signal, and is such a layer something new, or a fully connected one with
most of its weights set to zero? This page computes all the variants of figure 10.3, and the matrix that answers the question.

*In the book: section 10.2, equation 10.3, figures 10.2 to 10.4. Notebook 10.1.*
"""

import jax
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch10_convolution import convolution_1d

plotting.use_book_style()

# %%
# One formula
# -----------
# Each output is a weighted sum of an input and its two neighbours (the core of equation 10.3, to which a layer adds an offset
# and a ReLU):
#
# .. math:: z_i = \omega_1 x_{i-1} + \omega_2 x_i + \omega_3 x_{i+1}.
#
# The first and the last place have only one neighbour. *Zero padding* takes what is missing as zero. In code, the signal gets a
# zero at both ends, and each weight multiplies a slice of it; the library's ``convolve`` does the same for any number of weights.

x = np.array([5.2, 5.3, 5.4, 5.1, 10.1, 10.3, 9.9, 10.3, 3.2, 3.4, 3.3, 3.1])
omega = np.array([0.33, 0.33, 0.33])

padded = np.pad(x, 1)
z = omega[0] * padded[:-2] + omega[1] * padded[1:-1] + omega[2] * padded[2:]

convolve = jax.jit(convolution_1d.convolve, static_argnames=("stride", "dilation"))
print(f"largest difference from the library: {np.abs(z - convolve(x, omega)).max():.0e}")
print(f"sum of the outputs: {z.sum():.3}, as the author prints it: 71.1")

# %%
# Three equal weights average, so they smooth. Weights of -0.5, 0 and 0.5 take differences, so they find the steps: the result is
# large where the signal rises, negative where it falls. At the ends, both are misled by the zeros beyond.

differences = convolve(x, np.array([-0.5, 0.0, 0.5]))

# sphinx_gallery_alt = "A signal with two steps, beside it the smoothed signal, and the differences with a peak and a trough."
fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.2), sharex=True)
for ax, result, title in zip(
    axes, (z, differences), ("0.33, 0.33, 0.33: an average", "-0.5, 0, 0.5: a difference")
):
    ax.axhline(0, color="0.85", lw=1)
    ax.plot(x, color=plotting.DATA, label="before")
    ax.plot(result, "o-", ms=4, color=plotting.COLOURS[1], label="after")
    ax.set(xlabel="place $i$", xlim=(0, 11), title=title)
axes[0].set(ylabel="value")
axes[0].legend(loc="lower center")
plt.show()

# %%
# Stride, kernel size, dilation
# -----------------------------
# Three more numbers describe a convolution. The *stride* is the distance from one output to the next: with 2, every other output
# is left out. The *kernel size* is the number of weights. The *dilation* is the distance between the places that neighbouring
# weights look at: with 2, three weights reach as far as five, and skip every other place. (The first printing of the book calls
# this dilation 1.)

fifths = np.full(5, 0.2)
variants = {
    "stride 2": convolve(x, omega, stride=2),
    "kernel size 5": convolve(x, fifths),
    "dilation 2": convolve(x, omega, dilation=2),
}
for name, result in variants.items():
    print(f"{name}: {len(result)} outputs, sum {np.asarray(result).sum():.3}")

# sphinx_gallery_alt = "Three panels with the signal before and after a convolution of stride 2, of kernel size 5, of dilation 2."
fig, axes = plt.subplots(1, 3, figsize=(9.4, 3), sharey=True)
for ax, (name, result) in zip(axes, variants.items()):
    ax.plot(x, color=plotting.DATA, label="before")
    ax.plot(np.arange(12)[:: 12 // len(result)], result, "o-", ms=4, color=plotting.COLOURS[1], label="after")
    ax.set(xlabel="place $i$", xlim=(0, 11), ylim=(0, 12), title=name)
axes[0].set(ylabel="value")
axes[0].legend(loc="lower center")
plt.show()

# %%
# A fully connected layer in disguise
# -----------------------------------
# All of these are linear, so each is a product with a matrix (figure 10.4). Its rows hold the same few weights, moved on from row
# to row; everything else is zero. So a convolutional layer is a fully connected one in which nearly all weights are zero and the
# others are shared. With the notebook's weights -1, 0.5 and -0.2:

weights = np.array([-1.0, 0.5, -0.2])
matrix = convolution_1d.convolution_matrix(12, weights)
print(f"largest difference, matrix times signal: {np.abs(matrix @ x - convolve(x, weights)).max():.0e}")
print(f"{np.count_nonzero(matrix)} of {matrix.size} entries are not zero; there are 3 different ones")

pictures = {
    "size 3": matrix,
    "stride 2": convolution_1d.convolution_matrix(12, weights, stride=2),
    "dilation 2": convolution_1d.convolution_matrix(12, weights, dilation=2),
}
# sphinx_gallery_alt = "Three matrices: a diagonal band, a band that moves on by two columns a row, a band with gaps."
# sphinx_gallery_thumbnail_number = 3
fig, axes = plt.subplots(1, 3, figsize=(9, 3.2))
for ax, (name, picture) in zip(axes, pictures.items()):
    image = ax.imshow(picture, cmap="RdBu", vmin=-1, vmax=1)
    ax.set(xlabel="input", title=name, xticks=(0, 11), yticks=(0, len(picture) - 1))
axes[0].set(ylabel="output")
fig.colorbar(image, ax=axes, label="weight", shrink=0.75)
plt.show()

# %%
# What if we convolve twice?
# --------------------------
# That is the notebook's last question. Two weighted sums in a row are again a weighted sum, over five places: the two kernels,
# convolved with each other. ``compose`` gives its weights. They do the same everywhere but at the ends: there the first of the
# two layers throws away what it would have had beyond the ends, and the single kernel sees that too. As a matrix, the answer is
# exact: convolving twice is the square of the matrix.

twice = convolve(convolve(x, weights), weights)
both = convolution_1d.compose(weights, weights)
once = convolve(x, both)
print("one kernel for two:", ", ".join(f"{w:.2f}" for w in both))
print(f"largest difference inside: {np.abs(twice - once)[1:-1].max():.0e}")
print(f"differences at the ends: {abs(twice - once)[0]:.2f} and {abs(twice - once)[-1]:.2f}")
print(f"largest difference from the square of the matrix: {np.abs(matrix @ matrix @ x - twice).max():.0e}")

# sphinx_gallery_alt = "Convolving twice and once with the composed kernel: two curves that part at the first and last place only."
fig, ax = plt.subplots(figsize=(5.5, 3.2))
ax.plot(twice, "o-", ms=6, color=plotting.COLOURS[0], label="convolved twice")
ax.plot(once, "s--", ms=4, color=plotting.COLOURS[1], label="once, with five weights")
ax.set(xlabel="place $i$", ylabel="value", xlim=(-0.3, 11.3), title="The same, except at the two ends")
ax.legend(fontsize="small")
plt.show()

# %%
# What if we turn the matrix round?
# ---------------------------------
# The transpose of a matrix with stride 2 makes many numbers out of few: each input spreads a copy of the kernel, and where copies
# overlap they add up. Networks that have to produce images use this (figure 10.13). JAX can transpose any linear function, so
# nothing new has to be written; ``convolve_transposed`` is only the faster form.


def halve(signal):
    """Convolve five places with 1, 2, 3, without padding, at stride 2."""
    return convolution_1d.convolve(signal, np.array([1.0, 2.0, 3.0]))[1:-1:2]


few = np.array([1.0, 10.0], np.float32)
(many,) = jax.linear_transpose(halve, np.zeros(5, np.float32))(few)
print("1 and 10, spread by the kernel 1, 2, 3:", *(f"{value:.0f}" for value in many))
print(
    "by the library:",
    *(f"{v:.0f}" for v in convolution_1d.convolve_transposed(few, np.array([1.0, 2.0, 3.0]))),
)
