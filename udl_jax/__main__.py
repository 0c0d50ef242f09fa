"""``python -m udl_jax`` does what ``udl-jax`` does."""

from udl_jax.cli import main

if __name__ == "__main__":
    main(prog_name="python -m udl_jax")
