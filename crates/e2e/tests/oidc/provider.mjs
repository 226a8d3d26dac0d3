// An identity provider for tests: everybody may log in, as whom they say. Of `ann+2` people see `ann`.
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const server = createServer();
await new Promise((listens) => server.listen(0, '127.0.0.1', listens));
const issuer = `http://127.0.0.1:${server.address().port}`;
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'dytt',
      client_secret: process.env.CLIENT_SECRET,
      // Of these the port does not count (RFC 8252, 7.3).
      application_type: 'native',
      redirect_uris: ['http://127.0.0.1/api/v1/sessions/oidc/callback'],
      token_endpoint_auth_method: 'client_secret_basic',
    },
  ],
  claims: { openid: ['sub'], profile: ['preferred_username', 'name'] },
  findAccount: (_ctx, sub) => ({
    accountId: sub,
    claims: () => ({ sub, preferred_username: sub.split('+')[0], name: `The one ${sub}` }),
  }),
  pkce: { required: () => true },
});
server.on('request', provider.callback());
console.log(issuer);
