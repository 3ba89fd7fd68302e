/** Mail transports: SMTP, or printing to the log if no server is configured. */
import { createTransport, type NodemailerError } from 'nodemailer';

/** One message, ready to be sent. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** The server rejected the message permanently (5xx). Do not retry. */
export class MailRejectedError extends Error {
  override readonly name = 'MailRejectedError';

  constructor(responseCode: number, cause: unknown) {
    super(`The mail server rejected the message permanently (${responseCode}).`, { cause });
  }
}

export interface MailTransport {
  /**
   * Resolves when the server has accepted the message. Any error except `MailRejectedError` may be retried; if the connection
   * broke before the reply, a retry may deliver the message twice.
   * @throws MailRejectedError
   * @throws Error for any other failure, including rejected SMTP credentials
   */
  send(mail: Mail, signal?: AbortSignal): Promise<void>;
  /** Running deliveries finish within their deadline. Deliveries that wait for a connection fail. */
  close(): void;
}

/** All in milliseconds. */
export interface MailTimeouts {
  /** From the DNS lookup to the greeting, including TLS. */
  readonly connectionMs: number;
  /** Inactivity of the server. */
  readonly socketMs: number;
  /** All of `send`, including the wait for a connection. */
  readonly sendMs: number;
}

/** The maximum duration of `send`, in milliseconds. */
export const MAIL_TIMEOUT_MS = 30_000;

const TIMEOUTS: MailTimeouts = { connectionMs: 10_000, socketMs: 20_000, sendMs: MAIL_TIMEOUT_MS };
const CONNECTIONS = 2;

/**
 * 5xx replies that do not concern the message: bad sequence of commands (RFC 5321 section 4.2.3), authentication or TLS
 * required (RFC 4954 section 6). Servers send them in reply to MAIL and RCPT too. Fixing the configuration makes a retry succeed.
 */
const CONFIGURATION_REPLIES = new Set([503, 530, 534, 535, 538]);

export interface SmtpOptions {
  /**
   * `smtp://user:password@host:587`, which uses STARTTLS if the server offers it, or `smtps://…:465`. Query parameters are
   * nodemailer options, such as `?requireTLS=true` or `?tls.rejectUnauthorized=false`.
   */
  readonly url: string;
  /** Requires TLS, which prevents STARTTLS stripping. `?requireTLS=false` in the URL overrides it. */
  readonly requireTls?: boolean;
  /** An address, or `Name <address>`. */
  readonly from: string;
  readonly timeouts?: MailTimeouts;
}

/** Sends by SMTP over pooled connections. */
export function createSmtpTransport({
  url,
  from,
  requireTls = false,
  timeouts = TIMEOUTS,
}: SmtpOptions): MailTransport {
  const smtp = createTransport({
    url,
    // The URL's parameters override these options.
    requireTLS: requireTls,
    pool: true,
    maxConnections: CONNECTIONS,
    connectionTimeout: timeouts.connectionMs,
    greetingTimeout: timeouts.connectionMs,
    socketTimeout: timeouts.socketMs,
    // Message content never refers to files or URLs.
    disableFileAccess: true,
    disableUrlAccess: true,
  });

  return {
    async send({ to, subject, text, html }, signal) {
      const deadline = new AbortController();
      const timer = setTimeout(() => {
        deadline.abort(new Error(`Sending the email took longer than ${timeouts.sendMs} ms.`));
      }, timeouts.sendMs);
      try {
        const signals = signal ? [deadline.signal, signal] : [deadline.signal];
        await smtp.sendMail({
          from,
          // An object, because nodemailer parses a string as a list of addresses.
          to: { name: '', address: to },
          subject,
          text,
          html,
          // Suppresses automatic replies (RFC 3834 section 5).
          headers: { 'Auto-Submitted': 'auto-generated' },
          signal: AbortSignal.any(signals),
        });
      } catch (error) {
        const rejection = rejectionCode(error);
        throw rejection === undefined ? error : new MailRejectedError(rejection, error);
      } finally {
        clearTimeout(timer);
      }
    },
    close: () => smtp.close(),
  };
}

/** Used in development without SMTP_URL: prints each message as a JSON log line. */
export function createPrintTransport(print: (line: string) => void): MailTransport {
  return {
    async send({ to, subject, text }) {
      const msg = 'Email (printed because SMTP_URL is not set)';
      print(`${JSON.stringify({ level: 30, time: Date.now(), msg, to, subject, text })}\n`);
    },
    close: () => undefined,
  };
}

/** The 5xx reply to the message, its sender or its recipient; undefined for any other error. */
function rejectionCode(error: unknown): number | undefined {
  const { code, responseCode = 0 } = error as NodemailerError;
  const isMessageError = code === 'EENVELOPE' || code === 'EMESSAGE';
  return isMessageError && responseCode >= 500 && !CONFIGURATION_REPLIES.has(responseCode) ? responseCode : undefined;
}
