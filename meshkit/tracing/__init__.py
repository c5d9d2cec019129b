"""Records what calls do as OpenTelemetry spans, where an OTLP endpoint is set."""
