/** Creates the mail transport that the configuration selects. */
import type { Config } from '../config/config.js';
import { createNoTransport } from './no-transport.js';
import { createPrintTransport, createSmtpTransport, type MailTransport } from './transport.js';

/**
 * SMTP if SMTP_URL is set. Otherwise mail is printed in development and discarded in production.
 * @param output receives printed mail
 */
export function openMailTransport(
  { mail, production }: Pick<Config, 'mail' | 'production'>,
  log: { warn(message: string): void },
  output: { write(line: string): unknown } = process.stdout,
): MailTransport {
  if (mail.smtp) return createSmtpTransport({ ...mail.smtp, requireTls: production });
  if (!production) return createPrintTransport((line) => void output.write(line));
  log.warn('SMTP_URL is not set: no email is sent; password resets and address verification do not work');
  return createNoTransport();
}
