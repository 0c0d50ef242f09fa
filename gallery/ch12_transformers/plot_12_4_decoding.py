r"""
12.4 What to say next
=====================

A language model does not write. It reads a text, and says how probable each token is as the next one; somebody has to choose.
Always the likeliest? Then it repeats itself. Any, as probable as it is? Then sooner or later it says something silly, and goes on
from there. How do the strategies differ that lie in between, and is the most probable text a good one?

*In the book: section 12.7, above all 12.7.3. Notebook 12.4.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch12_transformers import beam_search, decoding
from udl_jax.ch12_transformers.character_gpt import load_trained
from udl_jax.ch12_transformers.generation import generate, sample_continuations
from udl_jax.ch12_transformers.strategies import Greedy, KthMostLikely, Nucleus, Sampling, TopK
from udl_jax.data.moby import load_moby, split_text

plotting.use_book_style()

# %%
# A small model at hand
# ---------------------
# The notebook has GPT-2 write. Its weights are half a gigabyte and have to be fetched; with ``gpt2_files.load_gpt2(folder)`` in
# place of the line below, all that follows works with them. Here we take the model of 12.B, which learnt from *Moby-Dick* and
# writes letter by letter: a token is a character, and there are only 80. A text is as probable as the product of its tokens'
# probabilities, each given the tokens before it (section 12.7.1):
#
# .. math::
#    \mathrm{Pr}(t_1, \dots, t_N) = \mathrm{Pr}(t_1)\prod_{n=2}^{N}\mathrm{Pr}(t_n\,|\,t_1, \dots, t_{n-1}).

trained = load_trained()
model, variables, alphabet = trained.model, trained.variables, trained.alphabet
prompt = jnp.array(alphabet.encode("It was the whale's "))
probabilities = jax.jit(lambda ids: jax.nn.softmax(model.apply(variables, ids)[-1]))(prompt)

# %%
# Cut, then draw
# --------------
# Every strategy first cuts the distribution down and then draws from what is left. *Top-k sampling* leaves the *k* likeliest
# tokens. *Nucleus sampling* leaves the likeliest tokens that together have more than a given share of the probability, few where
# the model is sure, many where it is not. A draw is a uniform number that runs through the sums of probabilities until one
# exceeds it. Each is a line or two, and in the library a function of a distribution and a number, so that it can be compared,
# mapped and compiled.


def draw(p, uniform):
    """Find the first token at which the sum of probabilities exceeds the draw."""
    return jnp.argmax(jnp.cumsum(p) / jnp.sum(p) > uniform)


def top_k(p, k):
    """Keep the k likeliest tokens."""
    return jnp.where(p >= jnp.sort(p)[-k], p, 0)


def nucleus(p, threshold):
    """Keep the likeliest tokens that together exceed the threshold."""
    falling = jnp.sort(p)[::-1]
    return jnp.where(p >= falling[jnp.argmax(jnp.cumsum(falling) > threshold)], p, 0)


uniforms = jax.random.uniform(jax.random.key(0), (1000,))
for name, cut, strategy in (
    ("sampling", probabilities, Sampling()),
    ("top 5", top_k(probabilities, 5), TopK(5)),
    ("nucleus 0.5", nucleus(probabilities, 0.5), Nucleus(0.5)),
):
    many = jnp.tile(probabilities, (1000, 1))
    equal = jax.vmap(draw, (None, 0))(cut, uniforms) == jax.jit(strategy.choose)(many, uniforms)
    print(f"{name:12}: {jnp.sum(equal)} of 1000 draws are those of the library")

# %%
# Here is what the model expects after *It was the whale's*, and what each strategy leaves of it.

ways = {"sampling": Sampling(), "top 5": TopK(5), "nucleus 0.5": Nucleus(0.5), "greedy": Greedy()}
likeliest = np.argsort(-np.asarray(probabilities))[:20]
names = [alphabet.characters[number].replace(" ", "␣") for number in likeliest]
# sphinx_gallery_alt = "The 20 likeliest next letters: sampling keeps all, top 5 five, the nucleus a few, greedy a single one."
fig, axes = plt.subplots(1, 4, figsize=(10.5, 3.9), sharey=True, sharex=True)
for ax, (name, strategy) in zip(axes, ways.items()):
    shown = np.asarray(probabilities)[likeliest]
    ax.barh(range(20), shown, color="0.85")
    ax.barh(range(20), np.where(strategy.cut(probabilities)[likeliest] > 0, shown, 0), height=0.5)
    ax.set(title=name, xlabel="probability", xticks=(0, 0.05, 0.1))
axes[0].set_yticks(range(20), names, family="monospace")
axes[0].invert_yaxis()
axes[0].set(ylabel="next character")
plt.show()

# %%
# Each strategy writes
# --------------------
# ``generate`` is a single ``lax.scan``. It reads each new token once and remembers its keys and values, where the notebook has
# the model read the whole text again for every token. The number in front is the mean surprise in nats: how improbable the model
# finds, on average, a character that was chosen. Spelling is the model's own.

ways |= {"2nd likeliest": KthMostLikely(1), "30th likeliest": KthMostLikely(29)}
uniforms = jax.random.uniform(jax.random.key(4), (100,))
surprise = {}
for name, strategy in ways.items():
    found = generate(model, variables, prompt, 100, strategy, uniforms)
    surprise[name] = -np.asarray(found.log_probabilities)
    text = alphabet.decode(np.asarray(found.ids)).replace("\n", " ")
    print(f"{name:>14} {surprise[name].mean():5.2f}: {text}")

# %%
# Greedy text runs in circles, and the second likeliest character each time leads nowhere, since characters are not words: there
# is mostly one way to go on with a word. (With GPT-2's tokens, the second likeliest is often as good as the first.)
#
# How surprising should a text be?
# --------------------------------
# We let each strategy write forty texts and compare their surprise with that of Melville's own text, from the last tenth of the
# book, which the model has never seen. A temperature below 1 divides the logits before the softmax and makes the model more
# certain.

real = np.asarray(alphabet.encode(split_text(load_moby()).test[:4000])).reshape(40, 100)
likely = jax.jit(lambda ids: jax.nn.log_softmax(model.apply(variables, ids)))(real)
real = -np.take_along_axis(np.asarray(likely)[:, 18:-1], real[:, 19:, None], axis=-1)[..., 0]
levels = {"Melville": real.mean(axis=1)}
for name, strategy, temperature in (
    ("sampling", Sampling(), 1.0),
    ("temperature 0.7", Sampling(), 0.7),
    ("temperature 0.4", Sampling(), 0.4),
    ("top 20", TopK(20), 1.0),
    ("top 5", TopK(5), 1.0),
    ("top 2", TopK(2), 1.0),
    ("nucleus 0.9", Nucleus(0.9), 1.0),
    ("nucleus 0.5", Nucleus(0.5), 1.0),
    ("nucleus 0.2", Nucleus(0.2), 1.0),
):
    found = sample_continuations(
        jax.random.key(1), model, variables, prompt, 100, strategy, samples=40, temperature=temperature
    )
    levels[name] = -np.asarray(found.log_probabilities).mean(axis=1)

# sphinx_gallery_alt = "Mean surprise of forty texts each: sampling is about as surprising as Melville, narrower cuts are less so."
fig, ax = plt.subplots(figsize=(7, 3.9))
for row, (name, values) in enumerate(levels.items()):
    ax.plot(
        values, np.full(40, row), "o", ms=4, alpha=0.4, color=plotting.COLOURS[1 if name == "Melville" else 0]
    )
    ax.plot(values.mean(), row, "k|", ms=14)
ax.set_yticks(range(len(levels)), levels)
ax.invert_yaxis()
ax.set(xlabel="mean surprise in nats a character", xlim=(0, None), title="Forty texts each, and their mean")
plt.show()

# %%
# Real text is about as surprising as the model's own samples, by which one sees that the model is well calibrated, and far more
# surprising than what careful strategies write. Good text is not the most probable text.
#
# Beam search
# -----------
# The likeliest character now may spoil the rest. *Beam search* keeps several beginnings and goes on with the best continuations
# of all of them. Drawn below are five beams over twelve characters: each line of letters grows to the right from the beam that it
# continues, and many beginnings die out.

beams = beam_search.beam_search(model, variables, prompt, beams=5, length=12)
parents, tokens = np.asarray(beams.trace.parents), np.asarray(beams.trace.tokens)
# sphinx_gallery_alt = "A tree of letters: five rows over twelve steps, with lines from each letter to the beam that it continues."
fig, ax = plt.subplots(figsize=(8.5, 2.9))
for step, beam in np.ndindex(tokens.shape):
    letter = alphabet.characters[tokens[step, beam]].replace(" ", "␣").replace("\n", "¶")
    ax.text(step, beam, letter, ha="center", va="center", family="monospace", fontsize=11)
    if step:
        ax.plot([step - 0.8, step - 0.2], [parents[step, beam], beam], color="0.6", lw=1)
ax.set(
    xlabel="step",
    ylabel="beam, best on top",
    xlim=(-0.5, 11.5),
    ylim=(4.5, -0.5),
    yticks=range(5),
    xticks=range(12),
)
ax.set_xticks(range(12), range(1, 13))
plt.show()

# %%
# More beams find more probable texts, though nothing guarantees it. The notebook's search has a slip that is easy to make in
# Python: the continuations of a beam share one list of tokens, so that each is appended behind the one before. Its texts become
# unequally long, and since longer texts are less probable, short ones win. ``book_beam_search`` does the same.

for count in (1, 2, 5, 20):
    found = beam_search.beam_search(model, variables, prompt, count, 40)
    text = alphabet.decode(np.asarray(found.ids[0])).replace("\n", " ")
    print(f"{count:3} beams, log-probability {found.log_probability[0]:6.1f}: {text}")
book = beam_search.book_beam_search(model, variables, prompt, 5, 12)
print(f"the notebook's way, new characters in each of five beams: {(book.lengths - prompt.size).tolist()}")

# %%
# One last trap. If the threshold of the nucleus is 1, or the sum stays below it by rounding, the notebook's ``argmax`` of nothing
# but ``False`` is 0, and it keeps a single token, when it ought to keep all.

whole, book = (cut(probabilities, 1.0) for cut in (decoding.keep_nucleus, decoding.book_keep_nucleus))
print(f"tokens kept at threshold 1: {jnp.sum(whole > 0)}, and in the notebook {jnp.sum(book > 0)}")
