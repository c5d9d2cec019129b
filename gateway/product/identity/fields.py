"""Makes labelled fields, alerts and hidden parts of forms."""

from __future__ import annotations

from gateway.product.identity.markup import Html, fill, template

__all__ = ["NOTHING", "alert", "field", "notice"]

NOTHING = Html("")


def field(
    name: str,
    label: str,
    *,
    kind: str = "text",
    autocomplete: str,
    value: str = "",
    hint: str = "",
    more: Html = NOTHING,
    wrong: bool = False,
    focus: bool = False,
) -> Html:
    """Returns a field with its label. A `wrong` one is described by the alert of the page; `more` are attributes."""
    described = [f"{name}-hint"] * bool(hint) + ["alert"] * wrong
    attributes = [
        more,
        fill(' aria-describedby="{{ids}}"', ids=" ".join(described)) if described else NOTHING,
        Html(' aria-invalid="true"' if wrong else ""),
        Html(" autofocus" if focus else ""),
    ]
    return fill(
        template("field").rstrip(),
        name=name,
        label=label,
        kind=kind,
        autocomplete=autocomplete,
        value=fill(' value="{{text}}"', text=value) if value else NOTHING,
        hint=fill('<p class="hint" id="{{id}}">{{words}}</p>', id=f"{name}-hint", words=hint) if hint else NOTHING,
        more=Html("".join(attributes)),
    )


def alert(words: str) -> Html:
    """Returns what is wrong with a form; nothing for no words."""
    return fill('<p class="alert" id="alert" role="alert">{{words}}</p>', words=words) if words else NOTHING


def notice(words: str) -> Html:
    """Returns what a person is told when a page opens; nothing for no words."""
    return fill('<p class="notice" role="status">{{words}}</p>', words=words) if words else NOTHING
