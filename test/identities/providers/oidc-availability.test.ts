/** OpenID providers that are down, slow, or change their keys. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { runStep } from '../../../src/identities/providers/failure.js';
import { createRenewed } from '../../../src/identities/providers/renewed.js';
import type { TestScope } from '../../helpers/app.js';
import { testClock } from '../../helpers/clock.js';
import {
  CALLBACK,
  json,
  oidcProviderOf,
  providerOf,
  startFakeIssuer,
  type FakeIssuer,
} from '../../helpers/fake-issuer.js';
import { errorOf, failureOf } from '../../helpers/plex-provider.js';

const DISCOVERY = '/.well-known/openid-configuration';
const HOUR = 3_600_000;
const requestsOf = ({ requests }: FakeIssuer, path: string) =>
  requests.filter((request) => request.path === path).length;

/** Moves the time of the process, by which openid-client judges keys and tokens. */
function moveTime(t: TestScope, ms: number): void {
  const { now } = Date;
  Date.now = () => now() + ms;
  t.teardown(() => {
    Date.now = now;
  });
}

t.test('requests nothing before the first sign-in, and discovers once for concurrent ones', async (t) => {
  const issuer = await startFakeIssuer(t);
  const provider = oidcProviderOf(issuer);
  t.equal(issuer.requests.length, 0);
  const started = await Promise.all([1, 2, 3, 4, 5].map(() => provider.start(CALLBACK, 's')));
  t.equal(new Set(started.map(({ url }) => url)).size, 5);
  t.equal(requestsOf(issuer, DISCOVERY), 1);
  await Promise.all([1, 2, 3].map(() => issuer.signIn(provider)));
  t.equal(requestsOf(issuer, DISCOVERY), 1);
});

t.test('renews the discovery document after an hour, and keeps the old one if that fails', async (t) => {
  const issuer = await startFakeIssuer(t);
  const clock = testClock();
  const provider = oidcProviderOf(issuer, {}, { clock });
  const endpoint = async () => new URL((await provider.start(CALLBACK, 's')).url).pathname;
  t.equal(await endpoint(), '/authorize');
  issuer.metadata['authorization_endpoint'] = `${issuer.url}/moved`;
  clock.advance(HOUR - 1);
  t.equal(await endpoint(), '/authorize');
  clock.advance(1);
  t.equal(await endpoint(), '/moved');
  issuer.metadata['issuer'] = 'https://evil.test';
  clock.advance(HOUR);
  t.equal(await endpoint(), '/moved');
  t.equal(requestsOf(issuer, DISCOVERY), 3);
});

t.test('does not ask a provider that is down for five seconds, and then again', async (t) => {
  const issuer = await startFakeIssuer(t);
  const clock = testClock();
  const provider = oidcProviderOf(issuer, {}, { clock });
  const healthy = issuer.answers.get(DISCOVERY)!;
  issuer.answers.set(DISCOVERY, json({}, 503));
  t.equal(await failureOf(provider.start(CALLBACK, 's')), 'failed');
  issuer.answers.set(DISCOVERY, healthy);
  clock.advance(4999);
  t.equal(await failureOf(provider.start(CALLBACK, 's')), 'failed');
  t.equal(requestsOf(issuer, DISCOVERY), 1);
  clock.advance(1);
  await provider.start(CALLBACK, 's');
});

t.test('fails if a connection is refused', async (t) => {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  server.close();
  await once(server, 'close');
  const provider = providerOf({ kind: 'oidc', name: 'IdP', issuer, clientId: 'c', clientSecret: 's' });
  t.match(await errorOf(provider.start(CALLBACK, 's')), { failure: 'failed', message: /ECONNREFUSED/ });
});

t.test('fails at the deadline, whichever answer does not come', async (t) => {
  const network = { timeoutMs: 500 };
  for (const [path, answer] of [
    [DISCOVERY, () => undefined],
    ['/token', () => undefined],
    ['/keys', (response) => response.writeHead(200, { 'content-type': 'application/json' }).write('{')],
    ['/userinfo', () => undefined],
  ] as readonly (readonly [string, ReturnType<typeof json>])[]) {
    const issuer = await startFakeIssuer(t);
    issuer.claims['email'] = undefined;
    issuer.answers.set(path, answer);
    const failure = await errorOf(issuer.signIn(oidcProviderOf(issuer, {}, { network })));
    t.match(failure, { failure: 'failed', message: /500 ms/ }, path);
  }
});

t.test('bounds a whole step, whatever it waits for', async (t) => {
  const step = runStep(20, () => new Promise(() => undefined));
  t.match(await errorOf(step), { failure: 'failed', message: 'The provider took more than 20 ms.' });
});

t.test('verifies with the new key after the provider rotated its keys', async (t) => {
  const issuer = await startFakeIssuer(t);
  const provider = oidcProviderOf(issuer);
  await issuer.signIn(provider);
  await issuer.signIn(provider);
  t.equal(requestsOf(issuer, '/keys'), 1, 'keys are kept');
  await issuer.rotate();
  t.equal(await failureOf(issuer.signIn(provider)), 'failed', 'unknown keys cause no request within a minute');
  t.equal(requestsOf(issuer, '/keys'), 1);
  moveTime(t, 60_000);
  t.match(await issuer.signIn(provider), { subject: 'ada-1' });
  t.equal(requestsOf(issuer, '/keys'), 2);
});

t.test('stops accepting a withdrawn key after five minutes', async (t) => {
  const issuer = await startFakeIssuer(t);
  const provider = oidcProviderOf(issuer);
  const { idToken } = issuer;
  await issuer.signIn(provider);
  let old: Parameters<typeof idToken>[1] | undefined;
  issuer.idToken = (claims, key) => idToken(claims, (old ??= key));
  await issuer.signIn(provider);
  await issuer.rotate();
  moveTime(t, 300_000);
  t.equal(await failureOf(issuer.signIn(provider)), 'failed');
});

t.test('refuses key sets that are none', async (t) => {
  const issuer = await startFakeIssuer(t);
  for (const answer of [json({}, 500), json({ keys: {} }), json('<html>', 200, 'text/html'), json({ keys: [] })]) {
    issuer.answers.set('/keys', answer);
    t.equal(await failureOf(issuer.signIn(oidcProviderOf(issuer))), 'failed');
  }
});

t.test('shares a load that fails, and reports its error to all', async (t) => {
  let loads = 0;
  const get = createRenewed(testClock(), async () => {
    loads += 1;
    throw new Error('down');
  });
  const outcomes = await Promise.allSettled([get(), get(), get()]);
  t.same(
    outcomes.map((outcome) => outcome.status === 'rejected' && (outcome.reason as Error).message),
    ['down', 'down', 'down'],
  );
  t.equal(loads, 1);
});
