"""What sphinx-gallery calls: before and after each script, for the figures of each code block, for notebooks."""

import json
import re
from pathlib import Path
from typing import Any

import jax
import matplotlib.pyplot as plt
import sphinx_gallery.notebook
from jax import monitoring
from sphinx_gallery.scrapers import matplotlib_scraper
from udl_links import repository_url

ROOT = Path(__file__).parents[2]
#: Where a build notes how many programs each script had compiled; read by check_gallery.py.
COUNTS = ROOT / "docs" / "_build" / "programs"
#: What a page says of the figure that a code block shows; sphinx-gallery removes such comments from the page.
ALT = re.compile(r'^# sphinx_gallery_alt = "(.+)"$', re.MULTILINE)
#: A reference in reStructuredText, with or without a title of its own.
ROLE = re.compile(
    r":(?!math:)(?:\w+:)?\w+:`(?:(?P<title>[^`<]+?)\s*<[^`>]+>|(?P<short>~)?(?P<target>[^`]+))`"
)
#: Matplotlib's players take the signs on their buttons from a font that they fetch from the network.
SIGNS = {
    "minus": "−",
    "fast-backward": "⏮",
    "step-backward": "◂❙",
    "play fa-flip-horizontal": "◀",
    "pause": "❚❚",
    "play": "▶",
    "step-forward": "❙▸",
    "fast-forward": "⏭",
    "plus": "+",
}

_compiled = 0


def _listen(event: str, duration: float, **details: Any) -> None:
    global _compiled  # noqa: PLW0603
    _compiled += event == "/jax/core/compile/backend_compile_duration"


monitoring.register_event_duration_secs_listener(_listen)


def reset(gallery_conf: dict[str, Any], script: str | None, when: str) -> None:
    """Close all figures and drop JAX's compiled programs, so that no script profits from another's."""
    global _compiled  # noqa: PLW0603
    if when == "after" and script:
        COUNTS.mkdir(parents=True, exist_ok=True)
        (COUNTS / f"{Path(script).stem}.json").write_text(json.dumps(_compiled))
    plt.close("all")
    jax.clear_caches()
    _compiled = 0


def scrape(block: tuple[str, str, int], block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Save the figures that a code block shows, each with the alt text that the block has for it.

    The text is a comment, ``# sphinx_gallery_alt = "what is seen"``. An animation, which is a small program of its
    own, becomes a group that bears the text as its label.
    """
    texts = ALT.findall(block[1])
    figures = plt.get_fignums()
    if not block_vars["execute_script"]:  # the block failed, which is told elsewhere
        return matplotlib_scraper(block, block_vars, gallery_conf)
    if len(figures) != len(texts):
        where = block_vars["src_file"]
        raise ValueError(f"{where}, line {block[2]}: {len(figures)} figures, but {len(texts)} alt texts")
    rst = matplotlib_scraper(block, block_vars, gallery_conf)
    if '<div class="animation"' in rst:
        return label_animation(rst, texts[0])
    waiting = iter(texts)
    return re.sub(r"(?m)^(\s*:alt: ).*$", lambda found: found[1] + next(waiting), rst)


def label_animation(rst: str, text: str) -> str:
    """Give an animation its label, and buttons that need no network."""
    label = text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    rst = rst.replace(
        '<div class="animation"', f'<div role="group" aria-label="{label}" class="animation"', 1
    )
    rst = rst.replace('<img id="', f'<img alt="{label}" id="', 1)
    rst = re.sub(r'<link rel="stylesheet"\s+href="https:[^"]*font-awesome[^"]*">', "", rst)
    return re.sub(r'<i class="fa fa-([^"]+)"></i>', lambda found: f"<span>{SIGNS[found[1]]}</span>", rst)


def plain(rst: str) -> str:
    """Write references as a notebook can show them: the title, or the name of what they lead to."""

    def write(found):
        if found["title"]:
            return found["title"]
        name = found["target"].lstrip("/")
        return f"``{name.rpartition('.')[2] if found['short'] else name}``"

    return ROLE.sub(write, rst)


def first_cell() -> str:
    """Say in a downloaded notebook what must be installed."""
    url = repository_url(ROOT)
    if url:
        return f"%pip install --quiet git+{url}"
    return (
        "# This notebook needs the package udl_jax. In a clone of its repository, install it with\n"
        "#     pip install -e .\n"
        "# in the environment that Jupyter runs in."
    )


# sphinx-gallery leaves roles as they are in notebooks, and its workers import this module, but no extension.
_rst2md = sphinx_gallery.notebook.rst2md
sphinx_gallery.notebook.rst2md = lambda text, *settings: _rst2md(plain(text), *settings)
