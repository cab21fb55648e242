"""What a permission is worth to whoever steals the secret behind it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from unsecret.rules.privileges import Grade, privilege_of, privilege_of_role

TIERS = Path(__file__).parents[3] / "shared" / "data" / "reference" / "entraops" / "Classification_AppRoles.json"
"""Who else has sorted Microsoft Graph's app roles, and how."""


def tier(name: str) -> set[str]:
    if not TIERS.exists():
        pytest.skip("the published tiers of app roles are not beside the checkout")
    tiers = {one["EAMTierLevelName"]: one["TierLevelDefinition"] for one in json.loads(TIERS.read_text())}
    return {action for group in tiers[name] for action in group["RoleDefinitionActions"]}


@pytest.mark.parametrize(
    ("permission", "grade"),
    [
        ("RoleManagement.ReadWrite.Directory", Grade.TENANT),
        ("AppRoleAssignment.ReadWrite.All", Grade.TENANT),
        ("Application.ReadWrite.All", Grade.TENANT),
        ("UserAuthMethod-TAP.ReadWrite.All", Grade.TENANT),
        ("Application.ReadWrite.OwnedBy", Grade.DATA),
        ("Mail.Send", Grade.DATA),
        ("Mail.Read", Grade.DATA),
        ("Sites.FullControl.All", Grade.DATA),
        ("full_access_as_app", Grade.DATA),
        ("User.Read.All", None),
        ("Directory.Read.All", None),
        ("Application.Read.All", None),
        ("", None),
    ],
)
def test_what_an_application_may_by_itself_has_a_grade(permission: str, grade: Grade | None) -> None:
    found = privilege_of(permission)
    assert (found.grade if found else None) == grade


def test_in_the_name_of_people_nothing_reaches_further_than_they_do() -> None:
    found = privilege_of("Directory.ReadWrite.All", delegated=True)
    assert found is not None
    assert found.grade is Grade.DATA
    assert privilege_of("Mail.Read", delegated=True) is None


def test_every_directory_role_is_worth_a_look() -> None:
    assert privilege_of_role("Global Administrator").grade is Grade.TENANT
    assert privilege_of_role("Message Center Reader").grade is Grade.DATA


def test_what_takes_over_a_tenant_here_is_control_plane_to_others_too() -> None:
    every = tier("ControlPlane") | tier("ManagementPlane") | tier("UserAccess")
    ours = {name for name in every if (found := privilege_of(name)) and found.grade is Grade.TENANT}
    assert len(ours) > 40
    assert ours <= tier("ControlPlane")


def test_whatever_changes_the_control_plane_has_a_grade() -> None:
    assert [name for name in tier("ControlPlane") if "ReadWrite" in name and privilege_of(name) is None] == []


def test_nothing_that_every_member_may_takes_over_a_tenant() -> None:
    grades = {found.grade for name in tier("UserAccess") if (found := privilege_of(name))}
    assert Grade.TENANT not in grades
