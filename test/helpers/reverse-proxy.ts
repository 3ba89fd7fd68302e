/** A reverse proxy for HTTP and WebSockets that can remove a path prefix and answer with 503. */
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TestScope } from './app.js';

export interface ReverseProxy {
  readonly port: number;
  /** The target of requests. */
  upstreamPort: number;
  /** The prefix to remove from each path. */
  strip: string;
  /** Requests to answer with 503 and an HTML page. */
  refuses: 'nothing' | 'requests' | 'everything';
  /** The number of requests answered with 503. */
  refused: number;
}

export async function reverseProxy(t: TestScope): Promise<ReverseProxy> {
  const open = new Set<Duplex>();
  const pathOf = ({ url = '/' }: IncomingMessage) =>
    url.startsWith(proxy.strip) ? url.slice(proxy.strip.length) : url;
  const server = createServer((request, response) => {
    if (proxy.refuses !== 'nothing') {
      proxy.refused += 1;
      request.resume();
      response.writeHead(503, { 'content-type': 'text/html' }).end('<h1>Service unavailable</h1>');
      return;
    }
    const { method, headers } = request;
    const forwarded = httpRequest(
      { host: '127.0.0.1', port: proxy.upstreamPort, method, headers, path: pathOf(request) },
      (answer) => {
        response.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(response);
      },
    );
    forwarded.on('error', () => response.destroy());
    request.pipe(forwarded);
  });
  server.on('connection', (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  server.on('upgrade', (request, socket) => {
    socket.on('error', () => socket.destroy());
    if (proxy.refuses === 'everything') {
      proxy.refused += 1;
      socket.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    const upstream = connect(proxy.upstreamPort, '127.0.0.1');
    upstream.on('error', () => upstream.destroy());
    upstream.on('close', () => socket.destroy());
    socket.on('close', () => upstream.destroy());
    const headers: string[] = [];
    for (let i = 0; i < request.rawHeaders.length; i += 2) headers.push(request.rawHeaders.slice(i, i + 2).join(': '));
    upstream.write(`GET ${pathOf(request)} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
    socket.pipe(upstream).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const proxy: ReverseProxy = { port, upstreamPort: 0, strip: '', refuses: 'nothing', refused: 0 };
  return proxy;
}
