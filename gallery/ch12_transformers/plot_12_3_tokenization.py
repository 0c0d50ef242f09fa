r"""
12.3 Where do words come from?
==============================

A transformer reads vectors, one for each word. But there are too many words: names, numbers, misspellings, *whale* and *whales*
as if they had nothing in common. Single letters, on the other hand, are few, but make long texts of almost no meaning each.
Byte-pair encoding finds a compromise by itself, from nothing but counting neighbours. What does it find?

*In the book: section 12.5.1, figure 12.8. Notebook 12.3.*
"""

import collections
import itertools

import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch12_transformers import tokenization as tk
from udl_jax.data.moby import load_moby

plotting.use_book_style()

# %%
# A sailor's rhyme
# ----------------
# The text is cut into words, and each word into letters with an end-of-word token behind them; without it, *sea* and the beginning
# of *seal* would look the same. Then one step is repeated: find the pair of neighbours that is most frequent within words, and make
# it one token. With :math:`n_w` for how often word *w* occurs, that pair is
#
# .. math::
#    (a, b)^* = \underset{(a, b)}{\operatorname{argmax}}
#    \sum_w n_w\cdot\bigl|\{i : w_i = a,\ w_{i+1} = b\}\bigr|.
#
# The book has no formula for it. The lines below do what this one says, and count all pairs anew for every merge, as the notebook
# does. The library's ``train`` keeps the counts up to date, looks only at the words that change, and has a heap to find the
# largest. This is text, so JAX has no part in it.

rhyme = (
    "a sailor went to sea sea sea to see what he could see see see "
    "but all that he could see see see was the bottom of the deep blue sea sea sea"
)
words = tk.initial_vocabulary(rhyme)
pairs = []
for _ in range(22):
    counts = collections.Counter()
    for word, times in words.items():
        for pair in itertools.pairwise(word):
            counts[pair] += times
    pairs.append(max(counts, key=counts.get))
    words = tk.merge_pair(pairs[-1], words)

learnt = tk.train(rhyme, 1000)
print(f"the first 22 merges are those of the library: {pairs == list(learnt.pairs[:22])}")
for (first, second), times in list(zip(learnt.pairs, learnt.counts))[:6]:
    print(f"{first:>6} + {second:<6} {times:2} times")

# %%
# The text in ever longer tokens
# ------------------------------
# A colour is a token (colours repeat). The first merges find *se*, then *sea* and *see* with their ends; the last ones make whole
# words of words that occur a single time, which is of no use to anybody. The art is to stop in between.

END = "·"


def draw_tokens(ax, merges):
    """Write the rhyme in coloured tokens."""
    ranks = {pair: rank for rank, pair in enumerate(learnt.pairs[:merges])}
    colours, column, row = {}, 0, 0
    for word in rhyme.split():
        if column + len(word) > 40:
            column, row = 0, row + 1
        for token in tk.segment((*word, tk.END), ranks):
            shown = token.replace(tk.END, END)
            colour = plotting.COLOURS[colours.setdefault(token, len(colours)) % 6]
            ax.add_patch(
                plt.Rectangle((column + 0.06, -row - 0.4), len(shown) - 0.12, 0.8, color=colour, alpha=0.45)
            )
            for letter in shown:
                ax.text(column + 0.5, -row, letter, ha="center", va="center", family="monospace", fontsize=9)
                column += 1
    ax.set(
        xlim=(0, 48), ylim=(-row - 0.7, 0.7), title=f"{merges} merges: {learnt.sizes[merges]} tokens in use"
    )
    ax.axis("off")


# sphinx_gallery_alt = "The rhyme four times: in single letters, in longer and longer coloured tokens, and in whole words."
fig, axes = plt.subplots(4, 1, figsize=(8.4, 6.4))
for ax, merges in zip(axes, (0, 7, 22, len(learnt.pairs))):
    draw_tokens(ax, merges)
plt.show()

# %%
# More tokens, then fewer
# -----------------------
# Each merge brings a new token, and takes away those that were only ever found in it. So the number of different tokens in use
# rises at first, and in the end falls to the number of different words. The text itself, counted in tokens, only gets shorter.

# sphinx_gallery_alt = "Different tokens rise with the merges, then fall to the number of words; the text's length only falls."
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2))
left.step(range(len(learnt.sizes)), learnt.sizes, where="post")
left.axhline(len(set(rhyme.split())), color="0.6", ls="--", lw=1, zorder=0)
left.text(1, len(set(rhyme.split())) - 0.2, "different words", va="top", color="0.4")
left.set(xlabel="merges", ylabel="different tokens in use", ylim=(15, None))
right.step(range(len(learnt.lengths)), learnt.lengths, where="post", color=plotting.COLOURS[1])
right.axhline(len(rhyme.split()), color="0.6", ls="--", lw=1, zorder=0)
right.text(1, len(rhyme.split()) - 2, "words", va="top", color="0.4")
right.set(xlabel="merges", ylabel="text in tokens", ylim=(0, None))
plt.show()

# %%
# How many tokens has a woodchuck?
# --------------------------------
# The notebook's question about another rhyme, with its answers. *How* and *How much* begin with a capital letter, which is a token
# of its own; and merged to the end, there is a token for each different word.

chuck = "How much wood could a woodchuck chuck if a woodchuck could chuck wood"
found = tk.train(chuck, 1000)
print(f"at first {found.sizes[0]} tokens:", *sorted(tk.token_counts(tk.initial_vocabulary(chuck))))
print(f"after {len(found.pairs)} merges, the most that can be done, {found.sizes[-1]} tokens")
print("the words:", *dict.fromkeys(chuck.split()))

# %%
# A whole book
# ------------
# *Moby-Dick* has 1.2 million characters, and ships with this package. Five thousand merges take seconds. Tokens a word fall steeply
# at first: a few hundred merges do more than the thousands after them.

moby = load_moby()
learnt = tk.train(moby, 5000, tie="index")
total = len(moby.split())
for merges in (0, 400, 5000):
    print(
        f"{merges:5} merges: {learnt.lengths[merges]:9,} tokens, {learnt.lengths[merges] / total:.2f} a word"
    )
ranks = {pair: rank for rank, pair in enumerate(learnt.pairs)}
for word in ("whale", "whales", "Queequeg", "unfathomable", "transformer"):
    print(f"{word:>13}:", " | ".join(tk.segment((*word, tk.END), ranks)).replace(tk.END, END))

# %%
# The second picture ranks the tokens by how often they occur in the encoded book. For words the frequency falls like one over the
# rank, which is Zipf's law, the dashed line: most words are rare. Tokens are not, since rare words are cut into pieces that other
# words use, too. So there are examples enough to learn a vector for each.

numbers = np.bincount(tk.encode(moby, learnt), minlength=len(learnt.tokens))
of_words = sorted(collections.Counter(moby.split()).values(), reverse=True)
# sphinx_gallery_alt = "Tokens a word fall from above five to below two; words follow Zipf's law, tokens have no such tail."
fig, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.4))
left.plot(np.array(learnt.lengths) / total)
left.set(xlabel="merges", ylabel="tokens a word", ylim=(0, None), xlim=(0, 5000))
right.loglog(1 + np.arange(len(of_words)), of_words, label="words")
right.loglog(1 + np.arange(len(numbers)), np.sort(numbers)[::-1].clip(0.5), label="tokens")
right.loglog([1, 2e4], [2e4, 1], "k--", lw=1, label="Zipf's law")
right.set(xlabel="rank", ylabel="times in the book", ylim=(0.8, 1e5))
right.legend()
plt.show()

rare = np.mean(np.array(of_words) < 5), np.mean(numbers[numbers > 0] < 5)
print(
    f"that occur less than five times: {100 * rare[0]:.0f} % of the words, {100 * rare[1]:.1f} % of the tokens"
)

# %%
# Real tokenisers, GPT-2's for one, do the same with bytes in place of letters, so that no text in any script can surprise them;
# ``udl_jax.ch12_transformers.byte_level`` reads their files. And what if a merge is not unique? Of equally frequent pairs the
# notebook takes the one that it met first, most libraries the one whose tokens are oldest. On the rhyme that decides early on:

other = tk.train(rhyme, 1000, tie="index")
differ = [k for k, (a, b) in enumerate(zip(tk.train(rhyme, 1000).pairs, other.pairs)) if a != b]
print(
    f"the two rules first differ at merge {differ[0] + 1} of {len(other.pairs)}, and end with the same {other.sizes[-1]} words"
)
