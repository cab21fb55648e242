"""The little of a browser that pages without scripts need: it keeps cookies, fills in forms, knows where it is sent."""

from __future__ import annotations

import html
import re
import ssl
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import httpx2

if TYPE_CHECKING:
    from tests.running_tenant import RunningTenant


class WebPage:
    """Somebody in front of the pages of a tenant."""

    def __init__(self, tenant: RunningTenant):
        trust = ssl.create_default_context(cafile=tenant.ca)
        self._http = httpx2.Client(verify=trust, trust_env=False, timeout=30)
        self.address = ""
        self.text = ""
        self.sent_to = ""

    def close(self) -> None:
        self._http.close()

    def open(self, address: str) -> None:
        self.address = address
        self._shown(self._http.get(address))

    def send(self, **fields: str) -> None:
        """Send the form on the page."""
        hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', self.text)
        form = {html.unescape(name): html.unescape(value) for name, value in hidden} | fields
        self._shown(self._http.post(self.address, data=form))

    @property
    def answer(self) -> dict[str, str]:
        """What the client is sent in the address that the browser is sent to."""
        return dict(parse_qsl(urlsplit(self.sent_to).query))

    def _shown(self, response: httpx2.Response) -> None:
        self.text, self.sent_to = response.text, response.headers.get("location", "")
