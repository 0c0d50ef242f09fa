r"""
17.A The variational autoencoder
================================

In 17.1 we knew how hidden numbers turn into points, and even so it took a sum over all of them to say how probable a point is.
Now we know nothing: neither the function, nor which hidden number belongs to which point. A variational autoencoder learns both
at once. How near does it come to the truth, where the truth is known? And what does it make of handwritten digits?

*In the book: sections 17.3 to 17.8, figures 17.6 to 17.14.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
from flax import linen as nn

from udl_jax import plotting, training
from udl_jax.ch17_vaes import autoencoder as vae
from udl_jax.ch17_vaes import bounds, latent_variables
from udl_jax.data.mnist import load_mnist

plotting.use_book_style()

# %%
# A bound that can be computed
# ----------------------------
# One network, the encoder, looks at :math:`\mathbf{x}` and guesses the hidden variables: a normal distribution
# :math:`q(\mathbf{z}|\mathbf{x})`. Another, the decoder, says which data they stand for. Both are trained to raise the evidence
# lower bound, ELBO (equation 17.23):
#
# .. math:: \log Pr(\mathbf{x}) \;\geq\; \text{ELBO} \;\approx\; \log Pr(\mathbf{x}|\mathbf{z}^*)
#     - D_{KL}\bigl[q(\mathbf{z}|\mathbf{x})\,\|\,Pr(\mathbf{z})\bigr], \qquad \mathbf{z}^* = \boldsymbol\mu +
#     \boldsymbol\sigma\odot\boldsymbol\epsilon.
#
# The first term asks for good reconstructions. The second keeps the guess close to what one would say without having looked; for
# normal distributions it is (equation 17.24)
#
# .. math:: D_{KL} = \tfrac12\sum_d \bigl(\sigma_d^2 + \mu_d^2 - 1 - \log\sigma_d^2\bigr).
#
# The lines below compute both for 17.1's points and an untrained model with one hidden variable, beside the library's function.

SIGMA_SQ = 0.04
toy = vae.Autoencoder(features=2, latents=1, widths=(64, 64), sigma_sq=SIGMA_SQ, activation=nn.gelu)
x = np.asarray(latent_variables.sample(jax.random.key(0), 8000))
x_test = np.asarray(latent_variables.sample(jax.random.key(1), 2000))
start = training.initialise(toy, jax.random.key(2), x[:1])
generator = np.random.default_rng(0)
normals = lambda *shape: generator.standard_normal(shape, np.float32)  # noqa: E731

epsilon = normals(2000, 1)
mean, log_variance = jax.jit(lambda x: toy.apply(start, x, method="encode"))(x_test)
z = mean + np.exp(log_variance / 2) * epsilon
decoded = jax.jit(lambda z: toy.apply(start, z, method="decode"))(z)
reconstruction = -np.sum((x_test - decoded) ** 2, axis=1) / (2 * SIGMA_SQ) - np.log(2 * np.pi * SIGMA_SQ)
divergence = np.sum(np.exp(log_variance) + mean**2 - 1 - log_variance, axis=1) / 2
ours = jax.jit(lambda x, e: vae.elbo(toy, start, x, e))(x_test, epsilon)
apart = np.abs(reconstruction - divergence - ours).max()
print(f"ELBO before training {np.mean(ours):.1f}, off these lines by {apart:.0e}")

# %%
# Where the truth is known
# ------------------------
# Train on 8,000 of 17.1's points, 4,000 steps of Adam; the draws :math:`\boldsymbol\epsilon` are arguments, one array for the
# whole training. A second model is trained with ten draws a point and the tighter bound that importance sampling makes of them
# (section 17.8.1). With one hidden variable the true likelihood is a sum over a grid, as in 17.1: all bounds can be held against
# it.

order = training.draw_order(jax.random.key(3), len(x), 100, 200)
never = training.Evaluation(every=0)
recipe = training.Recipe(toy, optax.adam(1e-3), objective=vae.Objective(), evaluation=never)
models = {}
for name, draws in (("one draw", ()), ("ten draws", (10,))):
    noise = normals(100, 40, *draws, 200, 1)
    state, _ = training.train(recipe, training.start(recipe, start), training.Examples(x), None, order, noise)
    models[name] = state.variables

grid = np.arange(-5, 5, 0.01, dtype=np.float32)


@jax.jit
def judge(variables, noise):
    """Average bounds of the test points, from one draw to 500, and the model's true likelihood."""
    found = [vae.elbo(toy, variables, x_test, noise[0])]
    found += [bounds.log_likelihood(toy, variables, x_test, noise[:n]) for n in (5, 50, 500)]
    found.append(bounds.exact_log_likelihood(toy, variables, x_test, grid))
    return jnp.stack(found).mean(axis=1)


noise = normals(500, 2000, 1)
truth = float(jax.jit(latent_variables.log_density)(x_test, grid).mean())
print("mean log-likelihood of test points, in nats: ELBO, 5 draws, 50 draws, 500 draws, exact")
for name, variables in models.items():
    print(f"trained with {name}: " + ", ".join(f"{value:.3f}" for value in judge(variables, noise)))
print(f"the world that made the points: {truth:.3f}")

# %%
# The bounds rise towards the exact value, as they should, and the tighter bound gives the better model. The picture shows what
# holds the first one back. In 17.1 many points may stem from several stretches of the curve, and their posteriors have several
# peaks. The encoder can only say one normal distribution. So the decoder learns a curve that does not cross itself, under which
# posteriors have one peak, and misses parts of the tangle; between its branches, as at (0.6, -0.2), the guess is off.

probe = np.array([[0.9, -0.9], [0.6, -0.2]], np.float32)
axis = np.arange(-1.5, 2.5, 0.02, dtype=np.float32)


@jax.jit
def look(variables):
    """Compute the model's density, its curve, and for two points the exact posterior and the encoder's guess."""
    decoder = bounds.decoder_of(toy, variables)
    density = latent_variables.marginal_density(axis, axis, grid, SIGMA_SQ, decoder)
    exact = latent_variables.posterior(probe, grid, SIGMA_SQ, decoder) / 0.01
    mean, log_variance = toy.apply(variables, probe, method="encode")
    guess = jax.scipy.stats.norm.pdf(grid, mean, jnp.exp(log_variance / 2))
    return density, decoder(grid), exact, guess


density, curve, exact, guess = (np.asarray(part) for part in look(models["one draw"]))
world = jax.jit(latent_variables.marginal_density)(axis, axis, grid)

# sphinx_gallery_alt = "The true density; the learned one along a curve without crossings; two posteriors and guesses."
fig, axes = plt.subplots(1, 4, figsize=(11, 3.1))
for ax, shown, title in zip(axes, (world, density), ("the true density", "learned, and its curve")):
    plotting.surface(ax, axis, axis, np.asarray(shown), lines=np.arange(0.1, 1, 0.2) * np.max(shown))
    ax.set(title=title, xlabel="$x_1$", ylabel="$x_2$", xlim=(-0.5, 2), ylim=(-1.5, 1.5))
axes[1].plot(*curve[np.abs(grid) < 2.5].T, color="w", lw=0.8)
for ax, point, p, q in zip(axes[2:], probe, exact, guess):
    ax.plot(grid, p, label="exact")
    ax.plot(grid, q, label="encoder")
    ax.set(title=f"posterior of ({point[0]:.1f}, {point[1]:.1f})", xlabel="$z$", xlim=(-3, 3), ylim=(0, None))
axes[2].legend()
plt.show()

# %%
# Digits
# ------
# The same code, for 784 pixels that are black or white, whose probabilities are decoded from 16 hidden variables. Ten epochs over
# 8,000 digits take a few seconds; the curves of thirty, recorded, are drawn beside them.

data = load_mnist()
digits, unseen = (np.asarray(vae.binarise(images)) for images in (data.x_train, data.x_test))
model = vae.Autoencoder(features=784, latents=16)
recipe = training.Recipe(model, optax.adam(1e-3), objective=vae.Objective(), evaluation=never)
state = training.start(recipe, training.initialise(model, jax.random.key(4), digits[:1]))
order = training.draw_order(jax.random.key(5), len(digits), 10, 100)
state, history = training.train(
    recipe, state, training.Examples(digits), None, order, normals(10, 80, 100, 16)
)
variables = state.variables
test_elbo = jax.jit(lambda x, e: vae.elbo(model, variables, x, e).mean())(unseen, normals(2000, 16))
recorded = vae.load_recorded()
print(f"test ELBO after 10 epochs: {test_elbo:.1f}")
last = recorded["history_1"][1, -1] @ [1, -1]
some = f"{recorded['elbo_500'].mean():.1f} for the first 500, importance-sampled {recorded['sampled_500'].mean():.1f}"
print(f"recorded, after 30: {last:.1f}, {some}", recorded["provenance"], sep="\n")

# sphinx_gallery_alt = "ELBO over epochs: the live run follows the recorded one, whose training and test curves part."
fig, ax = plt.subplots(figsize=(5.5, 3.4))
epochs = np.arange(1, 31)
for part, curve in zip(("training", "test"), recorded["history_1"] @ np.array([1, -1])):
    ax.plot(epochs, curve, label=f"recorded, {part}")
ax.plot(epochs[:10], -np.asarray(history.train.loss), "k:", label="this run, mean over each epoch")
ax.plot(10, test_elbo, "ks", ms=5, label="this run, test")
ax.set(xlabel="epoch", ylabel="ELBO (nats a digit)", xlim=(0, 30), ylim=(-150, -80))
ax.legend()
plt.show()

# %%
# What it can do after ten epochs: rebuild digits that it has not seen, decode draws from the prior, walk from one digit's hidden
# variables to another's, and move a single hidden variable.

to_picture = jax.jit(lambda z: nn.sigmoid(model.apply(variables, z, method="decode")))
encode = jax.jit(lambda x: model.apply(variables, x, method="encode")[0])
seen = encode(unseen[:14])
moved = jax.jit(lambda z: nn.sigmoid(vae.traverse(model, variables, z, jnp.linspace(-2.5, 2.5, 14))))(seen[3])
strongest = int(np.argmax(np.std(np.asarray(moved), axis=1).sum(axis=1)))
rows = {
    "unseen": unseen[:14],
    "rebuilt": to_picture(seen),
    "drawn": to_picture(normals(14, 16)),
    "a walk": to_picture(vae.interpolate(seen[0], seen[1], 14)),
    f"variable {strongest}": moved[strongest],
}

# sphinx_gallery_thumbnail_number = 3
# sphinx_gallery_alt = "Five rows of fourteen digits: real, rebuilt, drawn from the prior, a walk between two, one variable moved."
fig, axes = plt.subplots(5, 14, figsize=(10.5, 4.2))
for row, (name, pictures) in zip(axes, rows.items()):
    for ax, picture in zip(row, np.asarray(pictures)):
        ax.imshow(picture.reshape(28, 28), cmap="gray_r", vmin=0, vmax=1)
        ax.set(xticks=(), yticks=())
        ax.spines[:].set_visible(False)
    row[0].set_ylabel(name, rotation=0, ha="right", va="center")
plt.show()

# %%
# What if the divergence counts more, or less?
# --------------------------------------------
# Multiply the second term of the bound by :math:`\beta` (section 17.8.3). A large one makes hidden variables give up: one whose
# guess is always the prior costs nothing and says nothing, and reconstructions get worse. These are recorded results of thirty
# epochs each. Beside them are a model with only two hidden variables, as a map of the test digits, and what it decodes.

fig, (left, middle, right) = plt.subplots(1, 3, figsize=(10.5, 3.5))
for beta in (0.5, 1, 2, 4):
    rebuilt, rate = recorded[f"history_{beta:g}"][1, -1]
    active = int((recorded[f"rates_{beta:g}"] > 0.05).sum())
    left.plot(rate, -rebuilt, "o", color=plotting.COLOURS[0])
    left.annotate(
        rf"$\beta = {beta:g}$: {active} active", (rate, -rebuilt), (6, 4), textcoords="offset points"
    )
left.set(xlabel="divergence (nats)", ylabel="minus reconstruction term (nats)", xlim=(0, 50), ylim=(60, 150))
dots = middle.scatter(*recorded["map"].T, c=np.asarray(data.y_test), cmap="tab10", vmin=-0.5, vmax=9.5, s=3)
fig.colorbar(dots, ax=middle, ticks=range(10), label="digit")
middle.set(xlabel="$z_1$", ylabel="$z_2$", xlim=(-4, 4), ylim=(-4, 4), title="2,000 test digits")
right.imshow(recorded["grid"].transpose(0, 2, 1, 3).reshape(15 * 28, 15 * 28), cmap="gray_r")
right.set(xticks=(), yticks=(), title="decoded at the prior's quantiles")
# sphinx_gallery_alt = "Rate against distortion for four betas; a map of digits by class; a sheet of decoded digits."
plt.show()
