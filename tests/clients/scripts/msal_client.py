"""Sign-in by MSAL for Python, unmodified."""

from __future__ import annotations

import base64
import json
from typing import Any

import msal
import requests
from calls import answer_calls


class Listening(requests.Session):
    """The HTTP session that MSAL would make itself; it also remembers the status and the assertion it carried."""

    status: int | None = None
    assertion_header: dict[str, Any] | None = None

    def post(self, url: str, data: Any = None, **options: Any) -> requests.Response:  # type: ignore[override]
        response = super().post(url, data=data, **options)
        self.status = response.status_code
        if "client_assertion" in data:
            header = data["client_assertion"].split(b".")[0]
            self.assertion_header = json.loads(base64.urlsafe_b64decode(header + b"=="))
        return response


def sign_in(authority: str, client_id: str, credential: Any, scope: str) -> dict[str, Any]:
    """MSAL's own answer, with the status and the assertion's header that were on the wire."""
    session = Listening()
    app = msal.ConfidentialClientApplication(
        client_id,
        client_credential=credential,
        authority=authority,
        instance_discovery=False,
        http_client=session,
    )
    result = app.acquire_token_for_client([scope])
    return {"result": result, "status": session.status, "assertion_header": session.assertion_header}


if __name__ == "__main__":
    answer_calls(sign_in)
