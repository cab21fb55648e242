// npm oidc-provider as a token endpoint for applications: JWTs signed with RS256, as many workers as are asked for.
// It keeps its clients in memory, and records nothing. The one argument is a JSON file, written by bench/tokens.py.
import cluster from 'node:cluster';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import Provider from 'oidc-provider';

const told = JSON.parse(readFileSync(process.argv[2], 'utf8'));

if (cluster.isPrimary) {
  for (let worker = 0; worker < told.workers; worker += 1) cluster.fork();
} else {
  const issuer = `https://localhost:${told.port}`;
  const provider = new Provider(issuer, {
    clients: told.clients,
    jwks: { keys: [told.key] },
    scopes: ['read'],
    clientAuthMethods: ['client_secret_post', 'private_key_jwt'],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'urn:bench',
        getResourceServerInfo: () => ({
          scope: 'read', audience: 'urn:bench', accessTokenFormat: 'jwt', accessTokenTTL: 3600,
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  });
  createServer({ cert: readFileSync(told.certificate), key: readFileSync(told.private_key) }, provider.callback())
    .listen(told.port, '127.0.0.1');
}
