"""Microsoft's page of every operation that the tenant serves, below https://learn.microsoft.com/en-us/graph/api/."""

from __future__ import annotations

_CONFIGURATIONS = "/directory/certificateAuthorities/certificateBasedApplicationConfigurations"
_AUTHORITIES = f"{_CONFIGURATIONS}/{{key}}/trustedCertificateAuthorities"
_DEFINITIONS = "/directory/customSecurityAttributeDefinitions"
_BOTH = {"applications": "application", "servicePrincipals": "serviceprincipal"}

PAGES: dict[str, str] = {
    **{
        f"{method} /{collection}{path}": f"{page}-{action}"
        for collection, page in _BOTH.items()
        for method, path, action in (
            ("GET", "", "list"),
            ("GET", "/$count", "list"),
            ("GET", "/delta", "delta"),
            ("GET", "/{key}", "get"),
            ("GET", "/{key}/{property}", "get"),
            ("PATCH", "/{key}", "update"),
            ("DELETE", "/{key}", "delete"),
            ("POST", "/{key}/addPassword", "addpassword"),
            ("POST", "/{key}/removePassword", "removepassword"),
            ("POST", "/{key}/addKey", "addkey"),
            ("POST", "/{key}/removeKey", "removekey"),
            ("GET", "/{key}/owners", "list-owners"),
            ("GET", "/{key}/owners/$count", "list-owners"),
            ("GET", "/{key}/owners/$ref", "list-owners"),
            ("GET", "/{key}/owners/{owner}/$ref", "list-owners"),
            ("GET", "/{key}/owners/{kind}", "list-owners"),
            ("POST", "/{key}/owners/$ref", "post-owners"),
            ("DELETE", "/{key}/owners/{owner}/$ref", "delete-owners"),
        )
    },
    **{
        f"{method} /{collection}/{{key}}{path}": page
        for collection in _BOTH
        for method, path, page in (
            ("GET", "/appManagementPolicies", "appmanagementpolicy-list-appliesto"),
            ("GET", "/appManagementPolicies/$ref", "appmanagementpolicy-list-appliesto"),
            ("POST", "/appManagementPolicies/$ref", "appmanagementpolicy-post-appliesto"),
            ("DELETE", "/appManagementPolicies/{policy}/$ref", "appmanagementpolicy-delete-appliesto"),
            ("GET", "/federatedIdentityCredentials", "application-list-federatedidentitycredentials"),
        )
    },
    "PATCH /applications/{key}/authenticationBehaviors": "application-update",
    "POST /applications": "application-post-applications",
    "POST /applications/{key}/federatedIdentityCredentials": "application-post-federatedidentitycredentials",
    "GET /applications/{key}/federatedIdentityCredentials/{credential}": "federatedidentitycredential-get",
    "PATCH /applications/{key}/federatedIdentityCredentials/{credential}": "federatedidentitycredential-update",
    "DELETE /applications/{key}/federatedIdentityCredentials/{credential}": "federatedidentitycredential-delete",
    "POST /servicePrincipals": "serviceprincipal-post-serviceprincipals",
    "POST /servicePrincipals/{key}/addTokenSigningCertificate": "serviceprincipal-addtokensigningcertificate",
    "GET /servicePrincipals/{key}/ownedObjects": "serviceprincipal-list-ownedobjects",
    "GET /servicePrincipals/{key}/oauth2PermissionGrants": "serviceprincipal-list-oauth2permissiongrants",
    **{
        f"{method} /servicePrincipals/{{key}}/{name}{path}": f"serviceprincipal-{action}-{name.lower()}"
        for name in ("appRoleAssignments", "appRoleAssignedTo")
        for method, path, action in (
            ("GET", "", "list"),
            ("POST", "", "post"),
            ("GET", "/{assignment}", "list"),
            ("DELETE", "/{assignment}", "delete"),
        )
    },
    **{
        f"GET {root}/{name}{kind}": f"{page}-list-{name.lower()}"
        for root, page in (("/me", "user"), ("/users/{key}", "user"), ("/servicePrincipals/{key}", "serviceprincipal"))
        for name in ("memberOf", "transitiveMemberOf")
        for kind in ("", "/$count", "/{kind}")
    },
    **{
        f"POST {root}/{name}": f"directoryobject-{name.lower()}"
        for root in ("/me", "/users/{key}", "/servicePrincipals/{key}", "/directoryObjects/{key}")
        for name in ("getMemberGroups", "getMemberObjects", "checkMemberGroups", "checkMemberObjects")
    },
    "GET /oauth2PermissionGrants": "oauth2permissiongrant-list",
    "POST /oauth2PermissionGrants": "oauth2permissiongrant-post",
    "GET /oauth2PermissionGrants/delta": "oauth2permissiongrant-delta",
    "GET /oauth2PermissionGrants/{key}": "oauth2permissiongrant-get",
    "PATCH /oauth2PermissionGrants/{key}": "oauth2permissiongrant-update",
    "DELETE /oauth2PermissionGrants/{key}": "oauth2permissiongrant-delete",
    "GET /me": "user-get",
    "GET /me/ownedObjects": "user-list-ownedobjects",
    "GET /me/oauth2PermissionGrants": "user-list-oauth2permissiongrants",
    "GET /users": "user-list",
    "GET /users/$count": "user-list",
    "GET /users/delta": "user-delta",
    "POST /users": "user-post-users",
    "GET /users/{key}": "user-get",
    "PATCH /users/{key}": "user-update",
    "DELETE /users/{key}": "user-delete",
    "GET /users/{key}/ownedObjects": "user-list-ownedobjects",
    "GET /users/{key}/appRoleAssignments/{assignment}": "user-list-approleassignments",
    "GET /users/{key}/oauth2PermissionGrants": "user-list-oauth2permissiongrants",
    "GET /users/{key}/appRoleAssignments": "user-list-approleassignments",
    "POST /users/{key}/appRoleAssignments": "user-post-approleassignments",
    "DELETE /users/{key}/appRoleAssignments/{assignment}": "user-delete-approleassignments",
    "GET /directoryRoles": "directoryrole-list",
    "GET /directoryRoles/{key}": "directoryrole-get",
    **{
        f"GET /directoryRoles/{{key}}/members{path}": "directoryrole-list-members"
        for path in ("", "/$count", "/$ref", "/{member}/$ref", "/{kind}")
    },
    "GET /servicePrincipals/{key}/ownedObjects/{kind}": "serviceprincipal-list-ownedobjects",
    "GET /users/{key}/ownedObjects/{kind}": "user-list-ownedobjects",
    "GET /me/ownedObjects/{kind}": "user-list-ownedobjects",
    "GET /me/appRoleAssignments": "user-list-approleassignments",
    "POST /directoryRoles/{key}/members/$ref": "directoryrole-post-members",
    "DELETE /directoryRoles/{key}/members/{member}/$ref": "directoryrole-delete-member",
    "GET /directoryRoleTemplates": "directoryroletemplate-list",
    "GET /directoryRoleTemplates/{key}": "directoryroletemplate-get",
    "GET /roleManagement/directory/roleDefinitions": "rbacapplication-list-roledefinitions",
    "GET /roleManagement/directory/roleDefinitions/{key}": "unifiedroledefinition-get",
    "GET /roleManagement/directory/roleAssignments": "rbacapplication-list-roleassignments",
    "POST /roleManagement/directory/roleAssignments": "rbacapplication-post-roleassignments",
    "GET /roleManagement/directory/roleAssignments/{key}": "unifiedroleassignment-get",
    "DELETE /roleManagement/directory/roleAssignments/{key}": "unifiedroleassignment-delete",
    "GET /policies/defaultAppManagementPolicy": "tenantappmanagementpolicy-get",
    "PATCH /policies/defaultAppManagementPolicy": "tenantappmanagementpolicy-update",
    "GET /policies/appManagementPolicies": "appmanagementpolicy-list",
    "POST /policies/appManagementPolicies": "appmanagementpolicy-post",
    "GET /policies/appManagementPolicies/{policy}": "appmanagementpolicy-get",
    "PATCH /policies/appManagementPolicies/{policy}": "appmanagementpolicy-update",
    "DELETE /policies/appManagementPolicies/{policy}": "appmanagementpolicy-delete",
    "GET /policies/appManagementPolicies/{policy}/appliesTo": "appmanagementpolicy-list-appliesto",
    **{
        f"GET /directory/deletedItems/microsoft.graph.{kind}{count}": "directory-deleteditems-list"
        for kind in ("application", "servicePrincipal", "user")
        for count in ("", "/$count")
    },
    **{
        f"GET /directory/deletedItems/microsoft.graph.{kind}{count}": "directory-deleteditems-list"
        for kind in ("group", "administrativeUnit")
        for count in ("", "/$count")
    },
    **{
        f"GET /directory/deletedItems/{{key}}{cast}": "directory-deleteditems-get"
        for cast in ("", *(f"/microsoft.graph.{kind}" for kind in ("application", "servicePrincipal", "user")))
    },
    "DELETE /directory/deletedItems/{key}": "directory-deleteditems-delete",
    "POST /directory/deletedItems/{key}/restore": "directory-deleteditems-restore",
    "GET /directory/attributeSets": "directory-list-attributesets",
    "POST /directory/attributeSets": "directory-post-attributesets",
    "GET /directory/attributeSets/{key}": "attributeset-get",
    "PATCH /directory/attributeSets/{key}": "attributeset-update",
    f"GET {_DEFINITIONS}": "directory-list-customsecurityattributedefinitions",
    f"POST {_DEFINITIONS}": "directory-post-customsecurityattributedefinitions",
    f"GET {_DEFINITIONS}/{{key}}": "customsecurityattributedefinition-get",
    f"PATCH {_DEFINITIONS}/{{key}}": "customsecurityattributedefinition-update",
    f"GET {_DEFINITIONS}/{{key}}/allowedValues": "customsecurityattributedefinition-list-allowedvalues",
    f"POST {_DEFINITIONS}/{{key}}/allowedValues": "customsecurityattributedefinition-post-allowedvalues",
    f"GET {_DEFINITIONS}/{{key}}/allowedValues/{{value}}": "allowedvalue-get",
    f"PATCH {_DEFINITIONS}/{{key}}/allowedValues/{{value}}": "allowedvalue-update",
    f"GET {_CONFIGURATIONS}": "certificateauthoritypath-list-certificatebasedapplicationconfigurations",
    f"POST {_CONFIGURATIONS}": "certificateauthoritypath-post-certificatebasedapplicationconfigurations",
    f"GET {_CONFIGURATIONS}/{{key}}": "certificatebasedapplicationconfiguration-get",
    f"PATCH {_CONFIGURATIONS}/{{key}}": "certificatebasedapplicationconfiguration-update",
    f"DELETE {_CONFIGURATIONS}/{{key}}": "certificateauthoritypath-delete-certificatebasedapplicationconfigurations",
    f"GET {_AUTHORITIES}": "certificatebasedapplicationconfiguration-list-trustedcertificateauthorities",
    f"POST {_AUTHORITIES}": "certificatebasedapplicationconfiguration-post-trustedcertificateauthorities",
    f"GET {_AUTHORITIES}/{{authority}}": "certificateauthorityasentity-get",
    f"PATCH {_AUTHORITIES}/{{authority}}": "certificateauthorityasentity-update",
    f"DELETE {_AUTHORITIES}/{{authority}}": "certificateauthorityasentity-delete",
    "GET /auditLogs/directoryAudits": "directoryaudit-list",
    "GET /auditLogs/directoryAudits/{key}": "directoryaudit-get",
    "GET /auditLogs/signIns": "signin-list",
    "GET /auditLogs/signIns/{key}": "signin-get",
    "GET /reports/appCredentialSignInActivities": "reportroot-list-appcredentialsigninactivities",
    "GET /reports/appCredentialSignInActivities/{key}": "appcredentialsigninactivity-get",
    "GET /reports/servicePrincipalSignInActivities": "reportroot-list-serviceprincipalsigninactivities",
    "GET /reports/servicePrincipalSignInActivities/{key}": "serviceprincipalsigninactivity-get",
    "GET /organization": "organization-list",
    "GET /organization/{key}": "organization-get",
    "POST /directoryObjects/getByIds": "directoryobject-getbyids",
    "GET /directoryObjects/{key}": "directoryobject-get",
    "POST /$batch": "../json-batching",
}

_COUNTED = (
    "GET /applications/{key}/federatedIdentityCredentials",
    *(
        f"GET {root}/{name}"
        for root in ("/me", "/users/{key}", "/servicePrincipals/{key}")
        for name in ("appRoleAssignments", "oauth2PermissionGrants", "ownedObjects", "ownedObjects/{kind}")
    ),
    "GET /servicePrincipals/{key}/appRoleAssignedTo",
    f"GET {_DEFINITIONS}/{{key}}/allowedValues",
    f"GET {_AUTHORITIES}",
    "GET /oauth2PermissionGrants",
    "GET /directoryRoles",
    "GET /directoryRoleTemplates",
    "GET /roleManagement/directory/roleDefinitions",
    "GET /roleManagement/directory/roleAssignments",
    "GET /directory/attributeSets",
    f"GET {_DEFINITIONS}",
    f"GET {_CONFIGURATIONS}",
    "GET /policies/appManagementPolicies",
    "GET /policies/appManagementPolicies/{policy}/appliesTo",
)
PAGES |= {f"{listed}/$count": PAGES[listed] for listed in _COUNTED}
