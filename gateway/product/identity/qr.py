"""Draws QR codes, for apps that read the secret of one-time passwords with a camera."""

from __future__ import annotations

import segno

from gateway.product.identity.markup import Html

__all__ = ["qr_code"]

_MASK = 4
"""Readers take any. To choose the best is eight times the work."""


def qr_code(text: str) -> Html:
    """Returns the code as an SVG image without styles, black on white whatever the colours of the page."""
    code = segno.make_qr(text, error="m", mask=_MASK, boost_error=False)
    image = code.svg_inline(omitsize=True, dark="#000", light="#fff", border=4, svgclass=None, lineclass=None)
    return Html(f'<div class="qr" role="img" aria-label="QR code of the secret below">{image}</div>')
