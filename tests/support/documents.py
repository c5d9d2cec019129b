"""The OpenAPI documents and the error reasons that tests look at."""

from __future__ import annotations

import functools
from typing import Any

from gateway.compile.plan import Plan
from gateway.describe.catalogue import Reason, read_reasons
from gateway.describe.openapi import LOCAL_URL, document
from gateway.product.rampart import EXAMPLE_VIOLATION, rampart
from meshkit.descriptors import read_descriptors
from tests.support.gateway import plan

__all__ = ["foreign_document", "own_reasons", "rampart_document"]


@functools.cache
def own_reasons() -> dict[str, Reason]:
    """Returns the reasons of the gateway by name, with Rampart's example."""
    return read_reasons(plan().files, EXAMPLE_VIOLATION)


def rampart_document() -> dict[str, Any]:
    """Makes the document of Rampart's gateway."""
    return document(plan(), own_reasons(), LOCAL_URL, rampart().document)


def foreign_document(plan: Plan) -> dict[str, Any]:
    """Makes the document that the stand-alone gateway has for a plan."""
    return document(plan, read_reasons(read_descriptors()), LOCAL_URL)
