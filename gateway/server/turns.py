"""Queues the answers of pipelined requests in order, and closes the connection.

What is refused is answered in its turn, in the shape of every other error; then the connection is closed, because
nobody can know any more where the next request begins.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.server import ServerState

from gateway.server.cycle import App, Cycle
from gateway.server.framing import broken_off
from gateway.server.refusal import Refusal, count
from gateway.server.watch import Watch
from meshkit.errors import MeshError

__all__ = ["Turns"]


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
        self._refusal: Refusal | None = None
        self._discarded = 0
        self._since = watch.tick
        self._heard_all = False
        self._probe: Callable[[], None] | None = None
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
        self.current = self._probe = None
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
        self._write(Refusal.of(error, cycle.scope["headers"], cycle.scope["method"]))

    def refuse(self, refusal: Refusal) -> None:
        """Hears no more of this caller, and says why when the earlier requests have their answers."""
        if self.deaf:
            return
        self.deaf = True
        cycle = self.latest
        if cycle is not None and cycle.more_body and not self._give_up(cycle):
            return
        if self.current is None:
            self._write(refusal)
        else:
            self._refusal = refusal

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

    def _write(self, refusal: Refusal) -> None:
        self.transport.write(refusal.answer(self.standing_head))
        self.close(unread=True)

    def close(self, *, unread: bool) -> None:
        """Closes. What the caller still sends is read first, or the answer would be lost on its way (TCP reset)."""
        self._since = self._watch.tick
        if not unread or self._heard_all or not self.transport.can_write_eof():
            self.transport.close()
            return
        self.deaf = self.lingering = True
        self.flow.resume_reading()
        self.transport.write_eof()

    def reading_ended(self) -> bool:
        """Is told that the caller sends no more. Returns True while it still has an answer to get, then to be closed.

        The end of reading is not the end of the caller (RFC 9112, section 9.6).
        """
        self._heard_all = True
        cycle = self.latest
        if cycle is not None and cycle.more_body and not self.deaf and cycle.silent and not cycle.response_complete:
            self.refuse(Refusal.of(broken_off("body"), cycle.scope["headers"], cycle.scope["method"]))
        elif cycle is not None and cycle.more_body:
            cycle.break_off()
        if cycle is not None and self._refusal is None:
            cycle.keep_alive = False
        if self.current is None or self.lingering:
            return False
        if self._probe is not None:
            self._probe()
        return True

    def probe_with(self, probe: Callable[[], None]) -> None:
        """Takes what writes something to the caller of the answer that is due, which tells whether it is still there.

        It is called once, when nothing more can be read: nobody would notice then that the caller has left.
        """
        self._probe = probe

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
        if self.transport.is_closing():
            # Its last bytes are not taken.
            if tick - self._since > limits.stuck_seconds:
                self.stuck()
        elif self.lingering:
            if tick - self._since > limits.linger_seconds:
                self.transport.abort()
        elif self.current is None:
            patience = limits.idle_seconds if self.latest is not None else limits.head_seconds
            if tick - self._since > patience:
                self.transport.close()

    def stuck(self) -> None:
        """Ends a connection whose caller takes nothing of its answer."""
        count("STUCK")
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
