"""Count what JAX compiles."""

from collections.abc import Iterator
from contextlib import contextmanager

from jax import monitoring


@contextmanager
def compilations() -> Iterator[list[str]]:
    """Give a list that grows by an event for each program that is compiled, or read from the disk's cache."""
    seen: list[str] = []
    listening = True

    def listen(event, duration, **kwargs):
        if listening and event == "/jax/core/compile/backend_compile_duration":
            seen.append(event)

    monitoring.register_event_duration_secs_listener(listen)
    try:
        yield seen
    finally:
        listening = False
