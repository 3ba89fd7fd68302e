/** Fetches a JSON document from a URL that a stranger chose. */
import { createGuardedFetch, type GuardedFetchOptions } from '../../lib/guarded-fetch.js';

/** @throws Error for any answer but a short JSON document from a public address */
export type FetchDocument = (url: string) => Promise<unknown>;

/** Only tests change the options. */
export type FetchDocumentOptions = Partial<Pick<GuardedFetchOptions, 'isAllowed' | 'resolve' | 'ca' | 'timeoutMs'>>;

/** draft-ietf-oauth-client-id-metadata-document, section 6.6. */
const MAX_BYTES = 5120;
const TIMEOUT_MS = 5000;
const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json(?:;|$)/i;

export function createFetchDocument(options: FetchDocumentOptions = {}): FetchDocument {
  const fetch = createGuardedFetch({ timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES, ...options });
  return async (url) => {
    const response = await fetch(url, { headers: { accept: 'application/json' } });
    // A redirect is no answer: it could lead anywhere.
    if (response.status !== 200) throw new Error(`The status is ${response.status}.`);
    if (!JSON_TYPE.test(response.headers.get('content-type') ?? '')) throw new Error('The content type is not JSON.');
    try {
      return (await response.json()) as unknown;
    } catch (error) {
      throw new Error('The document is not JSON.', { cause: error });
    }
  };
}
