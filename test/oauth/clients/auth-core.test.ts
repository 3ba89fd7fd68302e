/** Auth.js signs a person in, with the name and email address of the ID token. */
import t from 'tap';
import { Auth, type AuthConfig } from '@auth/core';
import { startListeningApp, synchronise } from '../../helpers/listening-app.js';
import { authorize } from '../../helpers/oauth-browser.js';
import { seedClient } from '../../helpers/oauth.js';
import { postForm, refreshForm, withSecret } from '../../helpers/oauth-requests.js';

const app = await startListeningApp(t);
const SITE = 'https://app.example.com';

/** A browser at the site that uses Auth.js. */
function visitor(config: AuthConfig) {
  const jar = new Map<string, string>();
  return async (path: string, form?: Record<string, string>): Promise<Response> => {
    const headers = { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') };
    const post = form && { method: 'POST', body: new URLSearchParams(form) };
    const response = await Auth(new Request(new URL(path, SITE), { headers, ...post }), config);
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)!;
      jar.set(name!, value!);
    }
    return response;
  };
}

t.test('signs in with PKCE, state and nonce, refreshes and revokes', async (t) => {
  const user = await app.user();
  synchronise(app);
  const seeded = await seedClient(app, { redirectUris: [`${SITE}/auth/callback/latchkey`] });
  let refreshToken = '';
  const send = visitor({
    basePath: '/auth',
    secret: 'a secret of the site that is long enough',
    trustHost: true,
    providers: [
      {
        id: 'latchkey',
        name: 'Latchkey',
        type: 'oidc',
        issuer: app.url,
        clientId: seeded.client.id,
        clientSecret: seeded.secret,
        checks: ['pkce', 'state', 'nonce'],
      },
    ],
    callbacks: {
      jwt({ token, account }) {
        if (account?.refresh_token) refreshToken = account.refresh_token;
        return token;
      },
    },
  });

  const { csrfToken } = (await (await send('/auth/csrf')).json()) as { csrfToken: string };
  const started = await send('/auth/signin/latchkey', { csrfToken });
  const returned = await authorize(app, started.headers.get('location')!, user);
  const signedIn = await send(returned.href);
  t.equal(signedIn.headers.get('location'), SITE);
  const session = (await (await send('/auth/session')).json()) as object;
  t.match(session, { user: { email: user.email } });

  const refreshed = await postForm(app, '/oauth/token', refreshForm(seeded, refreshToken));
  t.equal(refreshed.status, 200);
  const token = refreshed.body['refresh_token'] as string;
  t.equal((await postForm(app, '/oauth/revoke', { token, ...withSecret(seeded) })).status, 200);
  t.match(await postForm(app, '/oauth/token', refreshForm(seeded, token)), { body: { error: 'invalid_grant' } });
});
