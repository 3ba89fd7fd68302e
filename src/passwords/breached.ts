/**
 * Checks passwords against known data breaches with the range API of Have I Been Pwned (NIST SP 800-63B-4 section 3.1.1.2;
 * OWASP ASVS 5.0, 6.2.12). Only the first five hex digits of the SHA-1 are sent (k-anonymity). If the service is
 * unavailable, slow or returns an invalid response, the password is accepted.
 */
import { createHash } from 'node:crypto';

/** @param password normalised, as it is hashed */
export type IsBreached = (password: string) => Promise<boolean>;

/** `unavailable`: the check was not possible. */
export type BreachCheckOutcome = 'clear' | 'found' | 'unavailable';

export interface BreachCheckOptions {
  /** BREACHED_PASSWORD_URL, e.g. `https://api.pwnedpasswords.com/range`. `/` and the five digits are appended. */
  readonly url: string;
  /** Called with each outcome, for the metrics. */
  readonly onOutcome: (outcome: BreachCheckOutcome) => void;
  readonly log: { warn(fields: object, message: string): void };
  /** Timeout of the whole request, in milliseconds. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 1000;
/** A padded response has about 40 KB. */
const MAX_BYTES = 262_144;
/** Concurrent requests. Passwords beyond that are accepted unchecked. */
const MAX_RUNNING = 20;

export function createBreachCheck({ url, onOutcome, log, timeoutMs = TIMEOUT_MS }: BreachCheckOptions): IsBreached {
  let running = 0;

  async function query(prefix: string, suffix: string): Promise<boolean> {
    const response = await fetch(`${url}/${prefix}`, {
      // Padding hides the prefix, which the response length would reveal.
      headers: { 'add-padding': 'true' },
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.status !== 200 || !response.body) {
      await response.body?.cancel();
      throw new Error(`The breached-password service responded with status ${response.status}.`);
    }
    return contains(await readBounded(response.body), suffix);
  }

  return async (password) => {
    const digest = createHash('sha1').update(password).digest('hex').toUpperCase();
    let outcome: BreachCheckOutcome = 'unavailable';
    if (running < MAX_RUNNING) {
      running += 1;
      try {
        outcome = (await query(digest.slice(0, 5), digest.slice(5))) ? 'found' : 'clear';
      } catch (err) {
        log.warn({ err }, 'The breached-password service is not available; passwords are accepted without it');
      } finally {
        running -= 1;
      }
    }
    onOutcome(outcome);
    return outcome === 'found';
  };
}

async function readBounded(body: ReadableStream<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) throw new Error(`The response exceeds ${MAX_BYTES} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('latin1');
}

/** Lines have the form `suffix:count`. Padding has the count 0. */
function contains(response: string, suffix: string): boolean {
  return response.split('\n').some((line) => {
    const [hash = '', count = ''] = line.trim().split(':');
    return hash.toUpperCase() === suffix && Number(count) > 0;
  });
}
