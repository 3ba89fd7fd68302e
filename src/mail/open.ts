/** Chooses how mail leaves, by the configuration. */
import type { Config } from '../config/config.js';
import { createNoTransport } from './no-transport.js';
import { createPrintTransport, createSmtpTransport, type MailTransport } from './transport.js';

/**
 * A mail server; without one the log in development, and nothing in production.
 * @param output where mail is printed
 */
export function openMailTransport(
  { mail, production }: Pick<Config, 'mail' | 'production'>,
  log: { warn(message: string): void },
  output: { write(line: string): unknown } = process.stdout,
): MailTransport {
  if (mail.smtp) return createSmtpTransport({ ...mail.smtp, requireTls: production });
  if (!production) return createPrintTransport((line) => void output.write(line));
  log.warn('SMTP_URL is not set: no mail is sent, so that nobody can reset a password or confirm an address');
  return createNoTransport();
}
