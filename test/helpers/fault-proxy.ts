/** A TCP proxy that fails on demand, between a client and a service that goes on: the network as the cause of a fault. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { TestScope } from './app.js';

export interface FaultProxy {
  /** The service's address by way of the proxy, with everything else of it. */
  readonly url: string;
  /** Everything passes: the mode it begins in. Connections that were stalled go on. */
  pass(): Promise<void>;
  /** Ends the open connections; new ones pass. */
  cut(): void;
  /** Connections stay open, new ones open, and nothing passes: half-open. */
  stall(): void;
  /** Ends the open connections; new ones are refused. */
  refuse(): Promise<void>;
  /** Ends the open connections; new ones are accepted and ended at once. */
  hangUp(): void;
  /** How many clients have connected so far. */
  connections(): number;
  /** What the service answers next ends its connection, and the client does not get it. */
  loseAnswer(): void;
  /** Until so many clients have connected in all. */
  untilConnections(count: number): Promise<void>;
}

/** Starts a proxy to the service of a URL. @param defaultPort where the URL has none */
export async function faultProxy(t: TestScope, target: string, defaultPort: number): Promise<FaultProxy> {
  const url = new URL(target);
  const [upstreamHost, upstreamPort] = [url.hostname, Number(url.port || defaultPort)];
  const sockets = new Set<Socket>();
  let stalled = false;
  let losing = false;
  let hangingUp = false;
  let connections = 0;

  const server = createServer((client) => {
    // It was accepted as the proxy stopped listening.
    if (!server.listening) {
      client.destroy();
      return;
    }
    connections += 1;
    if (hangingUp) {
      // Read, so that its end is seen, and known, so that `cut` ends it.
      sockets.add(client);
      client.on('error', () => client.destroy());
      client.on('close', () => sockets.delete(client));
      client.resume();
      client.end();
      return;
    }
    const upstream = connect(upstreamPort, upstreamHost);
    // Ahead of what passes it on.
    upstream.on('data', () => {
      if (losing) client.destroy();
      losing = false;
    });
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        // Whoever is behind a stalled connection learns nothing of the other end.
        if (!stalled) other.destroy();
      });
      socket.pipe(other, { end: false });
      socket.on('end', () => {
        if (!stalled) other.end();
      });
      if (stalled) socket.pause();
    }
    server.emit('counted');
  });
  const listen = async (port: number): Promise<void> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const refuse = async (): Promise<void> => {
    stalled = false;
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    cut();
    await closed;
  };

  await listen(0);
  const { port } = server.address() as AddressInfo;
  t.teardown(refuse);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  return {
    url: url.href,
    async pass() {
      stalled = false;
      hangingUp = false;
      for (const socket of sockets) socket.resume();
      if (!server.listening) await listen(port);
    },
    cut,
    stall() {
      stalled = true;
      for (const socket of sockets) socket.pause();
    },
    refuse,
    hangUp() {
      hangingUp = true;
      cut();
    },
    connections: () => connections,
    loseAnswer: () => void (losing = true),
    async untilConnections(count) {
      while (connections < count) await once(server, 'counted');
    },
  };
}
