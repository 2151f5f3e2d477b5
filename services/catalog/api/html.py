"""HTML as values: every text is escaped, every attribute quoted; only what this file built is trusted as HTML."""

from html import escape

VOID = frozenset({"br", "hr", "input", "link", "meta"})


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


Child = str | Html | int | None | list["Child"] | tuple["Child", ...]


def text_of(child: Child) -> Html:
    """Children as HTML: plain text escaped, None nothing."""
    if child is None:
        return Html("")
    if isinstance(child, Html):
        return child
    if isinstance(child, list | tuple):
        return Html("".join(text_of(one) for one in child))
    return Html(escape(str(child)))


def h(name: str, /, *children: Child, **attributes: str | int | bool | None) -> Html:
    """An element. In attribute names a last `_` is dropped, others become `-` (class_, aria_label); True is bare, None is none."""
    said = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escape(str(value))}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    return Html(f"<{name}{said}>" + ("" if name in VOID else f"{text_of(list(children))}</{name}>"))
