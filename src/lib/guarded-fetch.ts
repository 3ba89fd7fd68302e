/**
 * Requests to addresses that others chose: a stranger, or the document of another service. They reach only permitted addresses,
 * follow no redirect, and end by a deadline with a bounded answer. The connection goes to the very addresses that were checked, so a
 * second answer of the DNS cannot lead it to the private network (DNS rebinding).
 */
import { lookup, Resolver } from 'node:dns/promises';
import type { LookupAddress } from 'node:dns';
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { isPublicAddress } from './public-address.js';

export interface GuardedRequest {
  readonly method?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | undefined;
  /** Ends the request before its deadline. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Such as the global `fetch`; any status is an answer, redirects included.
 * @throws GuardedFetchError if there is no whole answer
 */
export type GuardedFetch = (url: string, request?: GuardedRequest) => Promise<Response>;

export interface GuardedFetchOptions {
  /** Deadline of the whole request, from the DNS to the last byte of the body, in milliseconds. */
  readonly timeoutMs: number;
  /** Maximum length of the body. */
  readonly maxBytes: number;
  /** Permits loopback addresses, and http to them. */
  readonly allowLoopback?: boolean;
  /** Permits every address, and names that only this machine knows. */
  readonly allowPrivate?: boolean;
  /** Certificates of an authority to trust, in PEM. Only tests change this and the following. */
  readonly ca?: string | undefined;
  readonly isAllowed?: ((address: string) => boolean) | undefined;
  readonly resolve?: ((hostname: string) => Promise<readonly LookupAddress[]>) | undefined;
}

/** Why there is no answer. The message is for the log; it contains nothing of the request and the answer. */
export class GuardedFetchError extends Error {
  override readonly name = 'GuardedFetchError';
}

const DNS_TIMEOUT_MS = 1000;
const LOOPBACK_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;
const LOOPBACK: readonly LookupAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
];
/** Statuses whose answers have no body (Fetch Standard). */
const NO_BODY: ReadonlySet<number | undefined> = new Set([204, 205, 304]);

/** Whether a URL names this machine: `localhost`, 127.0.0.0/8 or ::1. */
export function isLoopbackUrl(url: string | URL): boolean {
  return LOOPBACK_HOST.test(new URL(url).hostname);
}

const isLoopbackAddress = (address: string): boolean => address === '::1' || LOOPBACK_HOST.test(address);

export function createGuardedFetch(options: GuardedFetchOptions): GuardedFetch {
  const { timeoutMs, maxBytes, allowLoopback = false, allowPrivate = false, ca } = options;
  const { resolve = allowPrivate ? resolveLocally : resolvePublicly } = options;
  const isPermitted = (address: string) =>
    allowPrivate || isPublicAddress(address) || (allowLoopback && isLoopbackAddress(address));
  const { isAllowed = isPermitted } = options;

  function check(addresses: readonly LookupAddress[]): readonly LookupAddress[] {
    if (addresses.length > 0 && addresses.every(({ address }) => isAllowed(address))) return addresses;
    throw new GuardedFetchError('The host has no address in the public internet.');
  }

  const checkedLookup: LookupFunction = (hostname, { all }, callback) => {
    const found = hostname === 'localhost' && allowLoopback ? Promise.resolve(LOOPBACK) : resolve(hostname);
    found.then(check).then(
      (addresses) => {
        if (all) callback(null, [...addresses]);
        else callback(null, addresses[0]!.address, addresses[0]!.family);
      },
      (error: Error) => callback(error, []),
    );
  };

  return async (text, { method = 'GET', headers, body, signal } = {}) => {
    const url = new URL(text);
    const isTls = url.protocol === 'https:';
    if (!isTls && !(allowLoopback && url.protocol === 'http:' && isLoopbackUrl(url)))
      throw new GuardedFetchError('The URL is not https.');
    // Node does not look up addresses.
    const literal = url.hostname.replace(/^\[(.*)\]$/, '$1');
    if (isIP(literal) !== 0) check([{ address: literal, family: isIP(literal) }]);
    const deadline = AbortSignal.timeout(timeoutMs);

    return new Promise((resolveAnswer, reject) => {
      const sent = (isTls ? requestHttps : requestHttp)(url, {
        method,
        agent: false,
        lookup: checkedLookup,
        headers: { ...headers, 'accept-encoding': 'identity' },
        signal: signal === undefined ? deadline : AbortSignal.any([deadline, signal]),
        ...(ca === undefined ? {} : { ca }),
      });
      const fail = (error: Error): void => {
        sent.destroy();
        if (error instanceof GuardedFetchError) reject(error);
        else if (deadline.aborted) reject(new GuardedFetchError(`There was no answer in ${timeoutMs} ms.`));
        else reject(new GuardedFetchError(`The connection failed (${codeOf(error)}).`, { cause: error }));
      };
      sent.on('error', fail);
      // Without a listener, Node closes the connection and the request ends with neither an answer nor an error.
      sent.on('upgrade', (_answer, socket) => {
        socket.destroy();
        fail(new GuardedFetchError('The answer is malformed.'));
      });
      sent.on('response', (answer) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        answer.on('error', fail);
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > maxBytes) fail(new GuardedFetchError(`The answer exceeds ${maxBytes} bytes.`));
          else chunks.push(chunk);
        });
        answer.on('end', () => {
          try {
            resolveAnswer(responseOf(answer, Buffer.concat(chunks)));
          } catch (error) {
            reject(new GuardedFetchError('The answer is malformed.', { cause: error }));
          }
        });
      });
      sent.end(body);
    });
  };
}

function responseOf({ statusCode: status = 0, headersDistinct }: IncomingMessage, body: Buffer<ArrayBuffer>): Response {
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(headersDistinct))
    for (const value of values) headers.append(name, value);
  return new Response(NO_BODY.has(status) ? null : body, { status, headers });
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

/** Asks the DNS itself: `lookup` would read local names, and wait in the threads that hash passwords. */
async function resolvePublicly(hostname: string): Promise<readonly LookupAddress[]> {
  const resolver = new Resolver({ timeout: DNS_TIMEOUT_MS, tries: 2 });
  const [v4, v6] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
  return [
    ...(v4.status === 'fulfilled' ? v4.value.map((address) => ({ address, family: 4 })) : []),
    ...(v6.status === 'fulfilled' ? v6.value.map((address) => ({ address, family: 6 })) : []),
  ];
}

/** Also finds the names of the hosts file, and those that the search domains complete. */
async function resolveLocally(hostname: string): Promise<readonly LookupAddress[]> {
  const found = await resolvePublicly(hostname);
  return found.length > 0 ? found : lookup(hostname, { all: true });
}
