"""Clients with Microsoft's own hosts built in, unmodified: what leads them elsewhere is their environment alone."""

from __future__ import annotations

import requests
from azure.identity import CertificateCredential
from calls import answer_calls


def applications_by_azure_identity(tenant_id: str, client_id: str, file: str) -> list[str]:
    """Display names, from https://graph.microsoft.com; instance discovery is on."""
    token = CertificateCredential(tenant_id, client_id, file).get_token("https://graph.microsoft.com/.default")
    answer = requests.get(
        "https://graph.microsoft.com/v1.0/applications",
        headers={"Authorization": f"Bearer {token.token}"},
        timeout=30,
    )
    answer.raise_for_status()
    return [application["displayName"] for application in answer.json()["value"]]


def fetch(url: str) -> int:
    """The status of what the client gets."""
    return requests.get(url, timeout=30).status_code


if __name__ == "__main__":
    answer_calls(applications_by_azure_identity, fetch)
