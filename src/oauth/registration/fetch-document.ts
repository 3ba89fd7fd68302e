/**
 * Fetches a JSON document from a URL that a stranger chose. The connection goes to the very addresses that were checked, so a second
 * answer of the DNS cannot lead it to the private network (DNS rebinding).
 */
import type { LookupAddress } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import { request } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { isPublicAddress } from '../../lib/public-address.js';

/** @throws Error for any answer but a short JSON document from a public address */
export type FetchDocument = (url: string) => Promise<unknown>;

export interface FetchDocumentOptions {
  /** Only tests change the options. */
  readonly isAllowed?: (address: string) => boolean;
  readonly resolve?: (hostname: string) => Promise<readonly LookupAddress[]>;
  /** Certificates of an authority to trust, in PEM. */
  readonly ca?: string;
  /** Timeout of the whole request, in milliseconds. */
  readonly timeoutMs?: number;
}

/** draft-ietf-oauth-client-id-metadata-document, section 6.6. */
const MAX_BYTES = 5120;
const TIMEOUT_MS = 5000;
const DNS_TIMEOUT_MS = 1000;
const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json(?:;|$)/i;

export function createFetchDocument(options: FetchDocumentOptions = {}): FetchDocument {
  const { isAllowed = isPublicAddress, resolve = resolveAll, ca, timeoutMs = TIMEOUT_MS } = options;

  async function allowedAddresses(hostname: string): Promise<readonly LookupAddress[]> {
    const literal = hostname.replace(/^\[(.*)\]$/, '$1');
    const family = isIP(literal);
    const addresses = family === 0 ? await resolve(hostname) : [{ address: literal, family }];
    if (addresses.length === 0 || !addresses.every(({ address }) => isAllowed(address)))
      throw new Error('The host is not in the public internet.');
    return addresses;
  }

  return async (url) => {
    const addresses = await allowedAddresses(new URL(url).hostname);
    const pinned: LookupFunction = (_hostname, { all }, callback) => {
      const [first] = addresses;
      if (all) callback(null, [...addresses]);
      else callback(null, first!.address, first!.family);
    };
    return new Promise((resolve, reject) => {
      const sent = request(url, {
        agent: false,
        lookup: pinned,
        headers: { accept: 'application/json', 'accept-encoding': 'identity' },
        signal: AbortSignal.timeout(timeoutMs),
        ...(ca === undefined ? {} : { ca }),
      });
      const fail = (message: string): void => {
        sent.destroy();
        reject(new Error(message));
      };
      sent.on('error', reject);
      sent.on('response', (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        // A redirect is no answer: it could lead anywhere.
        if (response.statusCode !== 200) return fail(`The status is ${response.statusCode}.`);
        if (!JSON_TYPE.test(response.headers['content-type'] ?? '')) return fail('The content type is not JSON.');
        response.on('error', reject);
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > MAX_BYTES) fail(`The document exceeds ${MAX_BYTES} bytes.`);
          else chunks.push(chunk);
        });
        response.on('end', () => {
          try {
            resolve(JSON.parse(Buffer.concat(chunks).toString()));
          } catch (error) {
            reject(new Error('The document is not JSON.', { cause: error }));
          }
        });
      });
      sent.end();
    });
  };
}

/** Asks the DNS itself: `lookup` would read local names, and wait in the threads that hash passwords. */
async function resolveAll(hostname: string): Promise<readonly LookupAddress[]> {
  const resolver = new Resolver({ timeout: DNS_TIMEOUT_MS, tries: 2 });
  const [v4, v6] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
  return [
    ...(v4.status === 'fulfilled' ? v4.value.map((address) => ({ address, family: 4 })) : []),
    ...(v6.status === 'fulfilled' ? v6.value.map((address) => ({ address, family: 6 })) : []),
  ];
}
