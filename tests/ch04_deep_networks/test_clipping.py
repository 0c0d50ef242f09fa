import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch04_deep_networks import clipping, deep_network, linear_pieces


def draw(inputs=1, hidden_1=3, hidden_2=3, outputs=1, seed=7):
    rng = np.random.default_rng(seed)
    sizes = (hidden_1, 1 + inputs), (hidden_2, 1 + hidden_1), (outputs, 1 + hidden_2)
    return [jnp.asarray(rng.normal(size=size)) for size in sizes]


THETA, PSI, PHI = draw()
X = jnp.linspace(-2, 2, 101)[:, None]


def test_clipped_parts_are_never_negative_and_the_rest_is_kept():
    found = clipping.stages(THETA, PSI, PHI, X)
    assert jnp.all(found.activations >= 0)
    kept = found.preactivations > 0
    assert jnp.all(kept.any(axis=0) & ~kept.all(axis=0))
    assert jnp.array_equal(found.activations, jnp.where(kept, found.preactivations, 0))


def test_output_is_the_offset_and_the_weighted_parts():
    theta, psi, phi = draw(outputs=2)
    found = clipping.stages(theta, psi, phi, X)
    assert found.weighted_activations.shape == (101, 2, 3)
    expected = phi[:, 0] + found.weighted_activations.sum(-1)
    np.testing.assert_allclose(found.output, expected, rtol=1e-5, atol=1e-6)


def test_preactivations_of_the_second_layer_bend_where_the_first_layer_switches():
    first, second, _ = deep_network.to_layers(THETA, PSI, PHI)
    joints = linear_pieces.linear_pieces([first, second]).joints
    np.testing.assert_allclose(np.array(joints, float), jnp.sort(-THETA[:, 0] / THETA[:, 1]), rtol=1e-5)


def test_matrix_form_is_the_same_function():
    theta, psi, phi = draw(inputs=2, hidden_1=4, hidden_2=5, outputs=2)
    x = jnp.asarray(np.random.default_rng(1).normal(size=(20, 2)))
    found = clipping.stages(theta, psi, phi, x, jnp.tanh)
    expected = deep_network.stages(deep_network.to_layers(theta, psi, phi), x, jnp.tanh)
    for ours, theirs in (
        (found.first_activations, expected.activations[0]),
        (found.activations, expected.activations[1]),
        (found.output, expected.output),
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_raising_the_offset_raises_one_preactivation_and_no_other():
    before = clipping.stages(THETA, PSI, PHI, X)
    after = clipping.stages(THETA, PSI.at[0, 0].add(0.5), PHI, X)
    moved = after.preactivations - before.preactivations
    np.testing.assert_allclose(moved, jnp.broadcast_to(jnp.array([0.5, 0, 0]), moved.shape), atol=1e-6)
    assert jnp.all(after.activations[:, 0] >= before.activations[:, 0])


def test_a_unit_and_its_mirror_image_make_up_the_preactivation():
    before = clipping.stages(THETA, PSI, PHI, X)
    after = clipping.stages(THETA, PSI.at[1].multiply(-1), PHI, X)
    difference = before.activations[:, 1] - after.activations[:, 1]
    np.testing.assert_allclose(difference, before.preactivations[:, 1], atol=1e-6)


def test_output_is_linear_in_the_last_weights():
    ends, middle = (PHI, PHI.at[0, 3].set(-1.0)), PHI.at[0, 3].set((PHI[0, 3] - 1) / 2)
    low, high = (clipping.stages(THETA, PSI, phi, X).output for phi in ends)
    np.testing.assert_allclose(clipping.stages(THETA, PSI, middle, X).output, (low + high) / 2, atol=1e-5)


def test_network_compiles_and_keeps_double_precision():
    with jax.enable_x64(True):
        arrays = [a.astype(jnp.float64) for a in (THETA, PSI, PHI, X)]
        found = jax.jit(clipping.stages)(*arrays)
        assert {leaf.dtype for leaf in found} == {jnp.dtype("float64")}


def test_psi_of_wrong_width_is_told():
    with pytest.raises(ValueError, match=r"psi must have 1 \+ 3 columns, .* got 3"):
        clipping.stages(THETA, PSI[:, :3], PHI, X)
