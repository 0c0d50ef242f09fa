r"""
10.4 Smaller, and back again
============================

Networks that look at images make them smaller on the way, so that later layers see more of the picture at once; networks that
produce images make them larger again. There are three usual ways down and three ways up. What does each of them keep, and how much
of a photograph is left after three steps down and three steps up?

*In the book: section 10.4, figures 10.11 and 10.12. Notebook 10.4.*
"""

import functools

import jax
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch10_convolution import resampling

plotting.use_book_style()
smaller = {
    "subsampling": jax.jit(resampling.downsample),
    "max pooling": jax.jit(resampling.max_pool),
    "mean pooling": jax.jit(resampling.mean_pool),
}

# %%
# Three ways down
# ---------------
# Of each block of two by two pixels, one number is kept (figure 10.11): the first pixel, the largest, or the mean,
#
# .. math:: y_{ij} = x_{2i,2j}, \qquad y_{ij} = \max_{m,n\in\{0,1\}} x_{2i+m,2j+n}, \qquad
#           y_{ij} = \tfrac14\sum_{m,n} x_{2i+m,2j+n}.
#
# The code needs no loops. An array of 4 by 4 numbers, seen as one with the axes (2, 2, 2, 2), has the rows and columns of blocks
# on the first and third axis, and those inside the blocks on the others.

patch = np.array([[1.0, 3, 5, 3], [6, 2, 0, 8], [4, 6, 1, 4], [2, 8, 0, 3]])
blocks = patch.reshape(2, 2, 2, 2)
by_hand = {
    "subsampling": patch[::2, ::2],
    "max pooling": blocks.max(axis=(1, 3)),
    "mean pooling": blocks.mean(axis=(1, 3)),
}
for name, result in by_hand.items():
    apart = np.abs(result - smaller[name](patch)).max()
    print(f"{name}: {result.tolist()}, largest difference from the library {apart:.0e}")

# %%
# Three times in a row
# --------------------
# The notebook shows a cartoon; here is a photograph that comes with Matplotlib, cropped to 320 by 280 pixels. Each step leaves a
# quarter of the pixels. Subsampling keeps edges sharp but ragged, since it drops whatever lies between. Max pooling makes bright
# things grow: look at the stripes and the collar. Mean pooling blurs.

with plt.matplotlib.cbook.get_sample_data("grace_hopper.jpg") as file:
    photograph = plt.imread(file).astype(np.float32).mean(axis=2)[40:360, 120:400]


def repeat(function, start, times=3):
    """Apply a function again and again, and keep every result."""
    results = [start]
    for _ in range(times):
        results.append(function(results[-1]))
    return results


def draw(rows):
    """Draw rows of pictures, with their sizes."""
    _, axes = plt.subplots(len(rows), 4, figsize=(9, 2.7 * len(rows)), squeeze=False)
    for row, (name, pictures) in zip(axes, rows.items()):
        row[0].set(ylabel=name)
        for ax, picture in zip(row, pictures):
            ax.imshow(picture, cmap="gray", vmin=0, vmax=255)
            ax.set(title=f"{picture.shape[0]} x {picture.shape[1]}", xticks=(), yticks=())
    plt.show()


chains = {name: repeat(function, photograph) for name, function in smaller.items()}

# sphinx_gallery_alt = "A portrait made smaller in three steps, by subsampling, by max pooling and by mean pooling: three rows."
draw(chains)

# %%
# Three ways up
# -------------
# The smallest picture can be made larger by *duplication*, in which each pixel becomes a block; by *max unpooling*, which puts
# each pixel where the largest pixel of its block was and leaves the rest black; or by *bilinear interpolation*, which fills the
# gaps with means (figure 10.12). Unpooling needs to remember the picture from before the pooling. If several pixels of a block
# are the largest, the library takes the first, row by row; the notebook leaves the choice open.

small = by_hand["max pooling"]
larger = {
    "duplication": jax.jit(resampling.duplicate),
    "max unpooling": jax.jit(resampling.max_unpool),
    "bilinear": jax.jit(resampling.bilinear),
}
print("duplicated:", larger["duplication"](small).tolist())
print("unpooled:", larger["max unpooling"](small, patch).tolist())
print("interpolated:", larger["bilinear"](small).tolist())

# %%
# The notebook gives each way up a way down to start from: duplication the subsampled picture, unpooling the max-pooled one,
# interpolation the mean-pooled one. Duplication only makes the pixels larger. Unpooling leaves a scatter of bright dots.
# Interpolation is smooth, but its last rows and columns fade, because what is beyond the border counts as black.

pooled = chains["max pooling"]
unpooled = [pooled[3]]
for before in pooled[2::-1]:
    unpooled.append(larger["max unpooling"](unpooled[-1], before))
back = {
    "duplication": repeat(larger["duplication"], chains["subsampling"][3]),
    "max unpooling": unpooled,
    "bilinear": repeat(larger["bilinear"], chains["mean pooling"][3]),
}

# sphinx_gallery_alt = "Small pictures made larger in three steps: by duplication, by max unpooling into scattered dots, smoothly."
# sphinx_gallery_thumbnail_number = 2
draw(back)

# %%
# How much is left?
# -----------------
# Compare each picture with the photograph, pixel by pixel. All three pictures are made of the same number of numbers, an
# eighth of the rows and of the columns, yet they are not equally far from where they started.

for name, pictures in back.items():
    error = np.sqrt(np.mean((np.asarray(pictures[3]) - photograph) ** 2))
    print(f"{name}: {error:.1f} grey levels off, of 255 (root mean square)")

# %%
# What if we mix the ways?
# ------------------------
# The notebook does, by a slip: its second mean pooling is fed with the picture that was max-pooled, so all that follows is too
# bright, and its last bilinear step is a duplication. But any way down can be followed by two of the ways up, and the bars show
# which pairs fit. Duplication gives all pixels of a block its mean, and no other number is closer to them. Interpolation puts
# each small pixel at the corner of its block. That is where subsampling found it, but a mean belongs in the middle of the block:
# the interpolated picture is moved down and to the right.

errors = np.array(
    [
        [
            np.sqrt(np.mean((np.asarray(repeat(larger[up], chain[3])[3]) - photograph) ** 2))
            for up in ("duplication", "bilinear")
        ]
        for chain in chains.values()
    ]
)
slip = smaller["mean pooling"](chains["max pooling"][1])
print(f"mean grey level: {photograph.mean():.0f}, as the notebook pools: {np.asarray(slip).mean():.0f}")

# sphinx_gallery_alt = "Bars of the error after three steps down and up, for three ways down and two ways up; the mean is lowest."
fig, ax = plt.subplots(figsize=(5.5, 3.2))
for shift, column, up in zip((-0.2, 0.2), errors.T, ("duplication", "bilinear")):
    ax.bar(np.arange(3) + shift, column, 0.38, label=f"{up} up")
ax.set(ylabel="error in grey levels", title="Three steps down, three steps up")
ax.set_xticks(range(3), chains)
ax.legend(loc="upper right")
plt.show()

# %%
# What if bytes are added?
# ------------------------
# Photographs come as bytes, from 0 to 255. Four bright ones add up to more than a byte can hold, and NumPy then starts again from
# 0 without a word. The library averages whole numbers as floats.

bright = np.full((2, 2), 200, np.uint8)
wrong = functools.reduce(np.add, bright.ravel()) // 4
print(
    f"the mean of four pixels of 200: {wrong} in bytes, {smaller['mean pooling'](bright)[0, 0]:.0f} by the library"
)
