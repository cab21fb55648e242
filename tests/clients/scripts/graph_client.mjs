// @azure/identity signs in, @microsoft/microsoft-graph-client calls: both unmodified. JSON lines in, JSON lines out.
// The packages are looked for in the folder that NODE_CLIENTS names.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { join } from "node:path";

const require = createRequire(join(process.env.NODE_CLIENTS, "package.json"));
const { ClientAssertionCredential, ClientCertificateCredential, ClientSecretCredential } = require("@azure/identity");
const { Client } = require("@microsoft/microsoft-graph-client");
const { TokenCredentialAuthenticationProvider } = require(
  "@microsoft/microsoft-graph-client/authProviders/azureTokenCredentials",
);

let graph;

const local = (authority) => ({ authorityHost: authority, disableInstanceDiscovery: true });

function credentialOf({ tenant_id, client_id, authority, secret, pem_file }) {
  if (pem_file !== undefined) {
    return new ClientCertificateCredential(tenant_id, client_id, { certificatePath: pem_file }, local(authority));
  }
  return new ClientSecretCredential(tenant_id, client_id, secret, local(authority));
}

const functions = {
  async token({ scope, ...who }) {
    return (await credentialOf(who).getToken(scope)).token;
  },
  async token_by_assertion({ tenant_id, client_id, authority, assertion, scope }) {
    const credential = new ClientAssertionCredential(tenant_id, client_id, async () => assertion, local(authority));
    return (await credential.getToken(scope)).token;
  },
  async sign_in({ origin, ...who }) {
    const scopes = [`${origin}/.default`];
    graph = Client.initWithMiddleware({
      authProvider: new TokenCredentialAuthenticationProvider(credentialOf(who), { scopes }),
      baseUrl: `${origin}/`,
      defaultVersion: "v1.0",
      customHosts: new Set([new URL(origin).hostname]),
    });
    return null;
  },
  async call({ method, path, body, version, headers }) {
    let request = graph.api(path).version(version ?? "v1.0");
    for (const [name, value] of Object.entries(headers ?? {})) request = request.header(name, value);
    return (await request[method](body)) ?? null;
  },
  async every_page({ path }) {
    const items = [];
    let next = path;
    while (next) {
      const page = await graph.api(next).get();
      items.push(...page.value);
      next = page["@odata.nextLink"];
    }
    return items;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { function: name, arguments: given } = JSON.parse(line);
  let answer;
  try {
    answer = { returned: await functions[name](given) };
  } catch (error) {
    const details = { status: error.statusCode ?? null, code: error.code ?? error.errorResponse?.error ?? null };
    answer = { raised: { kind: error.name, message: error.message, details } };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
