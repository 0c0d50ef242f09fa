"""JAX companion to Simon Prince's textbook *Understanding Deep Learning*, one package a chapter."""

__version__ = "0.2.0"
