r"""
20.1 Learning what makes no sense
=================================

A network learns to name digits. Is that because digits have something to be learnt, or would it learn anything? Take the same
network and put noise where the signals were; or leave the signals, and deal the labels out anew. Nothing is left to be understood.
Training ought to get stuck, if what makes it easy is that real data are orderly. Does it?

*In the book: section 20.2.1, figure 20.1; equation 5.24 for the loss. Notebook 20.1.*
"""

import jax
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting, training
from udl_jax.ch08_performance import mnist1d
from udl_jax.ch20_why_it_works import random_data
from udl_jax.data.mnist1d import load_mnist1d

plotting.use_book_style()

# %%
# Three versions of the data
# --------------------------
# The data are MNIST-1D: 4,000 signals of 40 numbers, ten classes. The first version is as it is. In the second, every input is
# noise with the mean and standard deviation that all inputs together have; in the third, a random permutation :math:`\pi` deals
# the labels out anew:
#
# .. math::
#    \begin{split}
#    \tilde{x}_{ij} &= \bar{x} + s_x\, \epsilon_{ij}, \qquad \epsilon_{ij} \sim \text{Norm}[0, 1], \\
#    \tilde{y}_i &= y_{\pi(i)}.
#    \end{split}
#
# The mean :math:`\bar{x}` and deviation :math:`s_x` are one number each, not one for each of the 40 columns: not even these tell
# the columns apart any more.

data = load_mnist1d()
x, y = np.asarray(data.x_train), np.asarray(data.y_train)
generator = np.random.default_rng(0)
noise, order = generator.standard_normal(x.shape, dtype=x.dtype), generator.permutation(len(y))
noisy, permuted = x.mean() + x.std() * noise, y[order]

apart = np.abs(noisy - random_data.randomize_inputs(x, noise)).max()
print(f"largest difference from the library: inputs {apart:.0e}, ", end="")
print(f"labels {np.abs(permuted - random_data.permute_labels(y, order)).max()}")
print(f"columns' deviations: {x.std(0).min():.2f} to {x.std(0).max():.2f}, ", end="")
print(f"of noise {noisy.std(0).min():.2f} to {noisy.std(0).max():.2f}")
print(f"labels that are right by chance: {100 * (permuted == y).mean():.1f} %")

# sphinx_gallery_alt = "Five signals with their labels, five rows of noise with these labels, and the signals with other labels."
fig, axes = plotting.panels(3, 5, size=1.5)
rows = (("true", x, y), ("random inputs", noisy, y), ("random labels", x, permuted))
for axes_of_row, (name, inputs, labels) in zip(axes, rows):
    for k, ax in enumerate(axes_of_row):
        ax.plot(inputs[k], lw=1)
        ax.set(ylim=(-4, 4), xticks=(), yticks=(), title=f"“{labels[k]}”")
    axes_of_row[0].set_ylabel(name)
plt.show()

# %%
# One program, three trainings
# ----------------------------
# The network has four hidden layers of 300 units, so many more parameters than examples. It is trained for 60 epochs by stochastic
# gradient descent with momentum, in batches of 100; the rate starts at 0.02 and is halved every 20 epochs. What falls is the
# cross-entropy (equation 5.24), here measured on all 4,000 examples:
#
# .. math:: L[\phi] = -\frac{1}{I} \sum_{i=1}^{I} \log\bigl[\text{softmax}_{y_i}[\mathbf{f}[x_i, \phi]]\bigr].
#
# ``train_three`` starts all three from the same weights and visits the examples in the same order. Since only the values of the
# arrays differ, not their shapes, JAX compiles the training once and calls it three times. (The notebook has one ``model`` object,
# which it reinitializes before each training, so there the three start from different weights.)

fits = random_data.train_three(jax.random.key(0), data)
sizes = sum(leaf.size for leaf in jax.tree.leaves(fits.true.state.variables["params"]))
losses = {name: np.asarray(fit.history.train.loss) for name, fit in fits._asdict().items()}
scores = np.asarray(
    training.predict(mnist1d.make_recipe(random_data.BOOK).model, fits.true.state.variables, x)
)
by_hand = np.mean(np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(len(y)), y])
print(
    f"{sizes:,} parameters, {len(x):,} examples; final loss on true data {by_hand:.5f}, the library's {losses['true'][-1]:.5f}"
)

# sphinx_gallery_alt = "Three training losses over 60 epochs; true and noise fall together, permuted labels later; all end near 0."
# sphinx_gallery_thumbnail_number = 2
fig, axes = plt.subplots(1, 2, figsize=(9, 3.6))
labels = {"true": "true data", "random_inputs": "random inputs", "random_labels": "random labels"}
colours = dict(zip(labels, (plotting.COLOURS[1], plotting.COLOURS[0], plotting.COLOURS[2])))
for ax, scale in zip(axes, ("linear", "log")):
    for name, loss in losses.items():
        ax.plot(range(1, 61), loss, color=colours[name], label=labels[name])
    ax.set(xlabel="epoch", ylabel="training loss in nats", yscale=scale, xlim=(0, 60))
axes[0].legend()
axes[0].set(title="Everything is learnt ...", ylim=(0, None))
axes[1].set(title=f"... to a loss of at most {max(loss[-1] for loss in losses.values()):.4f}")
plt.show()

for name, loss in losses.items():
    print(
        f"{labels[name]}: below 0.1 after epoch {np.argmax(loss < 0.1) + 1}, after 60 epochs {loss[-1]:.4f}"
    )
print(
    f"after epoch 10, random labels have {losses['random_labels'][9] / losses['true'][9]:.1f} times the loss of true ones"
)

# %%
# Noise is learnt nearly as fast as digits. Permuted labels take longer, and in the end they are learnt as well. So order in the
# data cannot be what makes training work. Why are random labels harder than random inputs? A plausible reason: signals of one class
# resemble each other, and now such neighbours want different answers, whereas points of noise in 40 dimensions are all far apart.
#
# What is it good for?
# --------------------
# The test says what training cannot. All three networks face the same thousand test signals with their true labels; guessing among
# ten classes would be wrong in 90 %, the dotted line. Beside the test errors is how far the right class stands out for the training
# examples: its score less the best other score, the margin.

recipe = mnist1d.make_recipe(random_data.BOOK)
key, for_inputs, for_labels = jax.random.split(jax.random.key(0), 3)  # as train_three does
inputs, answers = random_data.draw_inputs(for_inputs, x), random_data.draw_labels(for_labels, y)
seen = {"true": (x, y), "random_inputs": (inputs, y), "random_labels": (x, answers)}

# sphinx_gallery_alt = "Test errors: about a third for true data, nine tenths for the others. Margins: histograms, true widest."
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
errors = [float(fit.history.test.error[-1]) for fit in fits]
bars = left.bar([labels[name] for name in labels], errors, color=[colours[name] for name in labels])
left.bar_label(bars, fmt="%.1f %%", label_type="center", color="w")
left.axhline(90, color="0.5", ls=":", lw=1)
left.set(ylabel="test error in %", ylim=(0, 105), title="Only one of them knows digits")
for name, (inputs, answers) in seen.items():
    outputs = training.predict(recipe.model, getattr(fits, name).state.variables, inputs)
    found = np.asarray(random_data.margins(outputs, answers))
    right.hist(found, np.arange(0, 25, 0.5), histtype="step", color=colours[name], label=labels[name], lw=1.4)
    print(f"{labels[name]}: median margin {np.median(found):.1f}, smallest {found.min():.1f}")
right.set(xlabel="margin of the right class", ylabel="training examples", title="How sure they are")
right.legend()
plt.show()

# %%
# What if only half of the labels are wrong?
# ------------------------------------------
# Half of the labels, dealt out anew, lie between the two extremes. This is the same program a fourth time. Does the network then
# learn the true half first?

half = random_data.draw_labels(for_labels, y, share=0.5)
fit = mnist1d.train_network(key, data._replace(y_train=half), random_data.BOOK)
middle, error = np.asarray(fit.history.train.loss), np.asarray(fit.history.test.error)

# sphinx_gallery_alt = "Left, the loss for half permuted labels lies between two others; right, its test error dips, then rises."
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
for name, loss in (("none permuted", losses["true"]), ("half", middle), ("all", losses["random_labels"])):
    left.plot(range(1, 61), loss, label=name)
left.set(xlabel="epoch", ylabel="training loss in nats", xlim=(0, 60), ylim=(0, None), title="Training")
left.legend()
for name, curve in (("none", fits.true), ("half", fit), ("all", fits.random_labels)):
    right.plot(range(1, 61), curve.history.test.error, label=name)
best = int(error.argmin())
right.set(xlabel="epoch", ylabel="test error in %", xlim=(0, 60), ylim=(0, 100))
right.set(title=f"Half permuted: {error[best]:.0f} % at epoch {best + 1}, {error[-1]:.0f} % at the end")
plt.show()
print(
    f"half permuted: loss below 0.1 after epoch {np.argmax(middle < 0.1) + 1}; test error {error[best]:.1f} % "
    f"after epoch {best + 1}, {error[-1]:.1f} % after 60"
)

# %%
# It seems so, in part: the test error is lowest early, and while the last labels are learnt by heart, it rises a little. With
# half of the labels right, the network errs far less than with none, though nothing in the training losses tells the two apart.
