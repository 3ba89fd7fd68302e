import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import t from 'tap';
import { startGraphqlServer } from '../helpers/graphql-server.js';
import { listen } from '../helpers/server.js';
import { openSocket, refusedUpgrade } from '../helpers/websocket.js';

const { app } = await startGraphqlServer(t, { env: { HOST: '127.0.0.1' } });
const port = await listen(app);

const BODY = JSON.stringify({ query: '{ echo(text: "é") }' });
const request = (upgrade: string, body: string, headers = '') =>
  `POST /graphql HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nHost: a\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABk\r\n` +
  `Upgrade: ${upgrade}\r\nContent-Type: application/json\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`;

const openHere = new Set<Socket>();

async function open(): Promise<(...parts: string[]) => Promise<string>> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  openHere.add(socket);
  t.teardown(() => socket.destroy());
  /** Sends the parts of a request one after the other, and reads the answer. */
  return async (...parts) => {
    for (const part of parts) {
      socket.write(part);
      await new Promise((resolve) => setImmediate(resolve));
    }
    let text = '';
    while (!text.endsWith('}')) text += String((await once(socket, 'data'))[0]);
    return text;
  };
}

const ANSWER = /^HTTP\/1\.1 200 OK\r\n[^]*\{"data":\{"echo":"é"\}\}$/;

t.test('who would like another protocol is answered in this one, the body included', async (t) => {
  for (const parts of [
    [request('h2c', BODY) + BODY],
    [request('h2c', BODY), BODY.slice(0, 5), BODY.slice(5)],
    [request('TLS/1.0', BODY, 'X-Name: \u00e9\r\n') + BODY],
  ]) {
    const send = await open();
    t.match(await send(...parts), ANSWER);
  }
});

t.test('the connection goes on, whether the next requests ask again or not', async (t) => {
  const warnings: Error[] = [];
  const note = (warning: Error) => warnings.push(warning);
  process.on('warning', note);
  t.teardown(() => process.off('warning', note));
  const send = await open();
  for (let time = 0; time < 20; time += 1) t.match(await send(request('h2c', BODY) + BODY), ANSWER);
  const plain = request('h2c', BODY).replace(/^(Connection|Upgrade|HTTP2-Settings).*\r\n/gm, '');
  t.match(await send(plain + BODY), ANSWER);
  t.same(warnings, [], 'nothing gathers on it');
});

t.test('an upgrade that is sent ahead of an answer ends the connection, and nothing else', async (t) => {
  const first = `POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(BODY)}\r\n\r\n${BODY}`;
  const webSocket =
    'GET /graphql HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n';
  for (const second of [request('h2c', BODY) + BODY, webSocket]) {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.resume();
    socket.on('error', () => undefined);
    const closed = once(socket, 'close');
    socket.write(first + second);
    socket.write(first);
    await closed;
    const send = await open();
    t.match(await send(request('h2c', BODY) + BODY), ANSWER, 'others are served');
  }
  const connections = () =>
    new Promise<number>((resolve) => app.server.getConnections((_error, count) => resolve(count)));
  t.equal(await connections(), openHere.size, 'nothing of it is left');
});

t.test('a WebSocket is upgraded in any case, where there is one; elsewhere HTTP answers', async (t) => {
  const socket = await openSocket(port, { headers: { upgrade: 'WebSocket' } });
  t.equal(socket.ws.protocol, 'graphql-transport-ws');
  t.match(await refusedUpgrade(port, {}, undefined, '/elsewhere'), { status: 404 });
});

t.test('who asks to have the connection closed after it gets that as well', async (t) => {
  const closing = request('h2c', BODY).replace('Upgrade, HTTP2-Settings', 'close, Upgrade, HTTP2-Settings');
  t.match(await (await open())(closing + BODY), /^HTTP\/1\.1 200 OK\r\n[^]*\r\nconnection: close\r\n/i);
  t.match(await (await open())(request('h2c', BODY) + BODY), /\r\nconnection: keep-alive\r\n/i);
});

t.test('no header is lost on the way, however many there are: the body is the body', async (t) => {
  let requests = 0;
  const count = () => (requests += 1);
  app.server.on('request', count);
  t.teardown(() => app.server.off('request', count));
  const filler = 'a:\r\n'.repeat(1100);
  t.match(await (await open())(request('h2c', BODY, filler) + BODY), ANSWER);
  t.equal(requests, 1);
});
