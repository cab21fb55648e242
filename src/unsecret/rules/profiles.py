"""What standards ask of a tenant, as rows: which restrictions its policies must hold, and which credentials nobody may.

A standard is read as it is meant, which is at times more than its title says: one that speaks of "applications" is
asked of service principals, too, since a secret on either signs in as the application, and the Entra admin center sets
both at once. docs/reference/checks.md is made of these rows.

CISA asks for "180 days or less" and takes the service to compare with *less than*, hence tells people to set 181 (and
366). Whether the service does so is not documented; `accepts` is the limit up to which such a policy is taken as right.
"""

from __future__ import annotations

from datetime import timedelta

from unsecret.model.application import ObjectKind
from unsecret.model.policy import LIFETIME_KINDS, Restriction, RestrictionKind, Restrictions, TenantDefault
from unsecret.model.profile import CREDENTIAL_KINDS, CredentialKind, Profile, Requirement, Severity

_K = RestrictionKind


BLOCK_OF = {
    _K.PASSWORD_LIFETIME: _K.PASSWORD_ADDITION,
    _K.SYMMETRIC_KEY_LIFETIME: _K.SYMMETRIC_KEY_ADDITION,
    _K.CUSTOM_PASSWORD_ADDITION: _K.PASSWORD_ADDITION,
}
"""What nobody can add cannot live too long, nor have a text of somebody's own."""

_SECRETS = (_K.PASSWORD_ADDITION, _K.SYMMETRIC_KEY_ADDITION)
_SECRET_LIFETIMES = (_K.PASSWORD_LIFETIME, _K.SYMMETRIC_KEY_LIFETIME)
_HELD_SECRETS = (CredentialKind.PASSWORD, CredentialKind.SYMMETRIC_KEY)
_HELD_CERTIFICATES = (CredentialKind.CERTIFICATE,)
_HALF_A_YEAR, _A_YEAR, _A_DAY = timedelta(days=180), timedelta(days=365), timedelta(days=1)

_SCUBA = "https://github.com/cisagov/ScubaGear/blob/main/PowerShell/ScubaGear/baselines/aad.md"
_CIS = "https://www.cisecurity.org/benchmark/microsoft_365"
_STANDARDS = "https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/tutorial-enforce-secret-standards"
_ZERO_TRUST = "https://learn.microsoft.com/en-us/entra/fundamentals/configure-security"
_NO_SECRETS = "https://learn.microsoft.com/en-us/entra/identity-platform/security-best-practices-for-app-registration"

_ATTACK = ("MITRE T1098.001", "NIST IA-5")

MICROSOFT = Profile(
    name="microsoft",
    title="Microsoft's recommended standards for application credentials",
    requirements=(
        Requirement(
            id="MS.1",
            title="New client secrets are blocked",
            severity=Severity.HIGH,
            kinds=_SECRETS,
            standards=("Microsoft ZT 21775", *_ATTACK),
            source=_STANDARDS,
        ),
        Requirement(
            id="MS.2",
            title="New client secrets have no text of the caller's own",
            kinds=(_K.CUSTOM_PASSWORD_ADDITION,),
            standards=("Microsoft ZT 21775",),
            source=_STANDARDS,
        ),
        Requirement(
            id="MS.3",
            title="New client secrets live 180 days at most",
            kinds=_SECRET_LIFETIMES,
            longest=_HALF_A_YEAR,
            or_blocked=True,
            standards=("Microsoft ZT 21775",),
            source=_STANDARDS,
        ),
        Requirement(
            id="MS.4",
            title="New certificates live 180 days at most",
            kinds=(_K.ASYMMETRIC_KEY_LIFETIME,),
            longest=_HALF_A_YEAR,
            standards=("Microsoft ZT 21775", "NIST SC-12"),
            source=_STANDARDS,
        ),
        Requirement(
            id="MS.5",
            title="No application holds a client secret",
            severity=Severity.HIGH,
            credentials=_HELD_SECRETS,
            standards=("Microsoft ZT 21772", "Maester MT.1057", *_ATTACK),
            source=_ZERO_TRUST,
        ),
        Requirement(
            id="MS.6",
            title="No certificate lives longer than 180 days",
            credentials=_HELD_CERTIFICATES,
            longest=_HALF_A_YEAR,
            standards=("Microsoft ZT 21773", "Maester MT.1198", "NIST SC-12"),
            source=_ZERO_TRUST,
        ),
    ),
)

CISA = Profile(
    name="cisa",
    title="CISA SCuBA: secure configuration baseline for Microsoft Entra ID",
    requirements=(
        Requirement(
            id="MS.AAD.5.5v1",
            title="Adding passwords to applications is blocked",
            severity=Severity.HIGH,
            kinds=_SECRETS,
            standards=("CISA MS.AAD.5.5v1", *_ATTACK),
            source=f"{_SCUBA}#msaad55v1",
        ),
        Requirement(
            id="MS.AAD.5.6v1",
            title="Passwords of applications live 180 days at most",
            kinds=_SECRET_LIFETIMES,
            credentials=_HELD_SECRETS,
            longest=_HALF_A_YEAR,
            accepts=_HALF_A_YEAR + _A_DAY,
            or_blocked=True,
            standards=("CISA MS.AAD.5.6v1",),
            source=f"{_SCUBA}#msaad56v1",
        ),
        Requirement(
            id="MS.AAD.5.7v1",
            title="Certificates of applications live 365 days at most",
            kinds=(_K.ASYMMETRIC_KEY_LIFETIME,),
            credentials=_HELD_CERTIFICATES,
            longest=_A_YEAR,
            accepts=_A_YEAR + _A_DAY,
            standards=("CISA MS.AAD.5.7v1", "NIST SC-12"),
            source=f"{_SCUBA}#msaad57v1",
        ),
    ),
)

CIS = Profile(
    name="cis",
    title="CIS Microsoft 365 Foundations Benchmark v7.0.0",
    requirements=(
        Requirement(
            id="5.1.5.3",
            title="Adding passwords to applications is blocked",
            severity=Severity.HIGH,
            kinds=_SECRETS,
            standards=("CIS M365 v7 5.1.5.3", *_ATTACK),
            source=_CIS,
        ),
        Requirement(
            id="5.1.5.4",
            title="Passwords of applications live 180 days at most",
            kinds=_SECRET_LIFETIMES,
            credentials=_HELD_SECRETS,
            longest=_HALF_A_YEAR,
            standards=("CIS M365 v7 5.1.5.4",),
            source=_CIS,
        ),
        Requirement(
            id="5.1.5.5",
            title="New passwords of applications are generated by the system",
            kinds=(_K.CUSTOM_PASSWORD_ADDITION,),
            standards=("CIS M365 v7 5.1.5.5",),
            source=_CIS,
        ),
        Requirement(
            id="5.1.5.6",
            title="Certificates of applications live 180 days at most",
            kinds=(_K.ASYMMETRIC_KEY_LIFETIME,),
            credentials=_HELD_CERTIFICATES,
            longest=_HALF_A_YEAR,
            standards=("CIS M365 v7 5.1.5.6", "NIST SC-12"),
            source=_CIS,
        ),
    ),
)

ZERO_SECRETS = Profile(
    name="zero-secrets",
    title="No client secrets: none can be made, none are left",
    requirements=(
        Requirement(
            id="ZERO.1",
            title="No client secret can be made",
            severity=Severity.CRITICAL,
            kinds=_SECRETS,
            standards=_ATTACK,
            source=_STANDARDS,
        ),
        Requirement(
            id="ZERO.2",
            title="No client secret is left",
            severity=Severity.HIGH,
            credentials=_HELD_SECRETS,
            standards=("MITRE T1552.001", *_ATTACK),
            source=_NO_SECRETS,
        ),
        Requirement(
            id="ZERO.3",
            title="Certificates, which replace secrets, live 180 days at most",
            kinds=(_K.ASYMMETRIC_KEY_LIFETIME,),
            credentials=_HELD_CERTIFICATES,
            longest=_HALF_A_YEAR,
            standards=("NIST SC-12",),
            source=_STANDARDS,
        ),
    ),
)

EXPIRED = Requirement(
    id="UNSECRET.1",
    title="No credential has expired: what nobody can use is removed",
    severity=Severity.LOW,
    credentials=tuple(CredentialKind),
    standards=("NIST IA-5",),
    source=_NO_SECRETS,
)
EDITABLE = Requirement(
    id="UNSECRET.2",
    title="The Entra admin center can edit the tenant default policy",
    severity=Severity.LOW,
    source="https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/configure-app-management-policies",
)
IN_TERM = Requirement(
    id="UNSECRET.3",
    title="No exemption outlives the day until which it was granted",
    source="https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/configure-app-management-policies",
)
HOUSEKEEPING = (EXPIRED, EDITABLE, IN_TERM)
"""What is looked at whatever the profile; each has a rule of its own."""

PROFILES = {profile.name: profile for profile in (MICROSOFT, CISA, CIS, ZERO_SECRETS)}
"""The profiles that come with this software, by name."""


def proposed_policy(profile: Profile) -> TenantDefault:
    """The tenant default that meets every requirement of `profile` about policies, by all readings of "at most"."""
    return TenantDefault(
        is_enabled=True,
        application_restrictions=_entries(profile, ObjectKind.APPLICATION),
        service_principal_restrictions=_entries(profile, ObjectKind.SERVICE_PRINCIPAL),
    )


def _entries(profile: Profile, section: ObjectKind) -> Restrictions:
    asked = {one.id: one for one in profile.requirements if section in one.sections}.values()
    return tuple(
        Restriction(kind=kind, max_lifetime=_shortest(asking) if kind in LIFETIME_KINDS else None)
        for kind in CREDENTIAL_KINDS
        if (asking := [one for one in asked if kind in one.kinds])
    )


def _shortest(asking: list[Requirement]) -> timedelta:
    return min(one.longest for one in asking if one.longest is not None)
