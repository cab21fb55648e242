"""No secret's text, no assertion, no token and no private key is anywhere but where it belongs.

A real server is put through everything that touches a credential, rightly and wrongly. Then the canaries are looked
for: in every file of the data directory, in all that the server printed, in the audit and sign-in logs, and in every
error that was answered.
"""

from __future__ import annotations

import base64
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.clients.administrator import Administrator
from tests.local_tenant import new_identity
from tests.running_tenant import RunningTenant
from unsecret.tenant import pki

MAY_HOLD_A_PRIVATE_KEY = {"ca.key", "server.key", "administrator.pem"}
"""Besides keys/*.pem. All of them are files of mode 0600."""

pytestmark = pytest.mark.promise


class Canaries:
    """Texts that must never be seen again, and everything that was answered meanwhile."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.answers: list[str] = []

    def add(self, name: str, text: str) -> str:
        assert len(text) > 15
        self.texts[name] = text
        return text

    def spellings(self) -> dict[str, bytes]:
        """Each canary plainly, as base64 and as hex."""
        forms: dict[str, bytes] = {}
        for name, text in self.texts.items():
            plain = text.encode()
            forms[name] = plain
            forms[f"{name} (base64)"] = base64.b64encode(plain)[:-4]
            forms[f"{name} (hex)"] = plain.hex().encode()
        return forms

    def found_in(self, content: bytes) -> list[str]:
        return [name for name, form in self.spellings().items() if form in content]


def live_through_everything(tenant: RunningTenant, administrator: Administrator) -> Canaries:
    """Good and bad calls that carry credentials."""
    canaries = Canaries()
    canaries.add("administrator's token", administrator.token)
    made = administrator.call("POST", "/applications", {"displayName": "canary", "passwordCredentials": [{}]})
    canaries.add("secret of a new application", made["passwordCredentials"][0]["secretText"])
    path = f"/applications/{made['id']}"
    added = administrator.call("POST", f"{path}/addPassword", {"passwordCredential": {"displayName": "x"}})
    secret = canaries.add("added secret", added["secretText"])
    principal = administrator.call("POST", "/servicePrincipals", {"appId": made["appId"]})
    of_principal = administrator.call("POST", f"/servicePrincipals/{principal['id']}/addPassword", {})
    canaries.add("secret of a principal", of_principal["secretText"])

    def send(method: str, url: str, body) -> None:
        answer = administrator.send(method, url, body)
        assert answer.status_code != 500, answer.text
        if not answer.is_success:
            canaries.answers.append(answer.text)

    chosen = canaries.add("secret that a client chose", "Ch0sen-By-The-Client-Canary-0001")
    symmetric = canaries.add("symmetric key", "a-symmetric-key-that-is-a-secret")
    as_key = base64.b64encode(symmetric.encode()).decode()
    send("POST", f"{path}/addPassword", {"passwordCredential": {"secretText": chosen}})
    send("POST", "/applications", {"displayName": "x", "passwordCredentials": [{"secretText": chosen}]})
    send("POST", f"{path}/addPassword", {"passwordCredential": {"startDateTime": chosen}})
    send("POST", f"{path}/addPassword", {"passwordCredential": chosen})
    send("POST", f"{path}/removePassword", {"keyId": chosen})
    send("PATCH", path, {"keyCredentials": [{"type": "Symmetric", "usage": "Verify", "key": as_key}]})
    for misplaced in (secret, administrator.token):
        send("DELETE", f"{path}/owners/{misplaced}/$ref", None)
        send("DELETE", f"{path}/appManagementPolicies/{misplaced}/$ref", None)
        send("DELETE", f"/servicePrincipals/{principal['id']}/appRoleAssignments/{misplaced}", None)
        send("DELETE", f"{path}/passwordCredentials/{misplaced}", None)
        send("GET", f"/applications(uniqueName='{misplaced}')", None)
        for option in ("$top", "$select", "$orderby", "$filter", "$count", "$skiptoken"):
            send("GET", f"/applications?{option}={misplaced}", None)
        send("POST", f"{path}/owners/$ref", {"@odata.id": f"https://graph.microsoft.com/v1.0/x/{misplaced}"})
        send("PATCH", path, {misplaced: 1})
        send("PATCH", "/policies/defaultAppManagementPolicy", {"applicationRestrictions": {misplaced: misplaced}})
    identity = new_identity("canary")
    pem = pki.private_to_pem(identity.key).decode()
    canaries.add("private key", "".join(pem.splitlines()[5:7]))
    canaries.add("line of a private key", pem.splitlines()[6])
    for sent in (pem, identity.pem.decode()):
        entry = {"type": "AsymmetricX509Cert", "usage": "Verify", "key": base64.b64encode(sent.encode()).decode()}
        send("PATCH", path, {"keyCredentials": [entry]})
    block = {
        "passwordCredentials": [{"restrictionType": "passwordAddition"}],
        "identifierUris": {"nonDefaultUriAddition": {"state": "enabled"}},
    }
    administrator.call(
        "PATCH", "/policies/defaultAppManagementPolicy", {"isEnabled": True, "applicationRestrictions": block}
    )
    send("POST", f"{path}/addPassword", {"passwordCredential": {"secretText": chosen}})
    send("PATCH", path, {"identifierUris": [f"api://{secret}"]})

    wrong = canaries.add("wrong secret", "wr0ng8Q~canary-canary-canary-canary-cana")
    token = administrator.request_token(tenant, made["appId"], client_secret=secret)
    canaries.add("application's token", token.json()["access_token"])
    for form in (
        {"client_secret": wrong},
        {"client_assertion": canaries.add("nonsense assertion", "eyJhbGciOiJub25lIn0.eyJjYW5hcnkiOjF9.canary")},
        {"client_assertion": canaries.add("assertion", administrator.last_assertion)},
        {"client_secret": wrong, "client_assertion": administrator.last_assertion},
        {"client_secret": f"{wrong}\x00\ud7ff"},
    ):
        answer = administrator.request_token(tenant, made["appId"], **form)
        assert 400 <= answer.status_code < 500, answer.text
        canaries.answers.append(answer.text)
    refused = administrator.send("GET", "/applications", token=token.json()["access_token"])
    canaries.answers.append(refused.text)
    canaries.answers.append(administrator.send("GET", "/applications", token=f"{administrator.token}x").text)
    return canaries


def test_a_canary_is_found_nowhere(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with RunningTenant.start(data, "--sample") as tenant, closing(Administrator(tenant)) as administrator:
        canaries = live_through_everything(tenant, administrator)
        audits = administrator.send("GET", "/auditLogs/directoryAudits?$top=999").content
        sign_ins = administrator.send("GET", "/auditLogs/signIns?$top=999").content
        alive = files(data)
    after = files(data)
    printed = (tmp_path / "data.log").read_bytes()
    places = {"answers": "\n".join(canaries.answers).encode(), "audits": audits, "sign-ins": sign_ins, "log": printed}
    found = {place: canaries.found_in(content) for place, content in {**places, **alive, **after}.items() if content}
    assert {place: names for place, names in found.items() if names} == {}


def test_a_failure_that_nobody_foresaw_tells_no_more_than_its_request_id(tmp_path: Path) -> None:
    """The log is JSON lines in which credentials are blacked out, and nobody else writes the failure down again."""
    data = tmp_path / "data"
    chosen, token_shaped = "Ch0sen-By-The-Client-Canary-0002", "eyJhbGciOiJub25lIn0.eyJjYW5hcnkiOjF9.canary"
    with RunningTenant.start(data, "--empty") as tenant, closing(Administrator(tenant)) as administrator:
        with closing(sqlite3.connect(data / "directory.sqlite")) as database:
            database.execute("DROP TABLE sign_in")
        for text in (chosen, token_shaped):
            answer = administrator.send("GET", f"/auditLogs/signIns?$filter=appDisplayName eq '{text}'")
            assert answer.status_code == 500
            assert answer.json()["error"]["code"] == "InternalServerError"
            assert text not in answer.text
        answer = administrator.request_token(tenant, tenant.client_id, client_secret=chosen)
        assert answer.status_code == 500
        request_id = answer.headers["request-id"]
    printed = (tmp_path / "data.log").read_text()
    assert chosen.lower() not in printed.lower()
    assert token_shaped.lower() not in printed.lower()
    failures = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    assert [failure["event"] for failure in failures] == ["request failed"] * 3
    assert failures[-1]["request_id"] == request_id
    assert not [line for line in printed.splitlines() if "Traceback" in line and not line.startswith("{")]


def test_private_keys_are_only_in_files_that_nobody_else_can_read(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with RunningTenant.start(data, "--sample"):
        assert oct((data / "connection.json").stat().st_mode & 0o777) == "0o600"
        holders = {path for path in data.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()}
    assert {path.name for path in holders if path.parent.name != "keys"} == MAY_HOLD_A_PRIVATE_KEY
    assert {oct(path.stat().st_mode & 0o777) for path in holders} == {"0o600"}
    assert {oct(path.stat().st_mode & 0o777) for path in data.glob("directory.sqlite*")} <= {"0o600"}
    assert oct(data.stat().st_mode & 0o777) == "0o700"


def files(data: Path) -> dict[str, bytes]:
    """Every file of the data directory, the write-ahead log among them."""
    return {str(path.relative_to(data)): path.read_bytes() for path in data.rglob("*") if path.is_file()}
