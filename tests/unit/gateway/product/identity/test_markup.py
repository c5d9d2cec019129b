from __future__ import annotations

import pytest

from gateway.product.identity.markup import Html, fill, joined


def test_values_are_escaped_in_text_and_in_attributes() -> None:
    filled = fill('<a title="{{title}}">{{text}}</a>', title="\" onclick='x'", text="<b>&amp;</b>")
    assert filled == (
        '<a title="&quot; onclick=&#x27;x&#x27;">&lt;b&gt;&amp;amp;&lt;/b&gt;</a>'
    )  # fmt: skip


def test_html_is_put_in_as_it_is() -> None:
    assert fill("<p>{{part}}</p>", part=fill("<b>{{word}}</b>", word="<i>")) == "<p><b>&lt;i&gt;</b></p>"


def test_a_value_is_not_looked_through_for_places() -> None:
    assert fill("{{one}} {{two}}", one="{{two}}", two="2") == "{{two}} 2"


def test_a_place_without_a_value_is_an_error() -> None:
    with pytest.raises(KeyError):
        fill("{{missing}}")


def test_pieces_that_are_joined_stay_html() -> None:
    assert isinstance(joined([Html("<i>"), Html("<b>")]), Html)
