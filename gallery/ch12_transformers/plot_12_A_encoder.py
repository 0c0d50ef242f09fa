r"""
12.A A transformer that has to learn what near means
====================================================

A convolutional network knows from the start that neighbours belong together. A transformer does not: to it, all tokens are equally
far from each other, and what is near has to be learnt from examples. Here are only four thousand of them, the signals of MNIST-1D.
How well does an encoder do, and what if it gets a little help?

*In the book: sections 12.4, 12.6 and 12.10, equation 12.13, figure 12.7. There is no notebook about it.*
"""

import jax
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch12_transformers import encoder
from udl_jax.ch12_transformers.language_model import count_parameters
from udl_jax.ch12_transformers.self_attention import attend
from udl_jax.ch12_transformers.transformer import TransformerLayer
from udl_jax.data.mnist1d import load_mnist1d

plotting.use_book_style()

# %%
# The transformer layer
# ---------------------
# Attention moves information between tokens, but is hardly able to process it. So it is followed by a small network with one
# hidden layer, the same for all tokens. Each of the two is a detour around which the tokens also pass unchanged, and after each
# the tokens are normalised to mean 0 and variance 1 (equation 12.13):
#
# .. math::
#    \mathbf{X} &\leftarrow \mathbf{X} + \mathbf{MhSa}[\mathbf{X}],\qquad
#    \mathbf{X} \leftarrow \mathbf{LayerNorm}[\mathbf{X}],\\
#    \mathbf{x}_n &\leftarrow \mathbf{x}_n + \mathbf{mlp}[\mathbf{x}_n]\ \text{ for all } n,\qquad
#    \mathbf{X} \leftarrow \mathbf{LayerNorm}[\mathbf{X}].
#
# Below it is in a few lines, for ten tokens of width 32 and four heads, beside ``TransformerLayer``. GPT-2 and most later
# networks, and ours below, normalise what goes *into* the two parts instead of what comes out, since very deep stacks then train
# more easily; that is ``norm_first``, the default.

layer = TransformerLayer(heads=4, hidden=64, norm_first=False)
x = jax.random.normal(jax.random.key(0), (10, 32))
variables = jax.jit(layer.init)(jax.random.key(1), x)


@jax.jit
def on_page(p, x):
    """Apply one transformer layer as in equation 12.13."""
    q, k, v = (x @ p["attention"]["project"]["kernel"]).reshape(10, 3, 4, 8).transpose(1, 2, 0, 3)
    heads = attend(q, k, v).values.transpose(1, 0, 2).reshape(10, 32)
    x = normalise(x + heads @ p["attention"]["combine"]["kernel"])
    hidden = jax.nn.gelu(x @ p["widen"]["kernel"], approximate=False)
    return normalise(x + hidden @ p["narrow"]["kernel"])


def normalise(x):
    """Give each token mean 0 and variance 1."""
    return (x - x.mean(1, keepdims=True)) / (x.var(1, keepdims=True) + 1e-5) ** 0.5


library = jax.jit(layer.apply)(variables, x)[0]
print(f"largest difference from the library: {np.abs(on_page(variables['params'], x) - library).max():.0e}")

# %%
# From a signal to tokens
# -----------------------
# A signal of forty heights is cut into ten *patches* of four, and one linear map makes a token of each; that is how section 12.10
# treats images. Since attention does not see places, each token gets a learnt vector added that stands for its place. A further
# *class token*, the same for all signals, collects what it needs from the others, and a linear map turns it into ten scores.
#
# The other variant, the *convolutional stem*, makes the tokens by two convolutions of width five, so that neighbours have talked
# to each other before attention begins. All else is the same. Both train for twenty epochs with AdamW, whose rate rises for one
# epoch and then falls like a cosine; layers that repeat are one ``lax.scan``, so that the whole training compiles quickly.

data = load_mnist1d()
settings = {
    "patches": encoder.Settings(),
    "patches, no places": encoder.Settings(positions=False),
    "convolutional stem": encoder.Settings("convolutions"),
}
fits = {name: encoder.train_encoder(jax.random.key(0), data, chosen) for name, chosen in settings.items()}
for name, fit in fits.items():
    train, test = fit.history.train.error[-1], fit.history.test.error[-1]
    weights = count_parameters(fit.state.variables)
    print(f"{name:18}: {weights:6,} weights, training error {train:4.1f} %, test error {test:4.1f} %")

# %%
# Thick lines are test errors, thin ones training errors. All encoders learn. With the stem it takes a few epochs to what the
# others do not reach in twenty, and what is learnt holds for new signals, too; from patches, the encoder fits most of the
# training data, but makes several times as many mistakes on others. Places help, though less than one might think.

# sphinx_gallery_thumbnail_number = 1
# sphinx_gallery_alt = "Errors over 20 epochs: with a convolutional stem the test error is lowest by far, without places highest."
fig, ax = plt.subplots(figsize=(6, 3.8))
for (name, fit), colour in zip(fits.items(), plotting.COLOURS):
    epochs = range(1, 21)
    error = fit.history.test.error
    ax.plot(epochs, error, color=colour, label=f"{name}: {error[-1]:.1f} %")
    ax.plot(epochs, fit.history.train.error, color=colour, lw=0.8)
ax.set(xlabel="epoch", ylabel="error in %", xlim=(1, 20), ylim=(0, 60), xticks=(1, 5, 10, 15, 20))
ax.legend(title="test error at the end")
plt.show()

# %%
# What does the class token look at?
# ----------------------------------
# The shares with which the class token averages can be drawn over the signal. Here are three test signals, with the four heads of
# the second layer as dots over the patches: the larger the dot, the more attention. The heads have divided the work; which part
# of the signal each prefers depends on the signal.

patches = fits["patches"]
model = encoder.make_recipe(settings["patches"]).model
chosen = np.array([int(np.flatnonzero(data.y_test == digit)[0]) for digit in (0, 4, 7)])
maps = np.asarray(encoder.attention_maps(model, patches.state.variables, data.x_test[chosen]))

# sphinx_gallery_alt = "Three signals; under each, four rows of dots: how much attention each head pays to each of ten patches."
fig, axes = plt.subplots(1, 3, figsize=(9.6, 3.4), sharey=True)
for ax, signal, shares in zip(axes, chosen, maps[1, :, :, 0, 1:]):
    ax.plot(np.arange(40), data.x_test[signal], color=plotting.DATA)
    for head, share in enumerate(shares):
        ax.scatter(
            4 * np.arange(10) + 1.5, np.full(10, -5.5 - head), s=220 * share, color=plotting.COLOURS[head]
        )
    for edge in range(0, 41, 4):
        ax.axvline(edge - 0.5, color="0.9", lw=0.8, zorder=0)
    ax.set(xlabel="position", title=f"digit {data.y_test[signal]}", xlim=(-0.5, 39.5), ylim=(-9.3, 4.5))
axes[0].set_yticks(
    (-8.5, -7.5, -6.5, -5.5, -2, 0, 2, 4), ("head 4", "head 3", "head 2", "head 1", -2, 0, 2, 4)
)
axes[0].set(ylabel="height")
plt.show()

# %%
# What if the places are mixed up?
# --------------------------------
# Without places the encoder sees a bag of patches, and should not notice when they change order. With places it should. We cut
# the test signals into patches, put these into one random order, and classify again with the networks as they are.

order = np.random.default_rng(0).permutation(10)
mixed = np.asarray(data.x_test).reshape(-1, 10, 4)[:, order].reshape(-1, 40)
for name in ("patches", "patches, no places"):
    outputs = jax.jit(encoder.make_recipe(settings[name]).model.apply)(fits[name].state.variables, mixed)
    wrong = 100 * np.mean(np.argmax(outputs, axis=1) != data.y_test)
    print(
        f"{name:18}: error {wrong:.1f} % on mixed patches, {fits[name].history.test.error[-1]:.1f} % before"
    )

# %%
# A network that recognises most digits from a bag of four-height snippets says something about the data: the snippets alone give
# away much, and their order only the rest.
