"""Read the built site as a browser without a network would: nothing may come from elsewhere, no link may be dead.

Run ``python docs/check_site.py`` after a build.
"""

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

SITE = Path(__file__).parent / "_build" / "html"
#: Attributes from which a browser loads something, by tag. Links of ``<a>`` may lead elsewhere: people follow them.
LOADED = {
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src",),
    "img": ("src", "srcset"),
    "input": ("src",),
    "link": ("href",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
}
#: Relations of ``<link>`` that only inform.
INFORMING = {"author", "canonical", "help", "index", "license", "next", "prev", "search"}


class Page(HTMLParser):
    """What one page loads, links to, names and shows."""

    def __init__(self, path: Path):
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.names: set[str] = set()
        self.mute: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        """Note what matters of a tag."""
        given = {name: value or "" for name, value in attributes}
        self.names |= {given[name] for name in ("id", "name") if given.get(name)}
        informs = tag == "link" and set(given.get("rel", "").split()) <= INFORMING
        for attribute in LOADED.get(tag, ()):
            if given.get(attribute):
                urls = given[attribute].split(",") if attribute == "srcset" else [given[attribute]]
                found = [url.split()[0] for url in urls if url.split()]
                (self.links if informs else self.loads).extend(found)
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        # An empty text is how HTML marks a picture as an ornament: thumbnails, which stand beside their titles.
        if tag == "img" and "alt" not in given:
            self.mute.append(given.get("src") or given.get("id", "an image"))


def is_foreign(url: str) -> bool:
    """Tell whether a URL leads away from the site."""
    parts = urlsplit(url)
    return bool(parts.netloc) or parts.scheme not in {"", "data"}


def faults(site: Path) -> Iterator[str]:
    """Find what needs a network, leads nowhere, or cannot be read aloud."""
    found = (
        path for path in sorted(site.rglob("*.html")) if "_static" not in path.parts
    )  # the theme's templates
    pages = {path.resolve(): Page(path) for path in found}
    for path, page in pages.items():
        name = path.relative_to(site.resolve())
        for url in page.loads:
            if is_foreign(url):
                yield f"{name} loads {url}"
        yield from (f"{name} shows {image[:80]} without alt text" for image in page.mute)
        for url in {*page.links, *page.loads}:
            if is_foreign(url) or url.startswith("data:"):
                continue
            parts = urlsplit(url)
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            if not target.exists():
                yield f"{name} leads to {url}, which does not exist"
            # Listings of modules lead back from each name to its own page, also from names that a module passes on.
            elif "_modules" in name.parts:
                continue
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].names:
                yield f"{name} leads to {url}, whose target has no such place"


def main() -> None:
    """Print what is wrong; exit with 1 if anything is."""
    found = sorted(set(faults(SITE)))
    sys.exit("\n".join([f"{len(found)} faults:", *found]) if found else 0)


if __name__ == "__main__":
    main()
