"""Says why a request did not get out, or got no answer that may be used."""

from __future__ import annotations

from enum import Enum

__all__ = ["EgressError", "EgressFault"]


class EgressFault(Enum):
    """Why there is no answer. The values are labels of a metric, and words for logs."""

    URL = "url"
    """It is none, not https, or has a user, a fragment or characters that a URL does not have."""
    ADDRESS = "address"
    """The host has no address to which requests may lead, or none at all: which names there are within is not told."""
    CONNECTION = "connection"
    TLS = "tls"
    """The certificate is not that of the host, or of nobody who is believed."""
    TIMEOUT = "timeout"
    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    """The answer is not HTTP, or breaks off."""
    BUSY = "busy"
    """As many requests are under way as may be, of all or of this tenant."""


class EgressError(Exception):
    """There is no answer. The message names no address, so that nobody can map a network with it."""

    def __init__(self, fault: EgressFault) -> None:
        super().__init__(f"the request failed ({fault.value})")
        self.fault = fault
