"""Tenants that are named in the settings file, and what is said about a wrong one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from unsecret.cli.reaching import named, options_for
from unsecret.config import Settings, settings_from
from unsecret.errors import Invalid, NotFound
from unsecret.model.snapshot import NOBODY, Manifest
from unsecret.operate.graph.named_tenants import CLOUDS, AzureVariables, NamedTenant, cloud_of

TENANT = "5c1f2a57-0000-4000-8000-1d2c3b4a5f60"
APP = "0d1e2f30-0000-4000-8000-112233445566"


def settings(home: Path, text: str = "", **environ: str) -> Settings:
    file = home / "config.toml"
    file.write_text(text)
    return settings_from({"HOME": str(home), "UNSECRET_CONFIG": str(file), **environ})


def prod(home: Path, keys: str, **environ: str) -> NamedTenant:
    table = f'[tenants.prod]\ntenant_id = "{TENANT}"\n{keys}'
    found = named(settings(home, table, **environ), None, "prod")
    assert found is not None
    return found


def test_a_table_names_a_tenant(tmp_path: Path) -> None:
    keys = f'cloud = "usgov"\nauth = "certificate"\nclient_id = "{APP}"\ncertificate = "~/app.pem"'
    assert prod(tmp_path, keys) == NamedTenant(
        name="prod",
        tenant_id=TENANT,
        authority="https://login.microsoftonline.us",
        graph="https://graph.microsoft.us",
        cloud="usgov",
        auth="certificate",
        client_id=APP,
        certificate=tmp_path / "app.pem",
    )


@pytest.mark.parametrize("cloud", CLOUDS)
def test_every_cloud_has_its_places(tmp_path: Path, cloud: str) -> None:
    found = prod(tmp_path, f'cloud = "{cloud}"')
    assert (found.authority, found.graph) == (CLOUDS[cloud].authority, CLOUDS[cloud].graph)


def test_the_variables_of_azure_identity_fill_in_what_the_table_leaves_out(tmp_path: Path) -> None:
    environ = {"AZURE_CLIENT_ID": APP, "AZURE_FEDERATED_TOKEN_FILE": "/var/token", "AZURE_TENANT_ID": "other.example"}
    found = prod(tmp_path, 'auth = "workload-identity"', **environ)
    assert (found.tenant_id, found.client_id, found.token_file) == (TENANT, APP, Path("/var/token"))


def test_the_application_of_a_workload_is_nobody_a_person_signs_in_to(tmp_path: Path) -> None:
    assert prod(tmp_path, 'auth = "device-code"', AZURE_CLIENT_ID=APP).client_id is None


def test_the_local_tenant_is_meant_unless_somebody_says_otherwise(tmp_path: Path) -> None:
    only_azure = settings(tmp_path, AZURE_TENANT_ID=TENANT, AZURE_CLIENT_ID=APP)
    assert named(only_azure, None, None) is None
    by_default = settings(tmp_path, f'tenant = "prod"\n[tenants.prod]\ntenant_id = "{TENANT}"')
    assert named(by_default, None, None) is not None
    assert named(by_default, None, "local") is None
    assert named(by_default, tmp_path, None) is None


def test_a_tenant_without_a_table_is_named_by_its_id_its_domain_or_the_environment(tmp_path: Path) -> None:
    environ = settings(tmp_path, AZURE_TENANT_ID=TENANT, AZURE_AUTHORITY_HOST="https://login.chinacloudapi.cn/")
    for name, tenant_id in (("azure", TENANT), (TENANT, TENANT), ("contoso.cn", "contoso.cn")):
        found = named(environ, None, name)
        assert found is not None
        assert (found.tenant_id, found.cloud, found.auth) == (tenant_id, "china", "default")


def test_hosts_of_sign_in_lead_to_their_cloud() -> None:
    hosts = ("login.microsoftonline.com", "https://LOGIN.microsoftonline.us/", "login.example")
    assert [cloud_of(one) for one in hosts] == ["global", "usgov", None]


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ('cloud = "moon"', "there is no cloud 'moon'. There are: global, usgov"),
        ('auth = "hope"', "there is no auth 'hope'. There are: default"),
        ("cloud = 1", "'cloud' must be some text"),
        (f'client_id = "{"x" * 2000}"', "1024 characters at most"),
        ('colour = "red"', "there is no key 'colour'. There are: tenant_id"),
        ('client_secret = "hush"', "'client_secret' is not kept in a file"),
        ('client_id = "me"', "'client_id' must be an id"),
        ('auth = "certificate"', "needs 'client_id' in the settings file, or AZURE_CLIENT_ID"),
        (f'auth = "certificate"\nclient_id = "{APP}"', "or AZURE_CLIENT_CERTIFICATE_PATH"),
        (f'auth = "workload-identity"\nclient_id = "{APP}"', "or AZURE_FEDERATED_TOKEN_FILE"),
        (f'auth = "client-secret"\nclient_id = "{APP}"', "'client-secret' needs AZURE_CLIENT_SECRET"),
        ('authority = "https://login.example"', "'authority' and 'graph' go together"),
        ('authority = "http://a.example"\ngraph = "https://b.example"', "'authority' must be https://HOST"),
        ('authority = "https://a.example/x"\ngraph = "https://b.example"', "'authority' must be https://HOST"),
        ('authority = "https://me@a.example"\ngraph = "https://b.example"', "'authority' must be https://HOST"),
        ('authority = "https://a.example:x"\ngraph = "https://b.example"', "'authority' must be https://HOST"),
    ],
)
def test_a_wrong_table_is_named(tmp_path: Path, keys: str, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        prod(tmp_path, keys)
    assert words in refused.value.message
    assert "prod" in refused.value.message
    assert "hush" not in f"{refused.value.message} {refused.value.hint}"


@pytest.mark.parametrize("tenant_id", ["common", "organizations", "x", "", "a..b", "../x"])
def test_what_is_no_tenant_is_refused(tmp_path: Path, tenant_id: str) -> None:
    text = f'[tenants.prod]\ntenant_id = "{tenant_id}"' if tenant_id else "[tenants.prod]"
    with pytest.raises(Invalid, match="'tenant_id' must be"):
        named(settings(tmp_path, text), None, "prod")


@pytest.mark.parametrize("name", ["local", "azure", TENANT, '"a b"', '"contoso.com"', '"-x"'])
def test_some_names_are_not_to_be_had(tmp_path: Path, name: str) -> None:
    with pytest.raises(Invalid, match="choose another name"):
        settings(tmp_path, f'[tenants.{name}]\ntenant_id = "{TENANT}"')


def test_a_name_that_nobody_gave_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no tenant 'test' in the settings. There are: prod"):
        named(settings(tmp_path, f'[tenants.prod]\ntenant_id = "{TENANT}"'), None, "test")


def test_a_tenant_and_a_directory_are_not_both_meant(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="--tenant and --data exclude each other"):
        named(settings(tmp_path), tmp_path, TENANT)


def test_a_file_without_end_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="is longer than 1048576 bytes"):
        settings(tmp_path, "#" * 2**20 + "\n")


def test_an_unknown_host_of_sign_in_is_named(tmp_path: Path) -> None:
    environ = settings(tmp_path, AZURE_TENANT_ID=TENANT, AZURE_AUTHORITY_HOST="login.example")
    with pytest.raises(Invalid, match=r"AZURE_AUTHORITY_HOST is login\.example"):
        named(environ, None, "azure")


def test_nothing_is_read_of_an_environment_that_says_nothing(tmp_path: Path) -> None:
    assert settings(tmp_path, AZURE_TENANT_ID="").azure == AzureVariables()


REAL, HERE, LOCALHOST = "https://graph.microsoft.com", "11111111-2222-4333-8444-555555555555", "https://localhost:8443"
PROD = NamedTenant(name="prod", tenant_id=HERE, authority="https://login.microsoftonline.com", graph=REAL)
BY_DOMAIN = replace(PROD, name="domain", tenant_id="Contoso.onmicrosoft.com")
COPY = replace(PROD, name="copy", graph=LOCALHOST)


@pytest.mark.parametrize(
    ("tenants", "usual", "local", "tenant_id", "source", "options"),
    [
        ([PROD], None, None, HERE, REAL, ("--tenant", "prod")),
        ([BY_DOMAIN], None, None, HERE, REAL, ("--tenant", "domain")),
        ([BY_DOMAIN, PROD], "prod", None, HERE, REAL, ("--tenant", "prod")),
        ([COPY], None, None, HERE, REAL, ("--tenant", HERE)),  # a copy of it, elsewhere
        ([], None, HERE, HERE, REAL, ("--tenant", HERE)),  # likewise, in the local tenant
        ([], None, HERE, HERE, LOCALHOST, ()),
        ([], None, HERE, HERE, "https://localhost:9000", ()),  # it had another port then
        ([PROD], "prod", HERE, HERE, LOCALHOST, ("--tenant", "local")),
        ([], None, PROD.graph, HERE, LOCALHOST, None),  # a local tenant, and not the one started last
        ([], None, None, HERE, "https://graph.microsoft.us", None),  # its id alone would go to another cloud
        ([PROD], None, None, HERE, "export.json", ("--tenant", "prod")),
        ([], None, None, HERE, "export.json", ("--tenant", HERE)),
        ([], None, None, NOBODY, "export.json", None),
    ],
)
def test_a_command_names_the_tenant_of_a_snapshot(
    tmp_path: Path,
    tenants: list[NamedTenant],
    usual: str | None,
    local: str | None,
    tenant_id: str,
    source: str,
    options: tuple[str, ...] | None,
) -> None:
    written = {"tenant_id": local, "authority": LOCALHOST, "graph": LOCALHOST, "ca": "a", "client_id": "b"}
    if local:
        (tmp_path / "connection.json").write_text(json.dumps({**written, "certificate": "c"}))
    settings = Settings(
        **{"default_data": tmp_path, "state": tmp_path, "home": tmp_path, "data": tmp_path},
        tenant=usual,
        tenants={one.name: one for one in tenants},
    )
    manifest = Manifest(software="0", taken_at=datetime(2026, 11, 22, tzinfo=UTC), tenant_id=tenant_id, source=source)

    assert options_for(settings, manifest, ["contoso.example", "contoso.onmicrosoft.com"]) == options
