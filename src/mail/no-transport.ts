/** Discards mail: the transport in production if SMTP_URL is not set. The server logs a warning at startup. */
import type { MailTransport } from './transport.js';

export function createNoTransport(): MailTransport {
  return { send: async () => undefined, close: () => undefined };
}
