"""Parity: the library's numbers against those of the book's own notebooks."""
