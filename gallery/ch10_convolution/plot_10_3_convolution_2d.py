r"""
10.3 One pixel, then all of them
================================

The convolution of a batch of images is seven loops: over images, rows, columns, output channels, input channels, and the rows and
columns of the kernel. The notebook writes them one after the other and checks each against PyTorch. Here only the innermost sum is
written down, for a single pixel. Who writes the other loops?

*In the book: section 10.3, equation 10.6, figures 10.9 and 10.10. Notebook 10.3.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting, training
from udl_jax.ch10_convolution import convolution_2d

plotting.use_book_style()
generator = np.random.default_rng(1)

# %%
# One pixel
# ---------
# An output pixel is a weighted sum over a small window of the image (equation 10.6, without its offset and activation):
#
# .. math:: z_{ij} = \sum_{m=1}^{3}\sum_{n=1}^{3}\omega_{mn}\,x_{i+m-2,\,j+n-2}.
#
# In code: cut the window out, multiply, add up. A ring of zeros around the image takes care of the borders, and moves all
# indices by one. The library's ``output_pixel`` is this line, for images with any number of channels.

image = generator.normal(size=(4, 6)).astype(np.float32)
kernel = generator.normal(size=(3, 3)).astype(np.float32)
ringed = np.pad(image, 1)

by_hand = np.array([[np.sum(kernel * ringed[i : i + 3, j : j + 3]) for j in range(6)] for i in range(4)])

convolve = jax.jit(convolution_2d.convolve, static_argnames=("stride", "pad"))
found = convolve(image[None, :, :, None], kernel[:, :, None, None])[0, :, :, 0]
print(f"largest difference from the library: {np.abs(by_hand - found).max():.0e}")

# sphinx_gallery_alt = "A random image of 4 by 6 pixels, a kernel of 3 by 3, and the result, each as a grid of shades with numbers."
fig, axes = plt.subplots(1, 3, figsize=(9.4, 2.7), width_ratios=(6, 3, 6))
for ax, values, title in zip(axes, (image, kernel, by_hand), ("image", "kernel", "image, convolved")):
    ax.imshow(values, cmap="RdBu", vmin=-5, vmax=5)
    for (row, column), value in np.ndenumerate(values):
        ax.text(column, row, f"{value:.1f}", ha="center", va="center", fontsize=8)
    ax.set(title=title, xticks=(), yticks=())
plt.show()

# %%
# All pixels
# ----------
# ``vmap`` turns a function of one thing into a function of many. Applied to the function of one pixel, once for each loop that
# is missing, it gives the whole convolution: over output channels, columns, rows, and images. That is all there is to
# ``convolution_2d.convolve``. An input may have several channels; then the window, and the kernel, are as deep.


def pixel(image, kernel, row, column):
    """Sum over a window, and over its channels."""
    window = jax.lax.dynamic_slice(image, (row, column, 0), kernel.shape)
    return jnp.sum(window * kernel)


channels = jax.vmap(pixel, (None, 3, None, None))
columns = jax.vmap(channels, (None, None, None, 0))
rows = jax.vmap(columns, (None, None, 0, None))
everything = jax.jit(jax.vmap(rows, (0, None, None, None)))

images = generator.normal(size=(2, 4, 6, 5)).astype(np.float32)
kernels = generator.normal(size=(3, 3, 5, 2)).astype(np.float32)
ours = everything(np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0))), kernels, np.arange(4), np.arange(6))
print(f"2 images, 5 channels in, 2 out: shape {ours.shape}")
print(f"largest difference from the library: {np.abs(ours - convolve(images, kernels)).max():.0e}")

# %%
# JAX's own routine is ``lax.conv_general_dilated``. It has to be told the order of the axes: images are (batch, height, width,
# channels) here, where PyTorch puts the channels second. ``convolve_by_lax`` calls it. The layer that the next pages train, Flax's
# ``Conv`` in our version, is a third way: on a CPU it lays all windows side by side and multiplies matrices.

ways = {
    "conv_general_dilated": jax.jit(convolution_2d.convolve_by_lax)(images, kernels),
    "Conv": jax.jit(training.Conv(2, (3, 3), use_bias=False).apply)({"params": {"kernel": kernels}}, images),
}
for name, result in ways.items():
    print(f"largest difference from {name}: {np.abs(ours - result).max():.0e}")

# %%
# What a kernel sees
# ------------------
# Random numbers show that the sums are right; a picture shows what they are for. The same kind of sum, with weights chosen by
# hand, blurs a photograph, finds its upright edges, or its level ones. A network does not choose: it learns these weights.

with plt.matplotlib.cbook.get_sample_data("grace_hopper.jpg") as file:
    photograph = plt.imread(file).astype(np.float32).mean(axis=2)[40:380, 120:400] / 255
blur = np.full((7, 7), 1 / 49, np.float32)
upright = np.zeros((7, 7), np.float32)
upright[2:5, 2], upright[2:5, 4] = -1, 1
hand_made = np.stack([blur, upright, upright.T], axis=-1)[:, :, None]
seen = convolve(photograph[None, :, :, None], hand_made, pad=3)[0]

# sphinx_gallery_alt = "A portrait photograph, the same blurred, and two pictures of its upright and its level edges."
# sphinx_gallery_thumbnail_number = 2
fig, axes = plt.subplots(1, 4, figsize=(10, 3.3))
axes[0].imshow(photograph, cmap="gray")
axes[1].imshow(seen[..., 0], cmap="gray")
for ax, edges in zip(axes[2:], (seen[..., 1], seen[..., 2])):
    ax.imshow(edges, cmap="RdBu", vmin=-1.5, vmax=1.5)
for ax, title in zip(axes, ("photograph", "blurred", "upright edges", "level edges")):
    ax.set(title=title, xticks=(), yticks=())
plt.show()

# %%
# What if the stride is larger?
# -----------------------------
# Then the window jumps, and the result is smaller: with :math:`n` rows, a kernel of :math:`k`, padding :math:`p` and stride
# :math:`s` there are :math:`\lfloor (n + 2p - k)/s \rfloor + 1`. What is computed is not new: it is every :math:`s`-th pixel of the
# convolution with stride 1. A stride saves time, and nothing else.

full = convolve(photograph[None, :, :, None], hand_made, pad=3)[0]
for stride in (2, 4, 8):
    smaller = convolve(photograph[None, :, :, None], hand_made, stride=stride, pad=3)[0]
    apart = np.abs(smaller - full[::stride, ::stride]).max()
    expected = tuple((n + 6 - 7) // stride + 1 for n in photograph.shape)
    print(f"stride {stride}: {smaller.shape[:2]}, by the formula {expected}, difference {apart:.0e}")

# %%
# What if the kernel is a single pixel?
# -------------------------------------
# Then every pixel is treated alone: the output channels are mixtures of the input channels, by one matrix for all pixels. Such a
# "1 x 1 convolution" (section 10.4.3) is a fully connected layer over the channels.

mixing = kernels[:1, :1]
mixed = convolve(images, mixing, pad=0)
print(f"largest difference from a product of matrices: {np.abs(mixed - images @ mixing[0, 0]).max():.0e}")
