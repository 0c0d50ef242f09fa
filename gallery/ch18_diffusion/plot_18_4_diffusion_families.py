r"""
18.4 Many ways back with one model
==================================

The model of 18.3 only ever learned which noise is in a sample. Nothing forces us to use its guess for a hundred noisy steps. May
one leave out the noise, so that each starting point leads to one certain sample? May one jump five steps at a time? And what does
one pay?

*In the book: section 18.6.2, figure 18.10. Notebook 18.4.*
"""

import functools

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch18_diffusion import diffusion_families as families
from udl_jax.ch18_diffusion import mixture, reparameterized_model

plotting.use_book_style()

# %%
# One line
# --------
# A guess of the noise is also a guess of the data: take the noise out, and undo the shrinking. From both one can blend the sample
# of any other time, with some of the guessed noise replaced by fresh noise. That is the step of denoising diffusion implicit
# models, DDIM for short, from :math:`t` to an earlier time :math:`s`:
#
# .. math::
#    \mathbf{z}_s = \sqrt{\alpha_s}\,
#    \underbrace{\frac{\mathbf{z}_t - \sqrt{1-\alpha_t}\,\mathbf{g}_t}{\sqrt{\alpha_t}}}_{\text{guessed data}}
#    + \sqrt{1-\alpha_s-\sigma^2}\;\mathbf{g}_t + \sigma\,\boldsymbol\epsilon.
#
# With :math:`\sigma = 0` nothing is left to chance. Below, the line takes a hundred samples from step 100 to step 99 with the
# tables of 18.3 as the model :math:`\mathbf{g}_t`, trained just as in the notebook.

STEPS, BETA, COUNT = 100, 0.01511, 100_000
bumps = mixture.four_bumps()
places = np.arange(-3, 3, 0.01, dtype=np.float32)
truth = np.exp(jax.jit(bumps.log_density)(places))
x = mixture.draw(jax.random.key(0), COUNT)
fit = jax.jit(functools.partial(reparameterized_model.draw_tables, steps=STEPS), static_argnames="trained_at")
book_model = reparameterized_model.table_model(fit(jax.random.key(2), x, BETA, trained_at=0))
noise = np.asarray(jax.random.normal(jax.random.key(3), (STEPS + 1, COUNT)))

alpha = (1 - BETA) ** np.arange(STEPS + 2)
z, sigma = noise[-1, :100], 0.001
g = np.asarray(book_model(z, STEPS))
data = (z - np.sqrt(1 - alpha[100]) * g) / np.sqrt(alpha[100])
by_hand = np.sqrt(alpha[99]) * data + np.sqrt(1 - alpha[99] - sigma**2) * g + sigma * noise[99, :100]
by_library = families.ddim_step(z, g, alpha[100], alpha[99], sigma, noise[99, :100])
print(f"largest difference from the library: {np.abs(by_hand - by_library).max():.0e}")

# sphinx_gallery_alt = "A density with four bumps, two of them tall and narrow, at about -1.9 and -0.2."
fig, ax = plt.subplots(figsize=(5.5, 2.6))
ax.plot(places, truth)
ax.set(xlabel="$x$", ylabel="density $Pr(x)$", xlim=(-3, 3), ylim=(0, 1))
plt.show()

# %%
# A hundred quiet steps, and twenty jumps
# ---------------------------------------
# The notebook first walks all hundred steps with almost no noise, :math:`\sigma = 0.001`. Then it jumps five steps at a time,
# with :math:`\sigma = 0.11`. It takes all :math:`\alpha` one step too late (``shift=1`` in the library), so that its last step
# ends at :math:`\alpha_1` instead of 1. In the library a walk is a rising list of times, and what happens is the same scan.


@functools.partial(jax.jit, static_argnames=("steps", "shift"))
def sample(model, start, steps, noise=None, sigma=None, shift=0):
    """Sample with DDIM in so many even steps, with noise or without."""
    times, sigma = families.even_times(steps, STEPS), 0 if sigma is None else sigma
    return families.sample_ddim(model, start, noise, BETA, sigma, times, shift=shift)


distance = jax.jit(functools.partial(mixture.histogram_distance, bumps))


def show(steps, sigma):
    """Draw five paths and the histogram of one of the notebook's two walks."""
    path = np.asarray(sample(book_model, noise[-1], steps, noise[:steps], sigma, shift=1))
    _, (left, right) = plt.subplots(1, 2, figsize=(9.2, 3.8), width_ratios=(1, 1.3))
    marker = "." if steps < STEPS else ""
    left.plot(path[:, :5], families.even_times(steps, STEPS), lw=1, marker=marker)
    left.set(xlabel="value", ylabel="step $t$", xlim=(-3, 3), ylim=(STEPS, 0), title="Five paths")
    right.hist(path[0], np.arange(-3, 3.01, 0.05), density=True, color=plotting.COLOURS[5], label="samples")
    right.plot(places, truth, "k", lw=1.2, label="truth")
    title = rf"{steps} steps, $\sigma = {sigma:g}$: distance {distance(jnp.asarray(path[0])):.3f}"
    right.set(xlabel="$x$", ylabel="density", xlim=(-3, 3), ylim=(0, 1.2), title=title)
    right.legend()


# sphinx_gallery_thumbnail_number = 2
# sphinx_gallery_alt = "Left, five paths that run smoothly from bottom to top; right, a histogram with four ragged bumps."
show(100, 0.001)
plt.show()

# %%
# Without noise the paths are nearly smooth and hardly cross. With twenty jumps and noise they are rough again, and the histogram
# is clearly better, for a fifth of the work. (The distance adds up over bins how far the share of samples is from the truth.)

# sphinx_gallery_alt = "Left, five rough paths of twenty jumps; right, a histogram with four smooth bumps."
show(20, 0.11)
plt.show()

# %%
# Is it the model or the way?
# ---------------------------
# To find out what jumping costs as such, we need a model that is never wrong. For Gaussian bumps there is one: the expected noise
# in closed form, as in 18.3. With it, the walk gets worse the longer the jumps are. A little noise helps, since it lets samples
# forget earlier errors; too much leaves the narrow bumps blurred, as there is less room for it than is put in. (Where
# :math:`1-\alpha_s-\sigma^2` falls below zero, the library takes zero.)

exact = mixture.exact_model(bumps, BETA)
sigmas = np.array([0, 0.03, 0.06, 0.09, 0.12, 0.16, 0.2], np.float32)
counts = (100, 50, 20, 10, 5)
some = 20_000


@functools.partial(jax.jit, static_argnums=1)
def distances(model, steps):
    """Measure how far the samples of each amount of noise are from the truth."""
    ends = lambda sigma: sample(model, noise[-1, :some], steps, noise[:steps, :some], sigma)[0]  # noqa: E731
    return jax.lax.map(lambda sigma: mixture.histogram_distance(bumps, ends(sigma)), sigmas)


# sphinx_gallery_alt = "Distance from the truth over the amount of noise for five numbers of steps: fewer steps lie higher."
fig, ax = plt.subplots(figsize=(6, 3.8))
for steps in counts:
    ax.plot(sigmas, distances(exact, steps), "o-", ms=3, label=f"{steps} steps")
fresh = float(distance(mixture.draw(jax.random.key(6), some)))
ax.axhline(fresh, color="0.5", ls=":", label="the truth itself")
ax.set(xlabel=r"fresh noise in each step, $\sigma$", ylabel="distance from the truth", ylim=(0, None))
ax.set_xticks((0, 0.05, 0.1, 0.15, 0.2))
ax.set_title("The best possible model, 20,000 samples")
ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %%
# Where does each start end?
# --------------------------
# Without noise, a walk is a function from starts to samples, and it can be drawn. With a perfect model and ever smaller steps it
# would map each share of the normal distribution to the same share of the data, in order, like a quantile plot (dotted). A
# hundred steps come close; five only manage a coarse version.

starts = np.linspace(-2.5, 2.5, 400, dtype=np.float32)
truth_below = np.cumsum(truth) * 0.01
normal_below = np.asarray(jax.scipy.stats.norm.cdf(starts))

# sphinx_gallery_alt = "Samples over starts: rising curves with flat stretches at the narrow bumps, close to the dotted quantiles."
fig, ax = plt.subplots(figsize=(5.5, 4))
for steps in (100, 20, 5):
    ax.plot(starts, sample(exact, starts, steps)[0], label=f"{steps} steps")
ax.plot(starts, np.interp(normal_below, truth_below, places), "k:", label="quantiles")
ax.set(xlabel="start $z_{100}$", ylabel="sample $x$", xlim=(-2.5, 2.5))
ax.legend()
plt.show()

# %%
# There and back again
# --------------------
# What is a function can be undone: the same steps in the other direction find the noise that belongs to a data point. Walk from
# data to noise and back, and see how far from home one ends. The shorter the steps, the closer one gets. That is how such models
# edit pictures: encode, change something, decode.

home = x[:2000]
for steps in counts:
    times = families.even_times(steps, STEPS)
    there = jax.jit(functools.partial(families.encode_ddim, times=times))(exact, home, BETA)
    back = sample(exact, there[-1], steps)[0]
    print(f"{steps:3} steps: typically {np.median(np.abs(back - home)):.3f} from home")
