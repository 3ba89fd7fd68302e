/** Apache with mod_auth_openidc protects a site with OpenID Connect. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { startListeningApp, synchronise } from '../helpers/listening-app.js';
import { authorize } from '../helpers/oauth-browser.js';
import { seedClient } from '../helpers/oauth.js';
import { until } from '../helpers/instances.js';
import { freePort } from '../helpers/services.js';

const MODULES = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'dir', 'auth_openidc'];

/** Starts Apache in a directory of its own. */
async function startApache(scope: Pick<typeof t, 'teardown'>, settings: string, port: number): Promise<void> {
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

t.test('signs a person in at a site behind mod_auth_openidc', async (t) => {
  const app = await startListeningApp(t);
  const user = await app.user();
  const port = await freePort();
  const site = `http://127.0.0.1:${port}`;
  synchronise(app);
  const { client, secret } = await seedClient(app, { redirectUris: [`${site}/callback`] });
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
<Location />
AuthType openid-connect
Require valid-user
</Location>`,
    port,
  );
  const open = visitor(site);
  const first = await open('/');
  t.equal(first.status, 302);
  const returned = await authorize(app, first.location!, user);
  const back = await open(returned.href);
  t.match(back, { status: 302, location: `${site}/` });
  t.match(await open('/'), { status: 200, body: 'The protected site' });
});
