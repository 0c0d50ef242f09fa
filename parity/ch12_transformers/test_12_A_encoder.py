"""The transformer layer against torch's, with weights carried over, and gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from parity import layout
from udl_jax.ch12_transformers.self_attention import causal_mask
from udl_jax.ch12_transformers.transformer import ACTIVATIONS, TransformerLayer


@pytest.mark.parametrize("masked", [False, True], ids=["all", "causal"])
@pytest.mark.parametrize(("norm_first", "activation"), [(True, "gelu"), (False, "relu")])
def test_torch(agrees, masked, norm_first, activation):
    torch.manual_seed(0)
    settings = {"dropout": 0.0, "batch_first": True, "dtype": torch.float64}
    theirs = torch.nn.TransformerEncoderLayer(
        12, 3, 20, activation=activation, norm_first=norm_first, **settings
    )
    for parameter in theirs.parameters():
        parameter.data += 0.3 * torch.randn_like(parameter)
    x = torch.randn(2, 7, 12, dtype=torch.float64, requires_grad=True)
    hidden = torch.triu(torch.ones(7, 7, dtype=torch.bool), 1) if masked else None
    new = theirs(x, src_mask=hidden)
    new.pow(3).sum().backward()

    ours = TransformerLayer(3, 20, norm_first, ACTIVATIONS[activation])
    params = layout.transformer_layer({name: p.detach().numpy() for name, p in theirs.state_dict().items()})
    mask = causal_mask(7) if masked else None

    def cubes(x, params):
        found = ours.apply({"params": params}, x, mask)[0]
        return jnp.sum(found**3), found

    there = jnp.asarray(x.detach().numpy())
    gradients, found = jax.jit(jax.grad(cubes, argnums=(0, 1), has_aux=True))(there, params)
    name = f"norm {'first' if norm_first else 'last'}, {activation}, {'causal' if masked else 'no mask'}"
    agrees(found, new.detach().numpy(), kind="witness", quantity=f"torch's layer: {name}")
    agrees(gradients[0], np.asarray(x.grad), kind="witness", quantity=f"torch's gradient at x: {name}")
    grads = layout.transformer_layer({name: p.grad.numpy() for name, p in theirs.named_parameters()})
    # The offsets of the keys change nothing, so their gradient is zero but for rounding.
    ours, expected = ({**g, "attention": {**g["attention"]}} for g in (gradients[1], grads))
    for tree in (ours, expected):
        project = tree["attention"]["project"]
        assert jnp.abs(project["bias"][12:24]).max() < 1e-10
        tree["attention"]["project"] = {**project, "bias": jnp.delete(project["bias"], slice(12, 24))}
    agrees(ours, expected, kind="witness", quantity=f"torch's gradient at the parameters: {name}")
