/** Apache with mod_auth_openidc protects a site with OpenID Connect. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { TestScope } from '../helpers/app.js';
import { startListeningApp, synchronise } from '../helpers/listening-app.js';
import { answerForms, oauthBrowser } from '../helpers/oauth-browser.js';
import { seedClient } from '../helpers/oauth.js';
import { until } from '../helpers/instances.js';
import { freePort } from '../helpers/services.js';

const MODULES = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'dir', 'auth_openidc'];

/** Starts Apache in a directory of its own. */
async function startApache(scope: TestScope, settings: string, port: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-apache-'));
  mkdirSync(join(directory, 'site'));
  writeFileSync(join(directory, 'site/index.html'), 'The protected site');
  const modules = MODULES.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`);
  writeFileSync(
    join(directory, 'apache.conf'),
    `${modules.join('\n')}
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
PidFile ${directory}/pid
ErrorLog ${directory}/error.log
DocumentRoot ${directory}/site
DirectoryIndex index.html
User www-data
Group www-data
${settings}
`,
  );
  // For the user that Apache runs as.
  chmodSync(directory, 0o755);
  const apache = spawn('/usr/sbin/apache2', ['-DFOREGROUND', '-f', join(directory, 'apache.conf')]);
  const exit = once(apache, 'exit');
  scope.teardown(async () => {
    apache.kill('SIGTERM');
    await exit;
    rmSync(directory, { recursive: true, force: true });
  });
  const ended = () => apache.exitCode !== null;
  const answers = () => fetch(`http://127.0.0.1:${port}/`, { redirect: 'manual' }).then(() => true, ended);
  await until(answers);
  if (ended()) throw new Error(`Apache ended: ${readFileSync(join(directory, 'error.log'), 'utf8')}`);
}

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: string;
}

/** A browser at the site. With node:http, because mod_auth_openidc redirects only what looks like one. */
function visitor(origin: string) {
  const jar = new Map<string, string>();
  return (path: string): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
      const sent = request(new URL(path, origin), { headers: { accept: 'text/html', cookie } }, (response) => {
        for (const each of response.headers['set-cookie'] ?? []) {
          const [, name, value] = /^([^=]+)=([^;]*)/.exec(each)!;
          jar.set(name!, value!);
        }
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => resolve({ status: response.statusCode!, location: response.headers.location, body }));
      });
      sent.on('error', reject).end();
    });
}

/** A site behind mod_auth_openidc, and a person. */
async function setUp(t: TestScope) {
  const app = await startListeningApp(t);
  const user = await app.user();
  const port = await freePort();
  const site = `http://127.0.0.1:${port}`;
  synchronise(app);
  const { client, secret } = await seedClient(app, {
    redirectUris: [`${site}/callback`],
    postLogoutRedirectUris: [`${site}/`],
    backchannelLogoutUri: `${site}/callback?logout=backchannel`,
  });
  await startApache(
    t,
    `OIDCProviderMetadataURL ${app.url}/.well-known/openid-configuration
OIDCClientID ${client.id}
OIDCClientSecret ${secret}
OIDCRedirectURI ${site}/callback
OIDCCryptoPassphrase a-passphrase-of-the-test
OIDCScope "openid email profile"
OIDCPKCEMethod S256
OIDCRemoteUserClaim email
OIDCInfoHook access_token refresh_token
<Location />
AuthType openid-connect
Require valid-user
</Location>`,
    port,
  );
  const open = visitor(site);
  const browser = oauthBrowser(app.server, app.url);
  /** Opens the site, signs in at the provider, and returns to the site. */
  const signIn = async () => {
    const first = await open('/');
    await browser.open(first.location!);
    const { left } = await answerForms(browser, user);
    return { first, back: await open(left!.href) };
  };
  /** The tokens that the site holds. */
  const tokens = async () => JSON.parse((await open('/callback?info=json')).body) as Record<string, string>;
  const userinfo = async (token: string) =>
    (await fetch(`${app.url}/oauth/userinfo`, { headers: { authorization: `Bearer ${token}` } })).status;
  return { app, user, site, open, browser, signIn, tokens, userinfo };
}

t.test('signs a person in, refreshes and logs out at a site behind mod_auth_openidc', async (t) => {
  const { site, open, browser, signIn, tokens, userinfo } = await setUp(t);
  const { first, back } = await signIn();
  t.equal(first.status, 302);
  t.match(back, { status: 302, location: `${site}/` });
  t.match(await open('/'), { status: 200, body: 'The protected site' });

  const before = await tokens();
  t.equal(await userinfo(before['access_token']!), 200);
  const hook = new URLSearchParams({ refresh: `${site}/`, access_token: before['access_token']! });
  t.match(await open(`/callback?${hook.toString()}`), { status: 302, location: `${site}/` });
  const after = await tokens();
  t.not(after['access_token'], before['access_token']);
  t.not(after['refresh_token'], before['refresh_token']);
  t.equal(await userinfo(after['access_token']!), 200);

  const logout = await open(`/callback?${new URLSearchParams({ logout: `${site}/` }).toString()}`);
  t.equal(await userinfo(after['access_token']!), 401, 'the site revoked its tokens');
  const { left } = await browser.open(logout.location!);
  t.equal(left?.href, `${site}/`, 'signed out at the provider without a question');
  const next = await open('/');
  t.equal(next.status, 302, 'signed out at the site');
  t.match(await browser.open(next.location!), { body: /name="password"/ }, 'signed out at the provider');
});

t.test('ends the session of a site behind mod_auth_openidc by a logout token', async (t) => {
  const { app, user, open, signIn } = await setUp(t);
  await signIn();
  t.equal((await open('/')).status, 200);
  await user.client.send('mutation { revokeOtherSessions }');
  t.equal((await open('/')).status, 200, 'not told yet');
  await app.runJob('send logout tokens');
  t.equal((await open('/')).status, 302);
});
