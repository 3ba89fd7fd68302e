/** Client ID metadata documents, from an https server of the test. */
import { mkdtempSync, readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { createScopeCatalogue } from '../../../src/authz/scopes.js';
import { createAudit } from '../../../src/audit/audit.js';
import { createClientGrants } from '../../../src/oauth/clients/grants.js';
import { createClientRepository } from '../../../src/oauth/clients/repository.js';
import { createResolveClient, isDocumentUrl } from '../../../src/oauth/registration/documents.js';
import { createFetchDocument } from '../../../src/oauth/registration/fetch-document.js';
import { startTestApp } from '../../helpers/app.js';
import { auditOf } from '../../helpers/audit-trail.js';
import { makeCertificates } from '../../helpers/certificates.js';
import { noEvents } from '../../helpers/events.js';
import { seedClient } from '../../helpers/oauth.js';
import { seedGrant } from '../../helpers/oauth-grants.js';

const { db, clock, ...app } = await startTestApp(t);
const certificates = makeCertificates(mkdtempSync(join(tmpdir(), 'latchkey-documents-')), 'DNS:client.example');
let respond: RequestListener = () => undefined;
let requests = 0;
const server = createServer(
  { cert: readFileSync(certificates.cert), key: readFileSync(certificates.key) },
  (request, response) => {
    requests += 1;
    void respond(request, response);
  },
);
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
t.teardown(() => server.close());
const origin = `https://client.example:${(server.address() as AddressInfo).port}`;
const ca = readFileSync(certificates.ca, 'utf8');
const LOCAL = { ca, isAllowed: () => true, resolve: async () => [{ address: '127.0.0.1', family: 4 }] };
const fetchDocument = createFetchDocument(LOCAL);

const scopes = createScopeCatalogue();
const audit = createAudit({ db, clock, events: noEvents, retentionMs: 1 });
const warnings: unknown[] = [];
const log = { warn: (fields: object) => void warnings.push(fields) };
const grants = createClientGrants({ clock, audit });
const resolver = (fetch: typeof fetchDocument | undefined = fetchDocument) =>
  createResolveClient({ db, clock, audit, scopes, grants, fetchDocument: fetch, log });
const resolveClient = resolver();

let documents = 0;
/** A new URL, and its document. */
function publish(changes: object = {}, type = 'application/json') {
  documents += 1;
  const url = `${origin}/client-${documents}.json`;
  const body: Record<string, unknown> = {
    client_id: url,
    client_name: 'Notes',
    redirect_uris: ['http://127.0.0.1/cb'],
  };
  Object.assign(body, changes);
  respond = (_request, response) => response.writeHead(200, { 'content-type': type }).end(JSON.stringify(body));
  return { url, body };
}
const stored = (id: string) => createClientRepository(db.executor).find(id);

t.test('fetches a document, and stores a public client', async (t) => {
  const { url } = publish({ scope: 'openid read:content admin', grant_types: ['authorization_code', 'refresh_token'] });
  const before = requests;
  const client = await resolveClient(url);
  t.match(client, {
    id: url,
    name: 'Notes',
    type: 'PUBLIC',
    authMethod: 'NONE',
    redirectUris: ['http://127.0.0.1/cb'],
    scopes: ['openid', 'read:content'],
    requirePkce: true,
    firstParty: false,
    source: 'METADATA_DOCUMENT',
  });
  t.same(await stored(url), client);
  t.match((await auditOf(db, null))[0], { type: 'oauth_client.registered', detail: url });
  await resolveClient(url);
  t.equal(requests - before, 1, 'a stored document is not fetched again');
});

t.test('fetches a document once for parallel requests', async (t) => {
  const { url } = publish();
  const before = requests;
  const found = await Promise.all([1, 2, 3, 4, 5].map(() => resolveClient(url)));
  t.ok(found.every((client) => client?.id === url));
  t.equal(requests - before, 1);
});

t.test('stores a document once if two instances fetch it at the same time', async (t) => {
  const { url } = publish();
  const [one, two] = await Promise.all([resolver()(url), resolver()(url)]);
  t.same(one, two);
  const registered = (await auditOf(db, null)).filter(({ detail }) => detail === url);
  t.equal(registered.length, 1);
});

t.test('fetches a document again after an hour, and narrows the grants of lost scopes', async (t) => {
  const { url, body } = publish({ scope: 'read:content read:profile' });
  await resolveClient(url);
  const user = await app.user();
  await seedGrant({ db, clock }, user.id, url);
  Object.assign(body, { scope: 'read:content', client_name: 'Notes 2' });
  clock.advance(3_599_000);
  t.equal((await resolveClient(url))?.name, 'Notes');
  clock.advance(1000);
  t.match(await resolveClient(url), { name: 'Notes 2', scopes: ['read:content'] });
  t.match((await auditOf(db, user.id))[0], { type: 'oauth_client.grants_narrowed' });
  t.match((await auditOf(db, null))[0], { type: 'oauth_client.updated', detail: `${url}: name scopes`, actorId: null });
  clock.advance(3_600_000);
  await resolveClient(url);
  t.not((await auditOf(db, null))[0]?.createdAt.getTime(), clock.now(), 'an unchanged document is not audited');
});

t.test('uses the stored client while its document cannot be fetched', async (t) => {
  const { url } = publish();
  await resolveClient(url);
  clock.advance(3_600_000);
  respond = (_request, response) => response.writeHead(500).end();
  t.equal((await resolveClient(url))?.id, url);
  const before = requests;
  t.equal((await resolveClient(url))?.id, url);
  t.equal(requests, before, 'the failure is remembered');
});

t.test('does not fetch the document of a disabled client', async (t) => {
  const { url } = publish();
  await seedClient({ db, clock }, { id: url, source: 'METADATA_DOCUMENT', disabledAt: new Date(clock.now()) });
  clock.advance(7_200_000);
  const before = requests;
  t.ok((await resolveClient(url))?.disabledAt);
  t.equal(requests, before);
});

t.test('refuses documents that are not valid', async (t) => {
  for (const [what, changes, type] of [
    ['of another URL', { client_id: `${origin}/other.json` }],
    ['without an id', { client_id: undefined }],
    ['with a secret', { token_endpoint_auth_method: 'client_secret_post' }],
    ['without redirect URIs', { redirect_uris: [] }],
    ['with a bad redirect URI', { redirect_uris: ['javascript:alert(1)'] }],
    ['of more than 5 KB', { client_name: 'x', padding: 'x'.repeat(5200) }],
    ['of another type', {}, 'text/html'],
  ] as const) {
    const { url } = publish(changes, type);
    t.equal(await resolveClient(url), undefined, what);
    t.equal(await stored(url), undefined);
  }
  const { url } = publish();
  for (const answer of [
    (response: Parameters<RequestListener>[1]) => response.writeHead(302, { location: publish().url }).end(),
    (response: Parameters<RequestListener>[1]) => response.writeHead(404).end(),
    (response: Parameters<RequestListener>[1]) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end('{'),
    (response: Parameters<RequestListener>[1]) => response.destroy(),
  ]) {
    respond = (_request, response) => void answer(response);
    clock.advance(60_000);
    t.equal(await resolveClient(url), undefined);
  }
  t.equal(warnings.length > 10, true, 'each is logged');
});

t.test('gives up on a host that does not answer', async (t) => {
  respond = () => undefined;
  const fetch = createFetchDocument({ ...LOCAL, timeoutMs: 50 });
  t.equal(await resolver(fetch)(`${origin}/slow.json`), undefined);
});

t.test('sends no request to addresses that are not public', async (t) => {
  const { url } = publish();
  const before = requests;
  const fetch = (...addresses: string[]) =>
    createFetchDocument({ ca, resolve: async () => addresses.map((address) => ({ address, family: 4 })) })(url);
  await t.rejects(fetch('127.0.0.1'), /public/);
  await t.rejects(fetch('93.184.216.34', '10.0.0.1'), /public/, 'one private address is enough');
  await t.rejects(fetch(), /public/);
  const own = createFetchDocument({ ca });
  for (const host of ['127.0.0.1', '[::1]', '169.254.169.254', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1'])
    await t.rejects(own(`https://${host}:${new URL(origin).port}/c`), /public/, host);
  t.equal(requests, before);
});

t.test('does not fetch if metadata documents are off', async (t) => {
  const { url } = publish();
  const before = requests;
  const off = createResolveClient({ db, clock, audit, scopes, grants, fetchDocument: undefined, log });
  t.equal(await off(url), undefined);
  t.equal(requests, before);
});

t.test('finds other clients by their id', async (t) => {
  const { client } = await seedClient({ db, clock });
  t.equal((await resolveClient(client.id))?.id, client.id);
  for (const id of ['', 'x', '\0', '\ud800', 'x'.repeat(5000)]) t.equal(await resolveClient(id), undefined);
});

t.test('takes only canonical https URLs with a path for documents', async (t) => {
  t.equal(isDocumentUrl('https://client.example/c.json'), true);
  for (const id of [
    'https://client.example',
    'https://client.example/',
    'http://client.example/c',
    'https://client.example/c#a',
    'https://client.example/c#',
    'https://u@client.example/c',
    'https://client.example/a/../c',
    'https://CLIENT.example/c',
    'https://client.example:443/c',
  ])
    t.equal(isDocumentUrl(id), false, id);
});
