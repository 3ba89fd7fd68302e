/** Requests to addresses that others chose, with servers of the test. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { createGuardedFetch, GuardedFetchError, isLoopbackUrl } from '../../src/lib/guarded-fetch.js';
import { makeCertificates } from '../helpers/certificates.js';

const certificates = makeCertificates(mkdtempSync(join(tmpdir(), 'latchkey-fetch-')), 'DNS:idp.example,DNS:localhost');
const ca = readFileSync(certificates.ca, 'utf8');
const tls = { cert: readFileSync(certificates.cert), key: readFileSync(certificates.key) };

let respond: RequestListener = (_request, response) => response.end();
let requests = 0;
const listener: RequestListener = (request, response) => {
  requests += 1;
  void respond(request, response);
};
async function listen(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => server.closeAllConnections());
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}
const httpPort = await listen(createHttpServer(listener));
const httpsPort = await listen(createServer(tls, listener));
const plain = `http://127.0.0.1:${httpPort}/x`;
const secure = `https://idp.example:${httpsPort}/x`;

const LIMITS = { timeoutMs: 10_000, maxBytes: 1000 };
const loopback = createGuardedFetch({ ...LIMITS, allowLoopback: true });
const addresses = (...list: string[]) => ({ resolve: async () => list.map((address) => ({ address, family: 4 })) });

t.test('sends method, headers and body, and returns status, headers and body', async (t) => {
  respond = async (request, response) => {
    const chunks: Buffer[] = await request.toArray();
    response.writeHead(418, { 'content-type': 'text/plain', 'set-cookie': ['a=1', 'b=2'] });
    response.end(`${request.method} ${String(request.headers['x-a'])} ${Buffer.concat(chunks).toString()}`);
  };
  const response = await loopback(plain, { method: 'POST', headers: { 'x-a': '1' }, body: 'é=1' });
  t.equal(response.status, 418);
  t.equal(response.headers.get('content-type'), 'text/plain');
  t.same(response.headers.getSetCookie(), ['a=1', 'b=2']);
  t.equal(await response.text(), 'POST 1 é=1');
});

t.test('returns an answer without a body', async (t) => {
  respond = (_request, response) => response.writeHead(204).end();
  const response = await loopback(plain);
  t.same([response.status, response.body], [204, null]);
});

t.test('follows no redirect', async (t) => {
  respond = (_request, response) => response.writeHead(302, { location: '/y' }).end();
  const before = requests;
  const response = await loopback(plain);
  t.same([response.status, response.headers.get('location')], [302, '/y']);
  t.equal(requests - before, 1);
});

t.test('connects to the address that it checked', async (t) => {
  respond = (request, response) => response.end(request.headers.host);
  let lookups = 0;
  const resolve = async () => {
    lookups += 1;
    return [{ address: lookups === 1 ? '127.0.0.1' : '192.0.2.1', family: 4 }];
  };
  const fetch = createGuardedFetch({ ...LIMITS, ca, resolve, isAllowed: (address) => address === '127.0.0.1' });
  t.equal(await (await fetch(secure)).text(), `idp.example:${httpsPort}`);
  t.equal(lookups, 1);
});

t.test('sends nothing to addresses that are not permitted', async (t) => {
  const before = requests;
  const port = httpsPort;
  const own = createGuardedFetch({ ...LIMITS, ca });
  for (const host of [
    '127.0.0.1',
    '[::1]',
    '169.254.169.254',
    '[::ffff:127.0.0.1]',
    '2130706433',
    '0x7f.1',
    '10.0.0.1',
  ])
    await t.rejects(own(`https://${host}:${port}/`), /public/, host);
  for (const list of [['127.0.0.1'], ['93.184.216.34', '10.0.0.1'], []])
    await t.rejects(createGuardedFetch({ ...LIMITS, ca, ...addresses(...list) })(secure), /public/, list.join());
  const local = createGuardedFetch({ ...LIMITS, ca, allowLoopback: true, ...addresses('10.0.0.1') });
  await t.rejects(local(secure), /public/, 'loopback includes no other private address');
  t.equal(requests, before);
});

t.test('permits private addresses and local names if asked to', async (t) => {
  respond = (_request, response) => response.end('ok');
  const fetch = createGuardedFetch({ ...LIMITS, ca, allowPrivate: true, ...addresses('127.0.0.1') });
  t.equal(await (await fetch(secure)).text(), 'ok');
  const own = createGuardedFetch({ ...LIMITS, ca, allowPrivate: true });
  t.equal(await (await own(`https://localhost:${httpsPort}/`)).text(), 'ok');
  const tlsOnLoopback = createGuardedFetch({ ...LIMITS, ca, allowLoopback: true });
  t.equal(await (await tlsOnLoopback(`https://localhost:${httpsPort}/`)).text(), 'ok');
});

t.test('requires https, but for loopback hosts if they are permitted', async (t) => {
  const before = requests;
  await t.rejects(createGuardedFetch({ ...LIMITS, allowPrivate: true })(plain), /not https/);
  const fetch = createGuardedFetch({ ...LIMITS, allowLoopback: true, ...addresses('127.0.0.1') });
  for (const url of [`http://idp.example:${httpPort}/`, 'ftp://127.0.0.1/', 'file:///etc/passwd', 'data:,x'])
    await t.rejects(fetch(url), /not https/, url);
  t.equal(requests, before);
});

t.test('rejects a certificate of an unknown authority', async (t) => {
  const before = requests;
  const fetch = createGuardedFetch({ ...LIMITS, allowLoopback: true, ...addresses('127.0.0.1') });
  await t.rejects(fetch(secure), /The connection failed \(\w+\)/);
  t.equal(requests, before);
});

t.test('gives up on an answer that is too long', async (t) => {
  respond = (_request, response) => response.end('x'.repeat(1001));
  await t.rejects(loopback(plain), /exceeds 1000 bytes/);
  respond = (_request, response) => {
    const more = () => void (response.destroyed || response.write('x'.repeat(100), () => setImmediate(more)));
    more();
  };
  await t.rejects(loopback(plain), /exceeds 1000 bytes/, 'without an end');
});

t.test('gives up at the deadline, whatever it waits for', async (t) => {
  const fetch = createGuardedFetch({ ...LIMITS, timeoutMs: 50, allowLoopback: true });
  respond = () => undefined;
  await t.rejects(fetch(plain), /no answer in 50 ms/, 'no headers');
  respond = (_request, response) => void response.writeHead(200).write('x');
  await t.rejects(fetch(plain), /no answer in 50 ms/, 'no end');
  const hanging = createGuardedFetch({ ...LIMITS, timeoutMs: 50, resolve: () => new Promise(() => undefined) });
  await t.rejects(hanging(secure), /no answer in 50 ms/, 'no DNS');
});

t.test('ends when its signal aborts', async (t) => {
  const controller = new AbortController();
  respond = () => controller.abort();
  await t.rejects(loopback(plain, { signal: controller.signal }), GuardedFetchError);
});

t.test('rejects a refused connection, a cut answer and one that is no HTTP', async (t) => {
  const closed = createHttpServer();
  await once(closed.listen(0, '127.0.0.1'), 'listening');
  const { port } = closed.address() as AddressInfo;
  closed.close();
  await t.rejects(loopback(`http://127.0.0.1:${port}/`), /ECONNREFUSED/);
  respond = (_request, response) =>
    void response.writeHead(200, { 'content-length': 10 }).write('x', () => response.destroy());
  await t.rejects(loopback(plain), /The connection failed/);
  respond = (_request, response) => void response.socket!.end('HTTP/1.1 999 x\r\ncontent-length: 0\r\n\r\n');
  await t.rejects(loopback(plain), /malformed/);
  respond = (_request, response) =>
    void response.socket!.end('HTTP/1.1 101 x\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n');
  await t.rejects(loopback(plain), /malformed/, 'a protocol that nobody asked for');
  respond = (_request, response) => void response.socket!.end('SSH-2.0-x\r\n');
  await t.rejects(loopback(plain), /The connection failed \(HPE_/);
});

t.test('knows loopback URLs', async (t) => {
  for (const url of [
    'http://localhost',
    'http://127.0.0.1:1',
    'https://127.1.2.3/x',
    'http://[::1]/',
    'http://2130706433',
  ])
    t.equal(isLoopbackUrl(url), true, url);
  for (const url of ['http://localhost.example', 'http://127.0.0.1.example', 'http://10.0.0.1', 'http://0.0.0.0'])
    t.equal(isLoopbackUrl(url), false, url);
});
