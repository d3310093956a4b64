"""Markdown, and the numbers in it."""

import math
import re
from pathlib import Path


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def table(head, rows):
    """A table; every cell a text."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number(value):
    """Three digits, as few as tell something."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def publish(text, name, keep, page):
    """Prints the text, keeps it in a file, and puts it into the page between its marks when there is a page."""
    print(text)
    keep.write_text(text + "\n")
    if page:
        page = Path(page)
        marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
        whole, found = marks.subn(lambda match: f"{match[1]}\n{text}\n\n{match[2]}", page.read_text())
        if found != 1:
            raise SystemExit(f"{page} has no marks for {name}")
        page.write_text(whole)
