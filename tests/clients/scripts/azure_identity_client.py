"""Sign-in by azure-identity, unmodified: each credential in its blocking and in its asynchronous form."""

from __future__ import annotations

import asyncio
from typing import Any

from azure.identity import (
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    WorkloadIdentityCredential,
)
from azure.identity.aio import CertificateCredential as AsyncCertificateCredential
from azure.identity.aio import ClientSecretCredential as AsyncClientSecretCredential
from calls import answer_calls


def by_secret(tenant_id: str, client_id: str, secret: str, authority: str, scope: str) -> str:
    credential = ClientSecretCredential(tenant_id, client_id, secret, **_local(authority))
    return credential.get_token(scope).token


def by_certificate(tenant_id: str, client_id: str, file: str, authority: str, scope: str, send_chain: bool) -> str:
    credential = CertificateCredential(
        tenant_id, client_id, file, send_certificate_chain=send_chain, **_local(authority)
    )
    return credential.get_token(scope).token


def by_assertion(tenant_id: str, client_id: str, token: str, authority: str, scope: str) -> str:
    credential = ClientAssertionCredential(tenant_id, client_id, lambda: token, **_local(authority))
    return credential.get_token(scope).token


def by_workload_identity(tenant_id: str, client_id: str, token_file: str, authority: str, scope: str) -> str:
    credential = WorkloadIdentityCredential(
        tenant_id=tenant_id, client_id=client_id, token_file_path=token_file, **_local(authority)
    )
    return credential.get_token(scope).token


def async_by_secret(tenant_id: str, client_id: str, secret: str, authority: str, scope: str) -> str:
    return asyncio.run(_token(AsyncClientSecretCredential(tenant_id, client_id, secret, **_local(authority)), scope))


def async_by_certificate(
    tenant_id: str, client_id: str, file: str, authority: str, scope: str, send_chain: bool
) -> str:
    credential = AsyncCertificateCredential(
        tenant_id, client_id, file, send_certificate_chain=send_chain, **_local(authority)
    )
    return asyncio.run(_token(credential, scope))


async def _token(credential: Any, scope: str) -> str:
    async with credential:
        return (await credential.get_token(scope)).token


def _local(authority: str) -> dict[str, Any]:
    return {"authority": authority, "disable_instance_discovery": True}


if __name__ == "__main__":
    answer_calls(by_secret, by_certificate, by_assertion, by_workload_identity, async_by_secret, async_by_certificate)
