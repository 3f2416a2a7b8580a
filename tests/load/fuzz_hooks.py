"""What `make fuzz` holds against the mesh: whatever is sent, the answer is no fault of ours and has the one error shape.

501 with reason NOT_IMPLEMENTED is an honest answer of a call whose service is not built yet; every other 5xx is a failure.
"""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.check
def no_server_fault(ctx: Any, response: Any, case: Any) -> None:
    """Fails on a 5xx other than an honest 501, and on an error that is not a Status with an ErrorInfo."""
    if response.status_code < 400:
        return
    body = response.json()
    reasons = [
        detail.get("reason") for detail in body.get("details", []) if detail.get("@type", "").endswith("ErrorInfo")
    ]
    if response.status_code >= 500 and reasons != ["NOT_IMPLEMENTED"]:
        raise AssertionError(f"{response.status_code} from {case.method} {case.path}: {body}")
    if {"code", "message", "status", "details"} - body.keys() or len(reasons) != 1:
        raise AssertionError(f"{response.status_code} from {case.method} {case.path} has another shape: {body}")
