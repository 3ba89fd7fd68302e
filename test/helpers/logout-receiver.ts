/** A client's address for logout tokens (OpenID Connect Back-Channel Logout 1.0), which records what it gets. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestScope } from './app.js';

export interface LogoutReceiver {
  readonly uri: string;
  /** The forms that arrived. */
  readonly received: URLSearchParams[];
  /** Answers requests from now on; 200 by default. */
  answerWith(answer: (response: ServerResponse) => unknown): void;
  /** Forgets what arrived, and answers 200. */
  reset(): void;
}

const accept = (response: ServerResponse): unknown => response.writeHead(200).end();

export async function logoutReceiver(t: TestScope): Promise<LogoutReceiver> {
  const received: URLSearchParams[] = [];
  let answer = accept;
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      received.push(new URLSearchParams(body));
      answer(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return {
    uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/logout`,
    received,
    answerWith: (other) => void (answer = other),
    reset() {
      received.length = 0;
      answer = accept;
    },
  };
}
