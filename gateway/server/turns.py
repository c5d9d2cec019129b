"""Queues the answers of pipelined requests in order, and closes the connection.

What is refused is answered in its turn, in the shape of every other error; then the connection is closed, because
nobody can know any more where the next request begins.
"""

from __future__ import annotations

import asyncio
from collections import deque

from prometheus_client import Counter
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.server import ServerState

from gateway.errors.problem import MEDIA_TYPE, problem
from gateway.server.cycle import App, Cycle
from gateway.server.watch import Watch
from meshkit.errors import MeshError

__all__ = ["Turns"]

_refused = Counter("http_refused", "Connections that were refused or ended for what came over them.", ["reason"])

_HEAD = b"content-type: %b\r\ncontent-length: %d\r\ncache-control: no-store\r\nconnection: close\r\n"


class Turns:
    """Runs the application for one request after the other."""

    def __init__(
        self, transport: asyncio.Transport, flow: FlowControl, *, app: App, state: ServerState, watch: Watch
    ) -> None:
        self.transport = transport
        self.flow = flow
        self._app = app
        self._state = state
        self._watch = watch
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Cycle] = deque()
        self._refusal: MeshError | None = None
        self._discarded = 0
        self._since = watch.tick
        self.current: Cycle | None = None
        """The cycle whose answer is due."""
        self.latest: Cycle | None = None
        """The cycle whose request came last."""
        self.deaf = False
        """True once nothing more is read as a request."""
        self.lingering = False

    @property
    def standing_head(self) -> bytes:
        """Header lines of every answer. uvicorn renews them once a second."""
        return self._watch.standing_head(self._state.default_headers)

    def add(self, cycle: Cycle) -> None:
        """Takes the next request."""
        self.latest = cycle
        if self.current is None:
            self._run(cycle)
            return
        self.flow.pause_reading()
        self._waiting.append(cycle)
        if len(self._waiting) >= self._watch.limits.pipelined:
            # Enough: what comes behind this one is not read any more, and its answer says so.
            cycle.keep_alive = False

    def _run(self, cycle: Cycle) -> None:
        self.current = cycle
        task = self._loop.create_task(cycle.run(self._app))
        task.add_done_callback(self._state.tasks.discard)
        self._state.tasks.add(task)

    def finished(self, cycle: Cycle) -> None:
        """Goes on with the next request. Of a connection that ends, no more than its end is left to do."""
        self._state.total_requests += 1
        self.current = None
        self._since = self._watch.tick
        if self.transport.is_closing():
            return
        if not cycle.keep_alive:
            self.close(unread=cycle.more_body or self.deaf)
            return
        self.flow.resume_reading()
        if self._waiting:
            self._run(self._waiting.popleft())
        elif self._refusal is not None:
            self._write(self._refusal)

    def failed(self, cycle: Cycle, error: MeshError) -> None:
        """Answers in place of the application, if it has not begun to."""
        if cycle.disconnected or self.transport.is_closing():
            return
        if not cycle.silent:
            self.transport.abort()
            return
        cycle.disconnect()
        self.current = None
        self.deaf = True
        self._write(error)

    def refuse(self, error: MeshError) -> None:
        """Hears no more of this caller, and says why when the earlier requests have their answers."""
        if self.deaf:
            return
        self.deaf = True
        cycle = self.latest
        if cycle is not None and cycle.more_body and not self._give_up(cycle):
            return
        if self.current is None:
            self._write(error)
        else:
            self._refusal = error

    def _give_up(self, cycle: Cycle) -> bool:
        """Ends the request whose body is at fault. Returns False if its answer is on its way, the only one it has."""
        if cycle.response_complete:
            self.close(unread=True)
            return False
        if not cycle.silent:
            self.transport.abort()
            return False
        cycle.disconnect()
        if cycle is self.current:
            self.current = None
        else:
            self._waiting.remove(cycle)
        return True

    def _write(self, error: MeshError) -> None:
        _refused.labels(error.reason).inc()
        status, headers, body = problem(error, "")
        lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        head = _HEAD % (MEDIA_TYPE, len(body))
        self.transport.write(b"".join((STATUS_LINE[status], self.standing_head, head, lines, b"\r\n", body)))
        self.close(unread=True)

    def close(self, *, unread: bool) -> None:
        """Closes. What the caller still sends is read first, or the answer would be lost on its way (TCP reset)."""
        if not unread or not self.transport.can_write_eof():
            self.transport.close()
            return
        self.deaf = self.lingering = True
        self._since = self._watch.tick
        self.flow.resume_reading()
        self.transport.write_eof()

    def discard(self, size: int) -> None:
        """Counts what nobody reads, and ends a connection that brings too much of it."""
        self._discarded += size
        if self._discarded <= self._watch.limits.discarded_bytes or self.lingering:
            return
        if self.current is None:
            self.close(unread=True)
        else:
            self.flow.pause_reading()

    def message_read(self) -> None:
        """Is told that the latest request has come to its end."""
        self._discarded = 0
        if self.latest is not None:
            self.latest.more_body = False
            self.latest.wake()

    def check(self, tick: int) -> None:
        """Ends a connection on which nothing is under way for too long."""
        limits = self._watch.limits
        if self.lingering:
            if tick - self._since > limits.linger_seconds:
                self.transport.abort()
        elif self.current is None:
            patience = limits.idle_seconds if self.latest is not None else limits.head_seconds
            if tick - self._since > patience:
                self.transport.close()

    def stuck(self) -> None:
        """Ends a connection whose caller takes nothing of its answer."""
        _refused.labels("STUCK").inc()
        self.transport.abort()

    def shutdown(self) -> None:
        """Ends the connection with the answer that is due, or at once."""
        if self.latest is None or self.current is None:
            self.transport.close()
        else:
            self.latest.keep_alive = False

    def lost(self) -> None:
        """Is told that the caller is gone."""
        self._waiting.clear()
        for cycle in (self.current, self.latest):
            if cycle is not None:
                cycle.disconnect()
