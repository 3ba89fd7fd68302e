/**
 * Whether a password is known from a data breach, by k-anonymity (Have I Been Pwned's range API; NIST SP 800-63B-4
 * section 3.1.1.2; OWASP ASVS 5.0, 6.2.12): the first five digits of its SHA-1 leave the process, and nothing else of it.
 * When the service is away, slow or makes no sense, the password is accepted.
 */
import { createHash } from 'node:crypto';

/** @param password as it would be hashed */
export type IsBreached = (password: string) => Promise<boolean>;

/** `clear` and `found` are answers; `unavailable` is none. */
export type BreachCheckOutcome = 'clear' | 'found' | 'unavailable';

export interface BreachCheckOptions {
  /** BREACHED_PASSWORD_URL, to which `/` and the five digits are added, e.g. `https://api.pwnedpasswords.com/range`. */
  readonly url: string;
  /** Called with each outcome, for the metrics. */
  readonly onOutcome: (outcome: BreachCheckOutcome) => void;
  readonly log: { warn(fields: object, message: string): void };
  /** For the answer as a whole, in milliseconds. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 1000;
/** A padded answer is some 40 KB. */
const MAX_BYTES = 262_144;
/** Requests at a time; with more, passwords are accepted unasked. */
const MAX_RUNNING = 20;

export function createBreachCheck({ url, onOutcome, log, timeoutMs = TIMEOUT_MS }: BreachCheckOptions): IsBreached {
  let running = 0;

  async function ask(prefix: string, suffix: string): Promise<boolean> {
    const response = await fetch(`${url}/${prefix}`, {
      // All answers are as long, so that their length does not tell the prefix.
      headers: { 'add-padding': 'true' },
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.status !== 200 || !response.body) {
      await response.body?.cancel();
      throw new Error(`The service answered ${response.status}.`);
    }
    return contains(await readBounded(response.body), suffix);
  }

  return async (password) => {
    const digest = createHash('sha1').update(password).digest('hex').toUpperCase();
    let outcome: BreachCheckOutcome = 'unavailable';
    if (running < MAX_RUNNING) {
      running += 1;
      try {
        outcome = (await ask(digest.slice(0, 5), digest.slice(5))) ? 'found' : 'clear';
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
    if (bytes > MAX_BYTES) throw new Error(`The answer is longer than ${MAX_BYTES} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('latin1');
}

/** Lines of `suffix:count`; padding has the count 0. */
function contains(answer: string, suffix: string): boolean {
  return answer.split('\n').some((line) => {
    const [hash = '', count = ''] = line.trim().split(':');
    return hash.toUpperCase() === suffix && Number(count) > 0;
  });
}
