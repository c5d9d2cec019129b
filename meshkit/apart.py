"""Says of a call that it would hold up those that it travels with."""

from __future__ import annotations

from meshkit.errors import Kind, MeshError

__all__ = ["TravelsApart"]


class TravelsApart(MeshError):
    """In place of an answer: the call is to be sent again among others that take long.

    Nothing was done for the call that a second attempt would do twice. Only for senders that know lanes.
    """

    def __init__(self) -> None:
        super().__init__(Kind.ABORTED, "CONFLICT", "the call takes longer than those beside it", retry_after=0.0)
