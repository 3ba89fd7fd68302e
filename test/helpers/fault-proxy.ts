/** A TCP proxy between a client and a service, which injects faults of the network on demand. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { TestScope } from './app.js';

export interface FaultProxy {
  /** The service's URL with the address of the proxy. */
  readonly url: string;
  /** Forwards everything; the initial mode. Stalled connections continue. */
  pass(): Promise<void>;
  /** Closes the open connections; forwards new ones. */
  cut(): void;
  /** Keeps and accepts connections but forwards nothing: half-open connections. */
  stall(): void;
  /** Closes the open connections; refuses new ones. */
  refuse(): Promise<void>;
  /** Closes the open connections; accepts new ones and closes them at once. */
  hangUp(): void;
  /** The number of connections so far. */
  connections(): number;
  /** Drops the service's next response and closes its connection. */
  loseAnswer(): void;
  /** Resolves after this number of connections in total. */
  untilConnections(count: number): Promise<void>;
}

/** Starts a proxy to the service of a URL. @param defaultPort if the URL has no port */
export async function faultProxy(t: TestScope, target: string, defaultPort: number): Promise<FaultProxy> {
  const url = new URL(target);
  const [upstreamHost, upstreamPort] = [url.hostname, Number(url.port || defaultPort)];
  const sockets = new Set<Socket>();
  let stalled = false;
  let losing = false;
  let hangingUp = false;
  let connections = 0;

  const server = createServer((client) => {
    // Accepted while the proxy stopped listening.
    if (!server.listening) {
      client.destroy();
      return;
    }
    connections += 1;
    if (hangingUp) {
      // Read it to notice its end, and store it so that `cut` closes it.
      sockets.add(client);
      client.on('error', () => client.destroy());
      client.on('close', () => sockets.delete(client));
      client.resume();
      client.end();
      return;
    }
    const upstream = connect(upstreamPort, upstreamHost);
    // Before the listener that forwards it.
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
        // The other end of a stalled connection is not notified.
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
