"""Logs, metrics and traces: JSON lines on stdout, one Prometheus registry, OpenTelemetry when an endpoint is set."""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import structlog
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from structlog.typing import EventDict

from cinemesh import context

if TYPE_CHECKING:
    from cinemesh.settings import ServiceSettings

REGISTRY: Final = CollectorRegistry()
"""Every metric of the process. Metrics are declared at module level with `registry=telemetry.REGISTRY`."""
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)

_provider: TracerProvider | None = None
_tracer: trace.Tracer | None = None

# Secrets that libraries put into exception texts: credentials in URLs, bearer tokens, JWTs, key=value secrets.
_SECRETS: Final = (
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s@/]+@", re.IGNORECASE), r"\1:***@"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"), "***"),
    (re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE), r"\1 ***"),
    (
        re.compile(
            r"(\b[\w-]*(?:password|passwd|secret|token|api_?key|pepper)[\"']?\s*[=:]\s*)[\"']?[^\s,;\"')&]+",
            re.IGNORECASE,
        ),
        r"\1***",
    ),
)


def redact(text: str) -> str:
    """Returns the text with what looks like a secret replaced by `***`."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def exception_attributes(error: BaseException) -> dict[str, str]:
    """Returns type, message and stack of an exception for a span event, redacted."""
    return {
        "exception.type": f"{type(error).__module__}.{type(error).__qualname__}",
        "exception.message": redact(str(error)),
        "exception.stacktrace": redact("".join(traceback.format_exception(error))),
    }


def _add_request(_logger: Any, _name: str, event: EventDict) -> EventDict:
    request = context.current()
    if request.request_id:
        event["request_id"] = request.request_id
    if request.trace_id:
        event["trace_id"] = request.trace_id
    return event


def _redact_exception(_logger: Any, _name: str, event: EventDict) -> EventDict:
    for key in ("exception", "error"):
        value = event.get(key)
        if isinstance(value, str):
            event[key] = redact(value)
    return event


_encode: Final = json.JSONEncoder(ensure_ascii=False, default=str).encode
_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_level: int = logging.INFO


def _as_json(_logger: Any, _name: str, event: EventDict) -> str:
    return _encode(event)


def _put(line: str) -> None:
    """Writes a line to whatever stdout is now, in one piece and at once: a line held back is lost in a crash."""
    out = sys.stdout
    out.write(f"{line}\n")
    out.flush()


def _stamp() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _add_time(_logger: Any, _name: str, event: EventDict) -> EventDict:
    event["time"] = _stamp()
    return event


def line_writer(service: str, message: str, **fixed: str) -> Callable[..., None]:
    """Returns a writer of one kind of log line, for where a line a call is written: a fifth of the general logger's cost.

    Args:
        service: name of the service.
        message: what the lines say.
        fixed: fields that are the same on every line.

    Returns:
        `write(level, **facts)`; empty texts are left out.
    """
    head = {"service": service, **fixed}

    def write(level: str, **facts: Any) -> None:
        if _LEVELS[level] < _level:
            return
        request = context.current()
        line = {**head, **facts, "request_id": request.request_id, "trace_id": request.trace_id, "level": level}
        line["time"] = _stamp()
        line["message"] = message
        _put(_encode({name: value for name, value in line.items() if value != ""}))

    return write


def set_up(settings: ServiceSettings, *, name: str = "", version: str = "") -> None:
    """Configures logs and traces of this process. Call it once, before anything logs.

    Args:
        settings: log level, OTLP endpoint and sampling ratio.
        name: name of the service; by default that of the settings.
        version: version of the service, for the traces.
    """
    global _level
    level = _level = _LEVELS[settings.log_level]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            _add_request,
            _add_time,
            structlog.processors.format_exc_info,
            _redact_exception,
            structlog.processors.EventRenamer("message"),
            _as_json,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_StandardOutput,
        cache_logger_on_first_use=True,
    )
    _route_standard_logging(level)
    if settings.otlp_endpoint:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        resource = Resource.create(
            {
                "service.name": name or settings.service,
                "service.version": version,
                "service.instance.id": f"{name or settings.service}-{settings.replica}",
                "deployment.environment.name": settings.environment,
            }
        )
        provider = TracerProvider(
            resource=resource, sampler=ParentBased(TraceIdRatioBased(settings.trace_sample_ratio))
        )
        insecure = not settings.otlp_endpoint.startswith("https://")
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(settings.otlp_endpoint, insecure=insecure)))
        use_tracer_provider(provider)
        trace.set_tracer_provider(provider)  # for libraries that bring spans of their own


class _StandardOutput:
    """Writes finished lines to whatever stdout is now: a test may have replaced it."""

    def __init__(self, *_: Any) -> None:
        """Takes and ignores what structlog hands to every logger."""

    def msg(self, line: str) -> None:
        """Writes one line at once."""
        _put(line)

    debug = info = warning = error = critical = exception = log = msg


class _ToStructlog(logging.Handler):
    """Hands records of libraries on to structlog, so that every line on stdout is JSON."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger()
        facts: dict[str, Any] = {"logger": record.name}
        if record.exc_info:
            facts["exc_info"] = record.exc_info
        log.log(record.levelno, redact(record.getMessage()), **facts)


def _route_standard_logging(level: int) -> None:
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, _ToStructlog):
            root.removeHandler(handler)
    root.addHandler(_ToStructlog())
    root.setLevel(max(level, logging.WARNING))  # libraries talk about themselves below that


def logger(service: str) -> Any:
    """Returns a structured logger: `log.info("event", field=value)`. Request and trace ids are added by themselves."""
    return structlog.get_logger(service=service)


def use_tracer_provider(provider: TracerProvider | None) -> None:
    """Makes a provider the one of this process; None switches tracing off."""
    global _provider, _tracer
    _provider = provider
    _tracer = None if provider is None else provider.get_tracer("cinemesh")


def tracer() -> trace.Tracer | None:
    """Returns the tracer, or None while tracing is off."""
    return _tracer


def shut_down() -> None:
    """Sends the spans still waiting. Blocks for at most a few seconds: call it off the event loop."""
    if _provider is not None:
        _provider.shutdown()
