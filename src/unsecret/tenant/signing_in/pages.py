"""The pages that people see: HTML from the files in `pages/`, without a script, and with nothing fetched.

Every value that goes into a page is escaped on its way in; what is HTML already says so by its type. The headers keep
a page out of frames, out of caches, and out of every other site's hands.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Iterable
from importlib.resources import files
from string import Template

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from unsecret.tenant.signing_in.redirects import source_of
from unsecret.tenant.signing_in.sessions import canary_of, keep_canary
from unsecret.tenant.token_answers import Trace, trace_of
from unsecret.wire.aadsts import TokenRefused

_FOLDER = files(__name__.rpartition(".")[0]) / "pages"
_STYLE = (_FOLDER / "style.css").read_text("utf-8")
_SEND = (_FOLDER / "send.js").read_text("utf-8").strip()


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def _hash_of(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_STYLE_SOURCE, _SEND_SOURCE = _hash_of(_STYLE), _hash_of(_SEND)
_BAD_REQUEST = 400


def fragment(template: str, /, **values: str) -> Html:
    """The file `pages/<template>.html` with `values` in it, each escaped unless it is Html."""
    escaped = {key: value if isinstance(value, Html) else html.escape(value) for key, value in values.items()}
    return Html(_TEMPLATES[template].substitute(escaped))


_TEMPLATES = {
    file.name.removesuffix(".html"): Template(file.read_text("utf-8"))
    for file in _FOLDER.iterdir()
    if file.name.endswith(".html")
}


def page(request: Request, title: str, content: Html, *, status: int = 200, leads_to: Iterable[str] = ()) -> Response:
    """A whole page. `leads_to` are addresses outside that its form may end at, by way of a redirect."""
    whole = fragment("page", title=title, style=Html(_STYLE), content=content)
    return _answer(request, whole, status, _policy(leads_to))


def form_page(request: Request, template: str, title: str, /, leads_to: Iterable[str], **values: str) -> Response:
    """A page with a form that is sent to the address that the page is at; its template has `$canary`."""
    cookie, canary = canary_of(request)
    response = page(request, title, fragment(template, canary=canary, **values), leads_to=leads_to)
    keep_canary(response, cookie)
    return response


def notice(request: Request, title: str, text: str) -> Response:
    """A page that only says something."""
    return page(request, title, fragment("notice", title=title, text=text))


def refusal_page(request: Request, refusal: TokenRefused) -> Response:
    """A refusal that is shown here, because nothing may be sent to where the request says."""
    trace = trace_of(request)
    content = fragment("refusal", message=refusal.message, **_traced(trace))
    status = refusal.status if refusal.status >= _BAD_REQUEST else _BAD_REQUEST
    return page(request, "Sign-in failed", content, status=status)


def sending_page(request: Request, address: str, fields: dict[str, str]) -> Response:
    """`response_mode=form_post`: a form that sends itself to `address`, or by a button where scripts are off.

    https://openid.net/specs/oauth-v2-form-post-response-mode-1_0.html
    """
    inputs = Html("".join(fragment("hidden", field=name, value=value) for name, value in fields.items()))
    whole = fragment("sending", address=address, inputs=inputs, style=Html(_STYLE), script=Html(_SEND))
    policy = f"{_policy([address])}; script-src {_SEND_SOURCE}"
    return _answer(request, whole, 200, policy)


def error_line(refusal: TokenRefused | None) -> Html:
    """What a form says above its fields about the last attempt."""
    return fragment("error", message=refusal.message) if refusal else Html("")


def _answer(request: Request, whole: Html, status: int, policy: str) -> Response:
    trace = trace_of(request)
    headers = {
        "Content-Security-Policy": policy,
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store, no-cache",
        "Pragma": "no-cache",
        "x-ms-request-id": trace.trace_id,
        "client-request-id": trace.correlation_id,
    }
    return HTMLResponse(str(whole), status, headers)


def _policy(leads_to: Iterable[str]) -> str:
    targets = " ".join(dict.fromkeys(["'self'", *filter(None, (source_of(address) for address in leads_to))]))
    return (
        f"default-src 'none'; style-src {_STYLE_SOURCE}; base-uri 'none'; frame-ancestors 'none'; form-action {targets}"
    )


def _traced(trace: Trace) -> dict[str, str]:
    at = re.sub(r"\..*", "", trace.now.isoformat(" ").replace("+00:00", ""))
    return {"trace_id": trace.trace_id, "correlation_id": trace.correlation_id, "timestamp": f"{at}Z"}
