"""Page 17.A: a variational autoencoder of digits. The book has no notebook with one, so there are two sides."""

from parity.speed import supervised

TITLE = "17.A Variational autoencoder"
SETTING = "784-256-256-16-256-256-784 on 8,000 binary digits, 2 epochs of 80 steps of Adam, batch 100"
EPOCHS = 2
STEPS = EPOCHS * 80
FLOPS = supervised.dense_flops((784, 256, 256, 32), batch=100) + 100 * 6 * (16 * 256 + 256 * 256 + 256 * 784)


def data():
    """Make binary pixels."""
    import numpy as np

    from udl_jax.ch17_vaes import autoencoder
    from udl_jax.data.mnist import load_mnist

    return {"x": np.asarray(autoencoder.binarise(load_mnist().x_train))}


def tuned(arrays):
    """Train as a PyTorch expert would: one permutation an epoch, and a fused optimiser."""
    import itertools

    import torch
    from torch import nn

    x = torch.tensor(arrays["x"])

    def mlp(*widths):
        layers = [nn.Linear(*widths[:2])]
        for inputs, outputs in itertools.pairwise(widths[1:]):
            layers += [nn.ReLU(), nn.Linear(inputs, outputs)]
        return nn.Sequential(*layers)

    def run(seed):
        torch.manual_seed(seed)
        encoder, decoder = mlp(784, 256, 256, 32), mlp(16, 256, 256, 784)
        adam = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3, fused=True)
        for _ in range(EPOCHS):
            order = torch.randperm(len(x))
            for begin in range(0, len(x), 100):
                pixels = x[order[begin : begin + 100]]
                mean, log_variance = encoder(pixels).chunk(2, dim=1)
                z = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
                bits = nn.functional.binary_cross_entropy_with_logits(decoder(z), pixels, reduction="sum")
                divergence = 0.5 * (mean**2 + log_variance.exp() - log_variance - 1).sum()
                loss = (bits + divergence) / 100
                adam.zero_grad(set_to_none=True)
                loss.backward()
                adam.step()
        return loss.item()

    return run


def ours(arrays):
    """Train with the library; the noise is drawn by NumPy, as on the page."""
    import jax
    import numpy as np
    import optax

    from udl_jax import training
    from udl_jax.ch17_vaes import autoencoder

    digits = jax.device_put(arrays["x"])
    model = autoencoder.Autoencoder(features=784, latents=16, widths=(256, 256))
    never = training.Evaluation(every=0)
    recipe = training.Recipe(model, optax.adam(1e-3), objective=autoencoder.Objective(), evaluation=never)

    def run(seed):
        first, second = jax.random.split(jax.random.key(seed))
        state = training.start(recipe, training.initialise(model, first, digits[:1]))
        order = training.draw_order(second, len(digits), EPOCHS, 100)
        noise = np.random.default_rng(seed).standard_normal((EPOCHS, 80, 100, 16), np.float32)
        _, history = training.train(recipe, state, training.Examples(digits), None, order, noise)
        return np.asarray(history.train.loss)[-1]

    return run
