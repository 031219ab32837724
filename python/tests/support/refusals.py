"""Errors as the service sends them, which a proxy's are not."""

from __future__ import annotations

from typing import Any, NoReturn

import grpc

from logah.client.wire.status_details import MESSAGE_CLASSES, STATUS_DETAILS_KEY


def refuse(
    context: grpc.ServicerContext,
    code: grpc.StatusCode,
    text: str,
    *,
    domain: str = "logah",
    retry_after: float | None = None,
) -> NoReturn:
    """Ends a call as the service does, which names each of its own errors in an `ErrorInfo`; a proxy just aborts."""
    status = MESSAGE_CLASSES["Status"](code=code.value[0], message=text)
    details: dict[str, Any] = {"ErrorInfo": MESSAGE_CLASSES["ErrorInfo"](reason=code.name, domain=domain)}
    if retry_after is not None:
        details["RetryInfo"] = MESSAGE_CLASSES["RetryInfo"]()
        details["RetryInfo"].retry_delay.FromMilliseconds(round(1000 * retry_after))
    for name, detail in details.items():
        status.details.add(type_url=f"type.googleapis.com/google.rpc.{name}", value=detail.SerializeToString())
    context.set_trailing_metadata(((STATUS_DETAILS_KEY, status.SerializeToString()),))
    context.abort(code, text)
    raise AssertionError("abort raises")
