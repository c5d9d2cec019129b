"""Turns tracing on where an OTLP endpoint is set, by the environment variables that OpenTelemetry specifies.

Without one there is no recorder, no span is made, and W3C context only travels (see `meshkit.context`).
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from meshkit.settings import SettingsError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

    from meshkit.tracing.span import Recorder

__all__ = ["FLUSH_SECONDS", "configure", "enabled", "first", "provider", "recorder", "shut_down"]

FLUSH_SECONDS = 1.0
"""Longest time that the end of a process waits for its last spans to be taken."""
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")

_installed: tuple[TracerProvider, Recorder] | None = None


def enabled(environment: Mapping[str, str]) -> bool:
    """Tells whether the environment asks for traces."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporters = environment.get("OTEL_TRACES_EXPORTER", "").strip() or "otlp"
    return "otlp" in exporters.split(",") and bool(first(environment, ENDPOINTS))


def recorder() -> Recorder | None:
    """Returns what records spans in this process, None where tracing is off."""
    return _installed[1] if _installed is not None else None


def provider() -> TracerProvider | None:
    """Returns the SDK's provider for libraries that make spans themselves, None where tracing is off."""
    return _installed[0] if _installed is not None else None


def configure(service: str) -> None:
    """Installs recorder and exporter for the process if an endpoint is set. Raises SettingsError.

    Spans wait in a bounded queue; a thread exports them. What a full queue cannot take is dropped.
    """
    global _installed
    if not enabled(os.environ):
        return
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from meshkit.tracing.span import Recorder

    own = Resource.create({"service.name": f"rampart-{service}", "service.instance.id": _instance()})
    # What the operator says of the process is the last word (OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES).
    installed = TracerProvider(resource=own.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
    try:
        processor = BatchSpanProcessor(_exporter())
    except SettingsError:
        raise
    except Exception as error:
        # The exporters read their settings themselves, and raise what each parser raises.
        raise SettingsError(f"a setting OTEL_EXPORTER_OTLP_* or OTEL_BSP_* cannot be used: {error}") from error
    installed.add_span_processor(processor)
    _installed = installed, Recorder(installed.sampler, installed.resource, processor)


def shut_down(seconds: float = FLUSH_SECONDS) -> None:
    """Exports what waits, for `seconds` at most, and turns tracing off."""
    global _installed
    if _installed is None:
        return
    installed, _installed = _installed[0], None
    # The SDK waits for a collector that hangs for as long as its exporter does.
    ending = threading.Thread(target=installed.shutdown, name="last spans", daemon=True)
    ending.start()
    ending.join(seconds)


def first(environment: Mapping[str, str], names: tuple[str, ...]) -> str:
    """Returns the value of the first variable that is set, empty if none is."""
    return next((value for name in names if (value := environment.get(name, "").strip())), "")


def _exporter() -> SpanExporter:
    protocol = first(os.environ, PROTOCOLS) or "grpc"
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter()
    if protocol == "http/protobuf":
        from meshkit.tracing.otlp_http import HttpSpanExporter

        return HttpSpanExporter.from_environment(os.environ)
    raise SettingsError(f"OTEL_EXPORTER_OTLP_PROTOCOL must be grpc or http/protobuf, not {protocol!r}")


def _instance() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"
