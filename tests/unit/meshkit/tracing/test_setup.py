"""Tracing is off without an endpoint, and on it neither blocks nor fails anybody."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from opentelemetry.trace import SpanKind

from meshkit.context import CallContext
from meshkit.settings import SettingsError
from meshkit.tracing import setup, w3c
from tests.support.otlp import Collector, collecting, collecting_http

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
ON = {ENDPOINT: "http://127.0.0.1:4317"}


@pytest.fixture(autouse=True)
def _off_again(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
    yield
    setup.shut_down(0.0)


def record(name: str) -> None:
    recorder = setup.recorder()
    assert recorder is not None
    call = CallContext(traceparent=w3c.started())
    call.record(recorder, name, SpanKind.SERVER, {})
    assert call.span is not None
    call.span.end()


@pytest.mark.parametrize(
    ("environment", "on"),
    [
        ({}, False),
        ({ENDPOINT: " "}, False),
        (ON, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4317"}, True),
        (ON | {"OTEL_SDK_DISABLED": "true"}, False),
        (ON | {"OTEL_TRACES_EXPORTER": "none"}, False),
        (ON | {"OTEL_TRACES_EXPORTER": "otlp"}, True),
    ],
)
def test_an_endpoint_turns_it_on(environment: dict[str, str], on: bool) -> None:
    assert setup.enabled(environment) is on


def test_without_an_endpoint_there_is_no_recorder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENDPOINT, raising=False)
    setup.configure("gateway")
    assert setup.recorder() is None and setup.provider() is None


def configured(monkeypatch: pytest.MonkeyPatch, collector: Collector, **settings: str) -> None:
    for name, value in {ENDPOINT: collector.endpoint, **settings}.items():
        monkeypatch.setenv(name, value)
    setup.configure("gateway")


def test_spans_are_exported_over_grpc_with_the_headers_and_the_name_of_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with collecting() as collector:
        configured(monkeypatch, collector, OTEL_EXPORTER_OTLP_HEADERS="x-team=payments")
        record("a")
        setup.shut_down(10)
        assert [(span.name, span.service) for span in collector.spans] == [("a", "rampart-gateway")]
        assert collector.headers[0]["x-team"] == "payments"
    assert setup.recorder() is None


def test_the_operator_names_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"OTEL_SERVICE_NAME": "edge-eu", "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test"}
    with collecting() as collector:
        configured(monkeypatch, collector, **names)
        record("a")
        setup.shut_down(10)
    (resource,) = collector.resources
    assert (resource["service.name"], resource["deployment.environment.name"]) == ("edge-eu", "test")


@pytest.mark.parametrize("compression", ["", "gzip"])
def test_spans_are_exported_over_http_and_again_if_the_collector_says_so(
    monkeypatch: pytest.MonkeyPatch, compression: str
) -> None:
    monkeypatch.setattr("meshkit.tracing.otlp_http.FIRST_BACKOFF", 0.01)
    with collecting_http() as collector:
        collector.statuses = [503, 429]
        configured(
            monkeypatch,
            collector,
            OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
            OTEL_EXPORTER_OTLP_HEADERS="x-team=payments",
            OTEL_EXPORTER_OTLP_COMPRESSION=compression,
        )
        record("a")
        setup.shut_down(10)
    assert [span.name for span in collector.spans] == ["a"]
    assert collector.headers[0]["x-team"] == "payments"
    assert not collector.statuses


def test_what_a_collector_refuses_is_not_sent_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with collecting_http() as collector:
        collector.statuses = [400]
        configured(monkeypatch, collector, OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf")
        record("a")
        setup.shut_down(10)
    assert collector.spans == []
    assert "1 spans were not exported: the collector answers 400" in caplog.text


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, "OTEL_EXPORTER_OTLP_PROTOCOL must be grpc or http/protobuf"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", ENDPOINT: "localhost:4318"}, "must begin with http"),
        ({"OTEL_EXPORTER_OTLP_TIMEOUT": "soon"}, "OTEL_EXPORTER_OTLP_"),
        ({"OTEL_EXPORTER_OTLP_COMPRESSION": "zip"}, "OTEL_EXPORTER_OTLP_"),
    ],
)
def test_a_setting_that_cannot_be_used_stops_the_process_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], words: str
) -> None:
    for name, value in (ON | settings).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=words):
        setup.configure("gateway")
    assert setup.recorder() is None


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_collector_that_hangs_holds_up_neither_a_span_nor_the_end_of_the_process(
    monkeypatch: pytest.MonkeyPatch, protocol: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "64")
        monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "8")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "5")
        collector = Collector(f"http://127.0.0.1:{silent.getsockname()[1]}")
        configured(monkeypatch, collector, OTEL_EXPORTER_OTLP_PROTOCOL=protocol)
        for number in range(1_000):
            record(f"span {number}")
        setup.shut_down(0.05)
        # Who shuts down does not wait for the thread that still does.
        assert any(thread.name == "last spans" for thread in threading.enumerate())
    assert setup.recorder() is None
