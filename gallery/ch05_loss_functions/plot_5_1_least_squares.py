r"""
5.1 Where least squares comes from
==================================

Why square the errors, rather than take their absolute values or their fourth powers? Because squares are what is left when we
assume normally distributed noise, ask which parameters make the data most probable, and take the logarithm. Seen in this way, the
loss has one more parameter than the network, the width of the noise; and another kind of noise leads to another loss.

*In the book: sections 5.1 to 5.3, figures 5.3 to 5.5 and 5.11. Notebook 5.1.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax

from udl_jax import plotting, training
from udl_jax.ch03_shallow_networks.shallow_network import ShallowNetwork, stages
from udl_jax.ch05_loss_functions import distributions, heads, sweeps
from udl_jax.ch05_loss_functions import least_squares as ls
from udl_jax.data import toy

plotting.use_book_style()

# %%
# A curve in a band
# -----------------
# The network below has three hidden units: ``theta`` holds their intercepts and slopes, ``phi`` the output's offset (the
# notebook's :math:`\beta_1`) and weights. Its output is the mean of a normal distribution, and the grey band reaches two standard
# deviations to either side, for :math:`\sigma = 0.2`. One point lies far outside, below the notebook's plots; remember it.

x, y = (np.asarray(values) for values in toy.univariate_regression_points())
x_line = np.linspace(0, 1, 200, dtype=x.dtype)
theta = jnp.array([[0.3, -1.0], [-1.0, 1.8], [-0.5, 0.65]])
phi = jnp.array([[0.1, -2.0, -1.0, 7.0]])
network = jax.jit(lambda x: stages(theta, phi, x[:, None]).output[:, 0])


def draw_band(ax, mean, deviation, title):
    ax.fill_between(x_line, mean - 2 * deviation, mean + 2 * deviation, color="0.87")
    ax.plot(x_line, mean)
    ax.plot(x, y, "o", color=plotting.DATA, ms=4)
    ax.set(xlim=(0, 1), ylim=(-1.6, 1.2), xlabel="input $x$", title=title)


# sphinx_gallery_alt = "Left, a bent line in a grey band through the data; right, four bell curves of other means and widths."
fig, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.4))
draw_band(left, np.asarray(network(x_line)), 0.2, r"The notebook's network, $\sigma = 0.2$")
left.set_ylabel("output $y$")
for mu, sigma in ((0, 1), (1, 1), (0, 2), (0, 0.5)):
    density = jax.jit(ls.normal_density)(10 * x_line - 5, float(mu), float(sigma))
    right.plot(10 * x_line - 5, density, label=rf"$\mu = {mu}$, $\sigma = {sigma}$")
right.set(xlabel="output $y$", ylabel="density", xlim=(-5, 5), ylim=(0, 1), title="The normal distribution")
right.legend()
plt.show()

# %%
# On the right are the three predictions that the notebook asks for: another mean moves the bell; twice the deviation makes it
# half as high and twice as wide, and half the deviation does the reverse, since the area under it stays one.
#
# From a density to squares
# -------------------------
# A bell of mean :math:`\mu` and standard deviation :math:`\sigma` has the density (equation 5.7)
#
# .. math:: Pr(y|\mu,\sigma^2) = \frac{1}{\sqrt{2\pi\sigma^2}} \exp\left[-\frac{(y-\mu)^2}{2\sigma^2}\right].
#
# The network's output stands for :math:`\mu`. Multiply the densities of all :math:`I` points and you have the likelihood
# (equation 5.3). Its negative logarithm is a sum (equation 5.4), in which logarithm and exponential cancel:
#
# .. math::
#    -\log\prod_{i=1}^I Pr(y_i|\text{f}[x_i,\phi],\sigma^2)
#    = \frac{1}{2\sigma^2}\sum_{i=1}^I \left(y_i-\text{f}[x_i,\phi]\right)^2 + I\log\sqrt{2\pi\sigma^2}.
#
# The last term does not depend on :math:`\phi`, so the best parameters are those with the least sum of squares (equations 5.10
# and 5.11). The notebook announces 0.000010624, 11.452419564 and 2.020992572.

sigma, mean = 0.2, np.asarray(network(x))
density = np.exp(-((y - mean) ** 2) / (2 * sigma**2)) / np.sqrt(2 * np.pi * sigma**2)
likelihood, loss, squares = np.prod(density), -np.sum(np.log(density)), np.sum((y - mean) ** 2)
sum_form = squares / (2 * sigma**2) + len(y) * np.log(np.sqrt(2 * np.pi * sigma**2))

print(f"likelihood {likelihood:.9f}, negative log-likelihood {loss:.4f}, sum of squares {squares:.6f}")
print(f"sum of squares over twice the variance, plus the constant: {sum_form:.4f}")
print(
    f"difference of the loss from the library's: {abs(loss - ls.negative_log_likelihood(y, mean, sigma)):.0e}"
)

# %%
# The sum of squares is also the safer form. Far from the mean the density vanishes in float32, and the logarithm of zero is minus
# infinity: the naive loss becomes infinite there, and its gradient NaN, *not a number*. With squares in its place, nothing
# happens.

losses = {
    "naive": lambda mean, y: -jnp.log(ls.normal_density(y, mean, 1.0)),
    "safe": lambda mean, y: ls.negative_log_likelihood(y[None], mean[None], 1.0),
}
distances = np.array([1.0, 10.0, 14.0, 100.0], x.dtype)
print("deviations off:", *(f"{distance:9.0f}" for distance in distances))
for name, loss in losses.items():
    for what, row in zip(("loss", "gradient"), jax.vmap(jax.value_and_grad(loss))(0 * distances, distances)):
        print(f"{name + ' ' + what:15}", *(f"{value:9.2f}" for value in row))

# %%
# Turn the offset
# ---------------
# Move the network's output up and down and watch all three criteria; one ``vmap`` takes the place of the notebook's loop. See the
# dotted lines: maximum likelihood, minimum negative log-likelihood and least squares choose the same offset. And look at the
# shape of the likelihood: it is next to zero nearly everywhere, so it guides only those who are close already.


def draw_sweep(values, swept, symbol, *band):
    """Draw a band, and beside it three criteria over a parameter, each with a dotted line at its own best value."""
    axes = plt.subplots(2, 2, figsize=(8.5, 6))[1].flat
    draw_band(axes[0], *band)
    for ax, (name, criterion) in zip(axes[1:], swept._asdict().items()):
        word, best = ("Highest", np.argmax) if name == "likelihood" else ("Lowest", np.argmin)
        place = values[best(criterion)]
        ax.plot(values, criterion, color=plotting.COLOURS[1])
        ax.axvline(place, color="0.3", ls=":", lw=1.2)
        ax.set(xlabel=symbol, ylabel=name.replace("_", " "), title=f"{word} at {symbol} = {place:.3f}")
    return axes


offsets = np.arange(0, 1.0, 0.01, dtype=x.dtype)
swept = jax.jit(ls.sweep_offset)(theta, phi, offsets, x[:, None], y, 0.2)
curves = np.asarray(jax.jit(sweeps.outputs_at_offsets)(theta, phi, offsets, x_line[:, None]))[..., 0]
best = np.argmin(swept.negative_log_likelihood)
best_offset, best_curve = offsets[best], curves[best]

# sphinx_gallery_thumbnail_number = 2
# sphinx_gallery_alt = "Shifted networks over the data, and three criteria over the offset, all of them best at 0.27."
axes = draw_sweep(offsets, swept, r"$\beta_1$", best_curve, 0.2, r"$\beta_1$ from 0 to 0.8, and the best")
axes[0].plot(x_line, curves[::20].T, color=plotting.COLOURS[4], lw=1)
plt.show()

# %%
# Turn the width of the noise
# ---------------------------
# Now leave the network at its best offset and turn :math:`\sigma`. The sum of squares does not depend on it, but the likelihood
# has a favourite. No search is needed to find it: set the derivative of the formula above with respect to :math:`\sigma` to zero,
# and the best variance is the mean squared error,
#
# .. math:: \hat\sigma^2 = \frac{1}{I}\sum_{i=1}^I \left(y_i-\text{f}[x_i,\phi]\right)^2.
#
# How much of it is due to the one point far below?

deviations = np.arange(0.1, 0.5, 0.005, dtype=x.dtype)
swept = jax.jit(ls.sweep_deviation)(theta, phi.at[0, 0].set(best_offset), deviations, x[:, None], y)
fit_mean = mean + (best_offset - 0.1)
errors, usual = (y - fit_mean) ** 2, y > -1
best_deviation = np.sqrt(np.mean(errors))
print(f"by the formula {best_deviation:.4f}, by the library {ls.best_deviation(y, fit_mean):.4f}")
print(
    f"without the point below, {100 * errors[~usual].sum() / errors.sum():.0f} % of the error is gone;",
    end=" ",
)
print(f"the best deviation would be {np.sqrt(np.mean(errors[usual])):.4f}")

# sphinx_gallery_alt = "Bands of four widths, and three criteria over sigma: a peak and a dip at 0.265, and a flat line."
band = (best_curve, best_deviation, r"$\sigma$ of 0.1, 0.2, 0.3 and 0.4, and the best")
axes = draw_sweep(deviations, swept, r"$\sigma$", *band)
edges = best_curve[:, None] + np.array([*(-2 * deviations[::20]), *(2 * deviations[::20])])
axes[0].plot(x_line, edges, color=plotting.COLOURS[4], lw=0.8)
axes[3].set(ylim=(0, 2), xlim=(0.101, None), title=r"The same for every $\sigma$")
plt.show()

# %%
# Turn everything at once
# -----------------------
# The notebook stops here and says that one would go on to vary all ten parameters. ``jax.grad`` does. A *head* on the network
# turns its outputs into a distribution, and the loss is always that distribution's negative log-likelihood. The first head learns
# one :math:`\sigma` for all inputs; in the other three it is an output, and may vary with :math:`x` (section 5.3.4). The last two
# also change the kind of noise, to Laplace's and Student's. The bands reach two standard deviations, or two of the scales in
# their place.

level = jnp.array([[-1.5, 0.0, 0.0, 0.0]])  # an output for the width, and one for the degrees of freedom
wide, wider = jnp.concatenate([phi, level]), jnp.concatenate([phi, level, level])
contenders = {
    r"Normal, one $\sigma$": (heads.ConstantGaussianHead(ShallowNetwork(3)), phi),
    r"Normal, $\sigma$ of $x$": (heads.GaussianHead(ShallowNetwork(3, 2)), wide),
    "Laplace": (heads.DistributionHead(ShallowNetwork(3, 2), distributions.Laplace), wide),
    "Student's t": (heads.DistributionHead(ShallowNetwork(3, 3), distributions.StudentT), wider),
}


def fit(head, start):
    fitted = heads.fit(head, start, training.Examples(x[:, None], y), optax.adam(0.01), steps=4000)
    return head.apply(fitted.state.variables, x_line[:, None]), fitted.history.train.loss[-1]


# sphinx_gallery_alt = "Four fits: with one width for all the curve bends down to the low point; elsewhere the band opens."
fig, axes = plotting.panels(1, 4, size=2.5)
for ax, (name, (head, weights)) in zip(axes[0], contenders.items(), strict=True):
    start = {"params": {"network": {"theta": theta, "phi": weights}}}
    if weights is phi:
        start["params"]["deviation"] = jnp.array(-1.5)
    (middle, width, *_), loss = jax.device_get(jax.jit(fit, static_argnums=0)(head, start))
    draw_band(ax, middle, width, f"{name}\nloss {loss:.2f}")
    ax.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
axes[0, 0].set_ylabel("output $y$")
plt.show()

# %%
# With one width for all, the curve bends down to the point at the bottom left. Where the width may vary, the band opens up there
# instead, and narrows where the data are orderly; the curve of Student's t leaves the point outside its band altogether. All four
# maximise a likelihood; what differs is the noise that they assume.
#
# What if the noise were different?
# ---------------------------------
# The book's figure 5.11 lists which distribution suits which data; ``distributions.TABLE`` is that list, and its first two rows
# are those above. What do they charge for a single error, in nats, the unit of natural logarithms? The normal distribution
# charges by the square, Laplace's by the size, and to Student's t, with its heavy tails, a large error is cheap.

error = np.array([0.0, 1.0, 2.0, 4.0, 8.0], x.dtype)
print("loss of an error of", *(f"{size:6.0f}" for size in error))
for noise in (*distributions.TABLE[0].distributions, *distributions.TABLE[1].distributions):
    distribution = noise(*(0 * error, 1.0, 1.0)[: len(noise._fields)])
    losses = -jax.jit(noise.log_density)(distribution, error)
    print(f"{noise.__name__:18}", *(f"{loss:6.2f}" for loss in losses))
