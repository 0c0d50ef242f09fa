"""Notebook 17.1: a latent variable model in the plane."""

import jax
import jax.numpy as jnp

from udl_jax.ch17_vaes import latent_variables as model


def test_curve(reference, agrees):
    book = reference("17_1")
    agrees(
        model.latent_to_mean(book["z"]),
        book["means"],
        kind="value",
        quantity="mean for every latent variable",
    )
    agrees(jnp.exp(model.log_prior(book["z"])), book["prior"], kind="value", quantity="prior")


def test_likelihood(reference, agrees):
    book = reference("17_1")

    def on_mesh(z, every):
        mesh = jnp.stack(jnp.meshgrid(book["x1"][::every], book["x2"][::every]), axis=-1)
        return jnp.exp(model.log_likelihood(mesh, jnp.atleast_1d(z)))

    ours = on_mesh(1.8, 5)[..., 0]
    agrees(ours, book["likelihood"], kind="value", quantity="likelihood of z = 1.8 on the mesh")
    ours = jnp.moveaxis(on_mesh(book["elsewhere/z"], 10), -1, 0)
    quantity = "likelihood of seven other z on the mesh"
    agrees(ours, book["elsewhere/likelihoods"], kind="value", quantity=quantity)


def test_density(reference, agrees):
    book = reference("17_1")
    density = model.marginal_density(book["x1"], book["x2"], book["z"])
    agrees(density[::4, ::4], book["density"], kind="value", quantity="density of the data on the mesh")
    agrees(density.sum() * 1e-4, book["mass"], kind="value", quantity="mass on the mesh")
    mesh = jnp.stack(jnp.meshgrid(book["x1"][::20], book["x2"][::20]), axis=-1)
    ours = jnp.exp(model.log_density(mesh, book["z"]))
    agrees(ours, density[::20, ::20], kind="value", quantity="density by sums of logarithms")


def test_samples(reference, agrees):
    book = reference("17_1")
    ours = model.decode(book["draws"][:, 0], book["draws"][:, 1:])
    agrees(ours, book["samples"], kind="draws", quantity="500 samples")


def test_posterior(reference, agrees):
    book = reference("17_1")
    ours = model.posterior(jnp.array([0.9, -0.9]), book["grid"])
    agrees(ours, book["posterior"], kind="value", quantity="posterior at (0.9, -0.9)")
    ours = jax.vmap(lambda x: model.posterior(x, book["grid"]))(book["points"])
    agrees(ours[:, ::2], book["posteriors"], kind="value", quantity="posteriors at five points")
