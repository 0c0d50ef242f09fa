r"""
12.1 Whom to listen to
======================

In a fully connected layer the weights are fixed: input three always counts as much for output five, whatever the inputs are. A
sentence cannot be read like that, since what *it* refers to depends on the words around it. Self-attention computes its weights
from the inputs themselves. How does it do so, and what happens when the weights become too sure of themselves?

*In the book: sections 12.2 and 12.3.2, equations 12.2 to 12.9. Notebook 12.1.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch12_transformers import self_attention as sa

plotting.use_book_style()

# %%
# Three tokens, three questions to each
# -------------------------------------
# Each input, or *token*, is a vector :math:`\mathbf{x}_n` of four numbers. Three linear maps, the same for all tokens, turn it into
# a *query*, what this token looks for; a *key*, what it has to offer; and a *value*, what it passes on (equations 12.2 and 12.4):
#
# .. math::
#    \mathbf{v}_n = \boldsymbol\beta_v + \boldsymbol\Omega_v\mathbf{x}_n,\qquad
#    \mathbf{q}_n = \boldsymbol\beta_q + \boldsymbol\Omega_q\mathbf{x}_n,\qquad
#    \mathbf{k}_n = \boldsymbol\beta_k + \boldsymbol\Omega_k\mathbf{x}_n.
#
# How much token *n* listens to token *m* is decided by the dot product of its query with the other's key. A softmax makes shares
# of the dot products (equation 12.5), and the new token is the average of all values in these shares (equation 12.3):
#
# .. math::
#    a[\mathbf{x}_m, \mathbf{x}_n] =
#    \frac{\exp[\mathbf{k}_m^T\mathbf{q}_n]}{\sum_{m'}\exp[\mathbf{k}_{m'}^T\mathbf{q}_n]},\qquad
#    \mathbf{sa}_n = \sum_m a[\mathbf{x}_m, \mathbf{x}_n]\,\mathbf{v}_m.
#
# The numbers below are drawn as in the notebook. We write tokens in rows, as most libraries do, so that the book's products stand
# the other way round. ``attend`` does the second half for any number of tokens; it only subtracts the largest dot product
# before it takes powers, so that they cannot overflow.

generator = np.random.RandomState(3)
x = generator.normal(size=(3, 4)).astype(np.float32)
generator = np.random.RandomState(0)
maps = [generator.normal(size=(4, 4)) for _ in "qkv"] + [generator.normal(size=4) for _ in "qkv"]
maps = sa.Maps(*(array.astype(np.float32) for array in maps))

q, k, v = (x @ omega.T + beta for omega, beta in zip(maps[:3], maps[3:]))
powers = np.exp(q @ k.T)
weights = powers / powers.sum(axis=1, keepdims=True)
new = weights @ v

attention = jax.jit(sa.self_attention, static_argnames="scaled")
plain = attention(x, maps, scaled=False)
print("the new tokens:", *np.round(new, 3), sep="\n")
print(f"largest difference from the library: {np.abs(new - plain.values).max():.0e}")

# %%
# Too sure, too early
# -------------------
# Print the shares and almost all of them are nearly 0 or 1: each token listens to a single other one. A dot product of *D* pairs
# of numbers has a spread of about :math:`\sqrt{D}`, and the softmax turns a lead of some units into everything. So the dot
# products are divided by :math:`\sqrt{D_q}`, the root of the length of a query (equation 12.9). Both attention matrices are drawn
# below: a row for each query, a column for each key.

scaled = attention(x, maps)
for name, found in (("plain", plain), ("scaled", scaled)):
    shares = np.max(found.weights, axis=1)
    print(f"largest share in each row, {name:6}: {shares[0]:.3f}  {shares[1]:.3f}  {shares[2]:.3f}")


def draw(ax, weights, title):
    """Draw an attention matrix with its numbers."""
    weights = np.asarray(weights)
    image = ax.imshow(weights, vmin=0, vmax=1)
    ax.set(xlabel="key of token", title=title, xticks=range(len(weights)), yticks=range(len(weights)))
    for (row, column), share in np.ndenumerate(weights):
        ax.text(column, row, f"{share:.3f}", ha="center", va="center", color="k" if share > 0.5 else "w")
    return image


# sphinx_gallery_alt = "Two attention matrices of three tokens: without scaling nearly all zeros and ones, with scaling softer."
fig, axes = plt.subplots(1, 2, figsize=(7.4, 3.4))
draw(axes[0], plain.weights, "plain")
image = draw(axes[1], scaled.weights, r"divided by $\sqrt{D_q}$")
axes[0].set(ylabel="query of token")
fig.colorbar(image, ax=axes, label="attention")
plt.show()

# %%
# Does it matter?
# ---------------
# A softmax that is certain has no slope, so nothing can be learnt through it: when the score of a key with share *a* grows, the
# share grows by :math:`a(1-a)` times as much. Below, a query and ten keys are drawn at random, 200 times, in ever more dimensions.
# Unscaled, the largest share soon is all there is, and the slope vanishes; scaled, both stay as they are.


def certainty(key, width, is_scaled):
    """Return the largest share among ten random keys, and the sum of the slopes."""
    draws = jax.random.normal(key, (11, width))
    share = sa.attend(draws[:1], draws[1:], draws[1:], scaled=is_scaled).weights[0]
    return jnp.max(share), jnp.sum(share * (1 - share))


widths = 2 ** np.arange(1, 11)
keys = jax.random.split(jax.random.key(0), 200)
found = {
    is_scaled: [
        np.mean(jax.jit(jax.vmap(lambda key: certainty(key, w, is_scaled)))(keys), axis=1)  # noqa: B023
        for w in widths
    ]
    for is_scaled in (False, True)
}
# sphinx_gallery_alt = "Unscaled, the largest share rises to 1 with the length and the slope falls to 0; scaled, both are level."
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.3))
for is_scaled, name in ((False, "plain"), (True, "scaled")):
    left.semilogx(widths, np.array(found[is_scaled])[:, 0], "o-", ms=3, label=name)
    right.semilogx(widths, np.array(found[is_scaled])[:, 1], "o-", ms=3, label=name)
left.set(xlabel="length of a query", ylabel="largest of ten shares", ylim=(0, 1.02))
right.set(xlabel="length of a query", ylabel=r"total slope $\sum a\,(1-a)$", ylim=(0, None))
left.legend()
plt.show()

# %%
# Who depends on whom?
# --------------------
# ``jax.jacfwd`` differentiates every new token by every old one, and answers without any thought about formulas. All depend on
# all, though some very little. Under a causal mask, which hides later tokens (section 12.7.2), each depends only on itself and on
# what came before. That is how a language model is kept from reading ahead.


@jax.jit
def influence(mask):
    """Measure how strongly each new token depends on each old one."""
    jacobian = jax.jacfwd(lambda x: sa.self_attention(x, maps, mask).values)(x)
    return jnp.sqrt(jnp.sum(jacobian**2, axis=(1, 3)))


# sphinx_gallery_alt = "Influence of old tokens on new ones: a full square without a mask, its lower triangle under a causal mask."
fig, axes = plt.subplots(1, 2, figsize=(7, 3.2))
for ax, mask, title in zip(axes, (np.ones((3, 3), bool), sa.causal_mask(3)), ("no mask", "causal mask")):
    strength = np.asarray(influence(mask))
    ax.imshow(strength, vmin=0, vmax=6)
    for (row, column), value in np.ndenumerate(strength):
        ax.text(
            column,
            row,
            f"{value:.1g}" if value < 0.1 else f"{value:.1f}",
            ha="center",
            va="center",
            color="wk"[int(value > 3)],
        )
    ax.set(xlabel="old token", ylabel="new token", title=title, xticks=range(3), yticks=range(3))
plt.show()

# %%
# Does the order of the tokens matter?
# ------------------------------------
# The notebook's last question. Nothing in the formulas knows where a token stands, so if tokens change places, the new tokens
# should change places likewise, and do nothing else: the map is *covariant*. We try all six orders of three tokens, and for
# comparison the same under a causal mask, which does know places.

orders = np.array([[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])
for name, mask in (("no mask", np.ones((3, 3), bool)), ("causal", np.asarray(sa.causal_mask(3)))):
    moved = jax.vmap(attention, in_axes=(0, None, None))(x[orders], maps, mask).values
    apart = np.abs(moved - np.asarray(attention(x, maps, mask).values)[orders]).max()
    print(f"{name:8}: new tokens of moved tokens, and moved new tokens, differ by {apart:.0e}")

# %%
# So without a mask a sentence is a bag of words: *the man ate the fish* and *the fish ate the man* would get the same vectors. Real
# transformers add something to each token that tells its place (section 12.3.1).
#
# One part has no effect at all. The offset of the keys, :math:`\boldsymbol\beta_k`, adds the same number to all dot products of
# a query, and a softmax does not notice. Change it as we like, attention stays as it is.

moved = attention(x, maps._replace(beta_k=maps.beta_k + 5))
print(f"beta_k + 5: attention changes by {np.abs(moved.weights - scaled.weights).max():.0e}")
