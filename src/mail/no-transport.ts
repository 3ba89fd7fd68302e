/** Where mail goes in production without a mail server: nowhere. The start warns of it. */
import type { MailTransport } from './transport.js';

export function createNoTransport(): MailTransport {
  return { send: async () => undefined, close: () => undefined };
}
