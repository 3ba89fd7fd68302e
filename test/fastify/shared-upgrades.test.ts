/** Sharing the WebSocket handshakes of one server. */
import { once } from 'node:events';
import { createServer, IncomingMessage, Server } from 'node:http';
import { Socket, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import fastify from 'fastify';
import t, { type Test } from 'tap';
import { claimUpgrades } from '../../src/fastify/shared-upgrades.js';
import { openRaw } from '../helpers/raw.js';
import { listen } from '../helpers/server.js';

async function listening(t: Test) {
  const server = createServer((_request, response) => response.end('plain'));
  server.listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  /** The status line of the response to an upgrade. */
  const upgrade = async (path: string, protocol = 'websocket') => {
    const raw = await openRaw(t, port);
    raw.send(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: ${protocol}\r\n\r\n`);
    return (await raw.next()).status;
  };
  return { server, upgrade };
}

/** Answers handshakes like `ws`, with a status that identifies the listener. */
function answering(emitter: Server, status: number): void {
  emitter.on('upgrade', (_request: IncomingMessage, socket: Duplex) => {
    socket.end(`HTTP/1.1 ${status} Answered\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
  });
}

t.test('takes handshakes of claimed paths and leaves others to the listeners of the server', async (t) => {
  const { server, upgrade } = await listening(t);
  answering(server, 200);
  const [one, two] = [new Server(), new Server()];
  answering(one, 201);
  answering(two, 202);
  const release = claimUpgrades(server, '/one', one);
  claimUpgrades(server, '/two', two);
  t.same([await upgrade('/one?a=/two'), await upgrade('/two'), await upgrade('/else')], [201, 202, 200]);
  release();
  t.same([await upgrade('/one'), await upgrade('/two')], [200, 202]);
});

t.test('takes the handshakes that the router would route to a claimed path, however it is written', async (t) => {
  const { server, upgrade } = await listening(t);
  answering(server, 200);
  const own = new Server();
  answering(own, 201);
  claimUpgrades(server, '/auth/graphql', own);
  const router = fastify();
  router.get('/auth/graphql', () => '');
  const routerPort = await listen(router);
  t.teardown(() => router.close());
  const isRouted = async (target: string) => {
    const raw = await openRaw(t, routerPort);
    raw.send(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
    return (await raw.next()).status === 200;
  };
  const targets = [
    '/auth/%67raphql',
    '/%61uth/graphql?x=%zz',
    'http://a/auth/graphql',
    '/auth/graphql#x',
    '/auth/%2567raphql',
    '/auth%2Fgraphql',
    '/auth/graphql/',
    '/auth/%zz',
  ];
  const routed = await Promise.all(targets.map(isRouted));
  t.same(routed, [true, true, true, true, false, false, false, false]);
  const statuses = await Promise.all(targets.map((target) => upgrade(target)));
  t.same(
    statuses,
    routed.map((isOwn) => (isOwn ? 201 : 200)),
  );
});

t.test('withholds claimed handshakes from listeners that are added later', async (t) => {
  const { server, upgrade } = await listening(t);
  const own = new Server();
  answering(own, 201);
  claimUpgrades(server, '/own', own);
  answering(server, 200);
  t.same([await upgrade('/own'), await upgrade('/else')], [201, 200]);
});

/** Whether this version of Node has `shouldUpgradeCallback`; see `upgrades.ts`. */
const DECIDES = 'shouldUpgradeCallback' in new Server();

t.test(`${DECIDES ? 'serves as plain HTTP' : 'refuses'} upgrades that no other listener handles`, async (t) => {
  const { server, upgrade } = await listening(t);
  claimUpgrades(server, '/own', new Server());
  const status = DECIDES ? 200 : 501;
  t.same([await upgrade('/own', 'h2c'), await upgrade('/else', 'h2c'), await upgrade('/else')], Array(3).fill(status));
});

t.test('asks the server whether to upgrade, except for claimed paths', async (t) => {
  const server = Object.assign(createServer(), {
    shouldUpgradeCallback: ({ url }: { url?: string }) => url === '/host',
  });
  const release = claimUpgrades(server, '/own', new Server());
  const decide = (url: string, upgrade: string) => {
    const request = Object.assign(new IncomingMessage(new Socket()), { method: 'GET', url, headers: { upgrade } });
    return server.shouldUpgradeCallback(request);
  };
  t.same(
    [decide('/own?a=b', 'websocket'), decide('/own', 'h2c'), decide('/host', 'h2c'), decide('/else', 'websocket')],
    [true, false, true, false],
  );
  release();
  t.equal(decide('/own', 'websocket'), false);
});
