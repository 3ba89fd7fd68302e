/** How a mail leaves: by SMTP, or printed where no server is configured. */
import { createTransport, type NodemailerError } from 'nodemailer';

/** One message, ready to be sent. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** The server refused the message for good (5xx): trying again is of no use. */
export class MailRefused extends Error {
  override readonly name = 'MailRefused';

  constructor(responseCode: number, cause: unknown) {
    super(`The mail server refused the message for good (${responseCode}).`, { cause });
  }
}

export interface MailTransport {
  /**
   * Resolves when the server has taken the message over. What fails in another way than `MailRefused` may be tried
   * again; after a connection that broke at the end, the message may then arrive twice.
   * @throws MailRefused
   * @throws Error of whatever else went wrong, the refused login of the server's operator included
   */
  send(mail: Mail, signal?: AbortSignal): Promise<void>;
  /** What is being sent is finished, within its deadline; what waits for a connection fails. */
  close(): void;
}

/** All bounds in milliseconds. */
export interface MailTimeouts {
  /** From the look-up of the name to the greeting, TLS included. */
  readonly connectionMs: number;
  /** Silence of the server. */
  readonly socketMs: number;
  /** The whole of `send`, the wait for a connection included. */
  readonly sendMs: number;
}

/** How long `send` takes at most, in milliseconds. */
export const MAIL_TIMEOUT_MS = 30_000;

const TIMEOUTS: MailTimeouts = { connectionMs: 10_000, socketMs: 20_000, sendMs: MAIL_TIMEOUT_MS };
const CONNECTIONS = 2;

/**
 * 5xx that say nothing of the message: a command out of order (RFC 5321 section 4.2.3), and that a login or TLS is
 * wanted first (RFC 4954 section 6), which servers also answer to MAIL and RCPT. An operator mends those.
 */
const NOT_OF_THE_MESSAGE = new Set([503, 530, 534, 535, 538]);

export interface SmtpOptions {
  /**
   * `smtp://user:password@host:587`, which uses STARTTLS where it is offered, or `smtps://…:465`. nodemailer's settings
   * may follow as a query, such as `?requireTLS=true` or `?tls.rejectUnauthorized=false`.
   */
  readonly url: string;
  /** Sends nothing without TLS, so that nobody between can strip STARTTLS; `?requireTLS=false` in the URL goes before it. */
  readonly requireTls?: boolean;
  /** An address, or `Name <address>`. */
  readonly from: string;
  readonly timeouts?: MailTimeouts;
}

/** Sends by SMTP, over connections that are kept while there is mail. */
export function createSmtpTransport({
  url,
  from,
  requireTls = false,
  timeouts = TIMEOUTS,
}: SmtpOptions): MailTransport {
  const smtp = createTransport({
    url,
    // What the URL says goes before these.
    requireTLS: requireTls,
    pool: true,
    maxConnections: CONNECTIONS,
    connectionTimeout: timeouts.connectionMs,
    greetingTimeout: timeouts.connectionMs,
    socketTimeout: timeouts.socketMs,
    // Nothing of a message is ever a path or an address to fetch.
    disableFileAccess: true,
    disableUrlAccess: true,
  });

  return {
    async send({ to, subject, text, html }, signal) {
      const deadline = new AbortController();
      const timer = setTimeout(() => {
        deadline.abort(new Error(`The mail was not sent within ${timeouts.sendMs} ms.`));
      }, timeouts.sendMs);
      try {
        const signals = signal ? [deadline.signal, signal] : [deadline.signal];
        await smtp.sendMail({
          from,
          // An object: a text would be parsed, and might be several addresses.
          to: { name: '', address: to },
          subject,
          text,
          html,
          // No out-of-office note in return (RFC 3834 section 5).
          headers: { 'Auto-Submitted': 'auto-generated' },
          signal: AbortSignal.any(signals),
        });
      } catch (error) {
        const refusedWith = refusalCode(error);
        throw refusedWith === undefined ? error : new MailRefused(refusedWith, error);
      } finally {
        clearTimeout(timer);
      }
    },
    close: () => smtp.close(),
  };
}

/** Without SMTP_URL in development: prints the message as one JSON line of the log. */
export function createPrintTransport(print: (line: string) => void): MailTransport {
  return {
    async send({ to, subject, text }) {
      const msg = 'mail, printed because SMTP_URL is not set';
      print(`${JSON.stringify({ level: 30, time: Date.now(), msg, to, subject, text })}\n`);
    },
    close: () => undefined,
  };
}

/** The 5xx that the message, its sender or its recipient was answered with. */
function refusalCode(error: unknown): number | undefined {
  const { code, responseCode = 0 } = error as NodemailerError;
  const ofTheMessage = code === 'EENVELOPE' || code === 'EMESSAGE';
  return ofTheMessage && responseCode >= 500 && !NOT_OF_THE_MESSAGE.has(responseCode) ? responseCode : undefined;
}
