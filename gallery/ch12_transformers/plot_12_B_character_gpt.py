r"""
12.B A model that has read one book
===================================

What does it take to write like Melville? A transformer is shown *Moby-Dick*, a window of letters at a time, and has nothing to do
but to guess the next one. It is told no words, no grammar, not even that there are vowels. How far does it get in a minute, how
far with some patience, and is it more than a clever way of counting?

*In the book: section 12.7. Decoding from it is the subject of 12.4. There is no notebook about it.*
"""

import itertools
import time

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch12_transformers import character_gpt as gpt
from udl_jax.ch12_transformers.generation import generate, generate_by_rereading, sample_continuations
from udl_jax.ch12_transformers.language_model import count_parameters
from udl_jax.ch12_transformers.ngrams import score_by_counting
from udl_jax.ch12_transformers.strategies import Greedy, Sampling
from udl_jax.data.moby import load_moby, split_text

plotting.use_book_style()

# %%
# Counting first
# --------------
# The book has 1.2 million characters, 80 different ones. The last tenth is held out. A simple way to guess the next character is
# to count what followed the same one, two, three characters before; where they were hardly ever met, fewer characters are looked
# at. The measure is the mean surprise, :math:`-\log` of the probability that was given to the character that came, in nats.
# Whoever knows nothing is surprised by log 80, which is 4.38.

trained = gpt.load_trained()
alphabet = trained.alphabet
train, test = map(alphabet.encode, split_text(load_moby()))
counting = [score_by_counting(train, test, before, 80).mean() for before in range(7)]
for before, nats in enumerate(counting):
    print(f"{before} characters before: {nats:.3f} nats")

# %%
# What is learnt
# --------------
# The transformer reads a window, and under a causal mask each place sees only what stands before it. So one pass gives a guess
# for every place, and training makes all of them better at once. What it minimises is the surprise,
#
# .. math::
#    L[\phi] = -\frac{1}{N}\sum_{n=1}^{N}\log \mathrm{Pr}(t_{n+1}\,|\,t_1, \dots, t_n, \phi),
#
# which is the cross-entropy of chapter 5 with the next character as the class. In code, for one window of the held-out text and
# the model that ships with this package:

window = test[: trained.model.config.context + 1]
logits = jax.jit(trained.model.apply)(trained.variables, window[:-1])
shares = jax.nn.softmax(logits)
loss = -np.mean(np.log(np.asarray(shares)[np.arange(len(window) - 1), window[1:]]))
library = gpt.nats_per_character(trained.model, trained.variables, window)
print(f"surprise in this window {loss:.3f} nats, difference from the library {abs(loss - library):.0e}")

# %%
# A minute of training
# --------------------
# The small model has two layers of width 64 and looks back 64 characters. It trains for 300 steps of 32 windows, here and now.
# Six times, training stops to look at held-out windows. The larger one has four layers of width 128, looks back 128 characters
# and was trained for eight times as many steps; its weights ship in half precision, and its curve is a recording.

settings = gpt.Settings()
fit = gpt.train_characters(jax.random.key(0), train, test, settings)
model = gpt.make_recipe(settings, 80).model
small = gpt.nats_per_character(model, fit.state.variables, test)
large = gpt.nats_per_character(trained.model, trained.variables, test)
for name, variables, nats in (("small", fit.state.variables, small), ("large", trained.variables, large)):
    print(
        f"{name} model: {count_parameters(variables):7,} weights, {nats:.3f} nats on the whole held-out text"
    )
print(trained.provenance)

# sphinx_gallery_thumbnail_number = 1
# sphinx_gallery_alt = "Held-out surprise over training steps, on a logarithmic axis, for two models; dashed levels of counting."
fig, ax = plt.subplots(figsize=(7, 4.2))
for name, history, steps in (
    ("small model, trained on this page", fit.history, settings.steps),
    ("large model, recorded", trained.history, gpt.FULL.steps),
):
    measured = np.asarray(history.test.loss)
    at = steps * np.arange(1, len(measured) + 1) / len(measured)
    ax.semilogx(at, measured, "o-", ms=4, label=f"{name}: {measured[-1]:.2f}")
for before, nats in zip((1, 2, 3, 5), (counting[n] for n in (1, 2, 3, 5))):
    ax.axhline(nats, color="0.6", ls="--", lw=0.9, zorder=0)
    ax.text(45, nats, f"counting, {before} before: {nats:.2f}", va="bottom", fontsize=8, color="0.35")
ax.set(
    xlabel="training steps", ylabel="held-out surprise in nats a character", ylim=(1.2, 2.8), xlim=(43, None)
)
ax.set_xticks((50, 100, 300, 1000, gpt.FULL.steps), ("50", "100", "300", "1,000", f"{gpt.FULL.steps:,}"))
ax.minorticks_off()
ax.legend(loc="upper right")
plt.show()

# %%
# Counting is not to be despised: with four or five characters before, it is hard to beat, because the book is long enough to have
# most such stretches many times. Longer stretches are new each time, and counting gains hardly anything from them. The large
# model does.
#
# What do they write?
# -------------------
# The same beginning, and the same draws, at a temperature of 0.7, which favours what is probable.

prompt = alphabet.encode("Captain Ahab stood ")
uniforms = jax.random.uniform(jax.random.key(3), (109,))
for name, writer, variables, room in (
    ("small", model, fit.state.variables, 45),
    ("large", trained.model, trained.variables, 109),
):
    found = generate(writer, variables, prompt, room, Sampling(), uniforms[:room], temperature=0.7)
    print(f"{name}: {alphabet.decode(np.asarray(found.ids))!r}")
found = sample_continuations(
    jax.random.key(5), trained.model, trained.variables, prompt, 109, Sampling(), samples=64, temperature=0.7
)
words = " ".join(alphabet.decode(row) for row in np.asarray(found.ids)[:, 19:-8]).split()
known = set(split_text(load_moby()).train.split())
print(
    f"of {len(words)} words that the large model wrote, {100 * np.mean([word in known for word in words]):.0f} % are in the book"
)

# %%
# What is a long memory good for?
# -------------------------------
# In a window, the first guess is made after a single character and the last after 127 of them. The surprise falls along the
# window: fast at first, while a word is spelled, and little after the first dozen characters. What counting reaches with as many
# characters before is drawn beside it. With equally few it does better than the model, which has learnt to live with more. Means
# over neighbouring places are drawn, since single ones scatter.

x = test[: 128 * 900].reshape(900, 128)
likely = jax.jit(lambda ids: jax.nn.log_softmax(trained.model.apply(trained.variables, ids)))
surprise = np.concatenate(
    [
        -np.take_along_axis(np.asarray(likely(part))[:, :-1], part[:, 1:, None], axis=-1)[..., 0]
        for part in x.reshape(9, 100, 128)
    ]
).mean(axis=0)
# sphinx_gallery_alt = "Surprise falls along the window, fast over the first characters, then hardly; counting lies below it."
fig, ax = plt.subplots(figsize=(6.4, 3.6))
edges = np.unique(np.geomspace(1, 128, 22).astype(int))
means = [surprise[a - 1 : b - 1].mean() for a, b in itertools.pairwise(edges)]
ax.semilogx((edges[:-1] + edges[1:] - 1) / 2, means, "o-", ms=4, label="large model")
ax.semilogx(np.arange(1, 7), counting[1:], "ko--", ms=4, lw=1, label="counting")
ax.set(xlabel="characters before", ylabel="surprise in nats", xlim=(0.9, 130), ylim=(1, 2.7))
ax.set_xticks((1, 2, 4, 8, 16, 32, 64, 128), ("1", "2", "4", "8", "16", "32", "64", "128"))
ax.minorticks_off()
ax.legend()
plt.show()

# %%
# What if the model had no memory?
# --------------------------------
# To write the next character, the notebook of 12.4 has its model read the whole text again. ``generate`` keeps the keys and
# values of all characters that were read, so that a new one costs one step. Both write the same; times are from the machine that
# built this page.

start = jnp.array(prompt)[None, :1]
ways = {
    "reading all again": lambda: generate_by_rereading(trained.model, trained.variables, start, 63),
    "with a memory": lambda: (
        generate(trained.model, trained.variables, start, 63, Greedy(), np.zeros((1, 63))).ids
    ),
}
texts, seconds = {}, {}
for name, write in ways.items():
    texts[name] = np.asarray(write())
    times = []
    for _ in range(3):
        begin = time.perf_counter()
        write().block_until_ready()
        times.append(time.perf_counter() - begin)
    seconds[name] = min(times)
first, second = texts.values()
print(f"the texts are the same: {np.array_equal(first, second)}")
print(
    f"63 characters, one after another: {seconds['reading all again'] / seconds['with a memory']:.0f} times faster with a memory"
)
