"""The client's end of a conversation in JSON lines. Runs in the client's environment: standard library only."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def answer_calls(
    *functions: Callable[..., Any], details: Callable[[Exception], dict[str, Any]] = lambda error: {}
) -> None:
    """Read calls until the end of the input; call, and write what came back or what was raised."""
    by_name = {function.__name__: function for function in functions}
    for line in sys.stdin:
        call = json.loads(line)
        try:
            answer = {"returned": by_name[call["function"]](**call["arguments"])}
        except Exception as error:
            answer = {"raised": {"kind": type(error).__name__, "message": str(error), "details": details(error)}}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
