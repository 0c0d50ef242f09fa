r"""
18.2 The way back, one small step at a time
===========================================

In 18.1 four bumps on a line dissolved in noise. Nobody can undo that in one go: from a sample of pure noise, almost any place may
be where it came from. But a single step changes little, and a small change can be undone by a guess. Can a hundred guesses in a
row bring the bumps back?

*In the book: sections 18.3 and 18.4, figure 18.7. Notebook 18.2.*
"""

import functools

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch18_diffusion import diffusion_model as model
from udl_jax.ch18_diffusion import encoder, mixture, reparameterized_model

plotting.use_book_style()

# %%
# The data
# --------
# They are those of 18.1, a hundred thousand samples of four bumps. The schedule is the same too: a hundred steps, each of which
# replaces 1.5 % of the variance by noise.

STEPS, BETA, COUNT = 100, 0.01511, 100_000
bumps = mixture.four_bumps()
places = np.arange(-3, 3, 0.01, dtype=np.float32)
truth = np.exp(jax.jit(bumps.log_density)(places))
x = mixture.draw(jax.random.key(0), COUNT)

# sphinx_gallery_alt = "A density with four bumps, two of them tall and narrow, at about -1.9 and -0.2."
fig, ax = plt.subplots(figsize=(5.5, 2.6))
ax.plot(places, truth)
ax.set(xlabel="$x$", ylabel="density $Pr(x)$", xlim=(-3, 3), ylim=(0, 1))
plt.show()

# %%
# Where was this sample a step ago?
# ---------------------------------
# For whoever knows the data point, the question has an exact answer. Bayes' rule makes of two normal distributions a third,
# between the place now and the data point (equation 18.15):
#
# .. math::
#    q(\mathbf{z}_{t-1}|\mathbf{z}_t,\mathbf{x}) = \text{Norm}_{\mathbf{z}_{t-1}}\biggl[
#    \frac{1-\alpha_{t-1}}{1-\alpha_t}\sqrt{1-\beta_t}\,\mathbf{z}_t
#    + \frac{\sqrt{\alpha_{t-1}}\,\beta_t}{1-\alpha_t}\,\mathbf{x},\;
#    \frac{\beta_t(1-\alpha_{t-1})}{1-\alpha_t}\mathbf{I}\biggr].
#
# During training the data point is known. So we blur it to :math:`\mathbf{z}_t` in one jump, and draw :math:`\mathbf{z}_{t-1}`
# from this distribution. Here are the formula's lines at :math:`t = 40`, beside the library's function.

t = 40
alpha = (1 - BETA) ** np.arange(STEPS + 1)
noise = np.asarray(jax.random.normal(jax.random.key(1), (2, COUNT)))
z = np.sqrt(alpha[t]) * np.asarray(x) + np.sqrt(1 - alpha[t]) * noise[0]
mean = (1 - alpha[t - 1]) / (1 - alpha[t]) * np.sqrt(1 - BETA) * z
mean += np.sqrt(alpha[t - 1]) * BETA / (1 - alpha[t]) * np.asarray(x)
z_before = mean + np.sqrt(BETA * (1 - alpha[t - 1]) / (1 - alpha[t])) * noise[1]

ours = jax.jit(model.data_pairs)(x, *noise, t, BETA)
print(
    f"largest differences from the library: {abs(z - ours[0]).max():.0e}, {abs(z_before - ours[1]).max():.0e}"
)

# %%
# A model that only remembers
# ---------------------------
# Later nobody knows the data point, so the model may look at :math:`\mathbf{z}_t` alone and must predict :math:`\mathbf{z}_{t-1}`
# on average. A network would do that. The notebook takes the simplest model of all: cut the line into 600 bins, and remember for
# each how far to the left or right the previous point was on average. One table a step, a hundred in all, is one ``lax.map``.
#
# With four Gaussian bumps we also know the best possible prediction in closed form. The tables follow it, with a bit of rattle.

tables = jax.jit(functools.partial(model.draw_tables, steps=STEPS))(jax.random.key(2), x, BETA)


@jax.jit
def best(z, t):
    """Compute the average of all places from which z may have come."""
    return reparameterized_model.reverse_mean(z, mixture.expected_noise(bumps, BETA, z, t), t, BETA)


predict = jax.jit(model.predict)

# sphinx_gallery_alt = "Shifts over the place at steps 5, 20 and 80: the tables scatter closely about the smooth best curves."
fig, axes = plt.subplots(1, 3, figsize=(9.6, 3), sharex=True, sharey=True)
for ax, t in zip(axes, (5, 20, 80)):
    ax.plot(places, predict(tables, places, t) - places, lw=0.8, label="table")
    ax.plot(places, best(places, t) - places, "k", lw=1.2, label="best possible")
    ax.axhline(0, color="0.8", lw=0.8, zorder=0)
    ax.set(title=f"step {t}", xlabel="$z_t$", xlim=(-2.6, 2.6), ylim=(-0.12, 0.12))
axes[0].set_ylabel("predicted $z_{t-1} - z_t$")
axes[1].legend(loc="lower left")
plt.show()

# %%
# Early tables, those close to the data, pull samples to the nearest bump. The late ones only draw everything a little towards the
# middle, and the noise that is added after each step pushes it apart again.
#
# Run it backwards
# ----------------
# The model says that the previous point is normal around the prediction, with a deviation :math:`\sigma_t` that is set by hand
# (equation 18.16):
#
# .. math:: Pr(\mathbf{z}_{t-1}|\mathbf{z}_t,\boldsymbol\phi_t) = \text{Norm}_{\mathbf{z}_{t-1}}\bigl[
#    \mathbf{f}_t[\mathbf{z}_t,\boldsymbol\phi_t], \sigma_t^2\mathbf{I}\bigr].
#
# The notebook has :math:`\sigma_t = 0.12288`, nearly :math:`\sqrt\beta`. Sampling starts from a standard normal and walks through
# the tables from the last to the first: a ``lax.scan`` with the tables beside it.

SIGMA = 0.12288
noise = np.asarray(jax.random.normal(jax.random.key(3), (STEPS + 1, COUNT)))
sample = jax.jit(model.sample, static_argnames="last_noise")
path = np.asarray(sample(tables, noise[-1], noise[:-1], SIGMA))
z = noise[-1]
for t in range(STEPS, 0, -1):
    z = np.asarray(predict(tables, z, t)) + SIGMA * noise[t - 1]
print(f"largest difference between this loop and the library: {abs(z - path[0]).max():.0e}")

# sphinx_gallery_thumbnail_number = 3
# sphinx_gallery_alt = "Left, five paths from step 100 at the bottom to the data at the top; right, a histogram with four bumps."
fig, (left, right) = plt.subplots(1, 2, figsize=(9.2, 4), width_ratios=(1, 1.3))
left.plot(path[:, :5], range(STEPS + 1), lw=1)
left.set(
    xlabel="value", ylabel="step $t$", xlim=(-3, 3), ylim=(STEPS, 0), title="Five samples on their way back"
)
right.hist(path[0], np.arange(-3, 3.01, 0.05), density=True, color=plotting.COLOURS[5], label="samples")
right.plot(places, truth, "k", lw=1.2, label="truth")
right.set(xlabel="$x$", ylabel="density", xlim=(-3, 3), ylim=(0, 1), title="100,000 samples")
right.legend()
plt.show()

# %%
# How good is it, and what does each approximation cost?
# ------------------------------------------------------
# All four bumps are back, but the narrow ones are too wide. To put a number on it, add up over the bins how far the share of
# samples is from the true probability: 0 would be perfect, 2 as wrong as can be. A hundred thousand fresh samples of the truth
# show what chance alone does. Then we mend one thing at a time: the noise that is added after the very last step, the size of the
# noise, the number of training samples, and the start, which should have been :math:`q(\mathbf{z}_{100})` and not a standard
# normal.

distance = jax.jit(functools.partial(mixture.histogram_distance, bumps))
fit_to = jax.jit(functools.partial(model.draw_tables, steps=STEPS))
few = fit_to(jax.random.key(4), x[:1000], BETA)
right_start = jax.jit(encoder.sample_diffusion, static_argnums=3)(jax.random.key(5), x, BETA, STEPS)[-1]
runs = {
    "fresh samples of the truth": mixture.draw(jax.random.key(6), COUNT),
    "the notebook's way": path[0],
    "no noise after the last step": sample(tables, noise[-1], noise[:-1], SIGMA, last_noise=False)[0],
    "half the noise": sample(tables, noise[-1], noise[:-1], SIGMA / 2)[0],
    "1,000 training samples": sample(few, noise[-1], noise[:-1], SIGMA)[0],
    "the right start": sample(tables, right_start, noise[:-1], SIGMA)[0],
}
found = {name: float(distance(jnp.asarray(samples))) for name, samples in runs.items()}
for name, value in found.items():
    print(f"{name:30} {value:.3f}")

# sphinx_gallery_alt = "Six histograms over the true density; half the noise crowds one peak, few training samples blur all."
fig, axes = plt.subplots(2, 3, figsize=(9.6, 4.6), sharex=True, sharey=True)
for ax, (name, samples) in zip(axes.flat, runs.items()):
    ax.hist(samples, np.arange(-3, 3.01, 0.05), density=True, color=plotting.COLOURS[5])
    ax.plot(places, truth, "k", lw=0.9)
    ax.set_title(f"{name}: {found[name]:.3f}", fontsize=9)
    ax.set(xlim=(-3, 3), ylim=(0, 1.4))
for ax in axes[1]:
    ax.set_xlabel("$x$")
for ax in axes[:, 0]:
    ax.set_ylabel("density")
plt.show()

# %%
# The noise after the very last step is what made the leftmost bump so wide. Without it the bump is narrow, but the distance is no
# smaller: now the rattle of the last table shows, which the noise had smoothed over. Half the noise at every step lets samples
# crowd on the tallest bump. With a thousand training samples most bins hold one or two of them or none, and a table that knows
# nothing predicts that samples stay where they are, so noise carries them off. The start, which looked so dubious, hardly
# matters.
