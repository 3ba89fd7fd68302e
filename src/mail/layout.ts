/** Renders an email template as text and HTML. The HTML loads nothing from the network and has no tracking. */
import { escapeHtml } from '../lib/html.js';

/** A rendered email without its recipient. */
export interface EmailContent {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** A call to action. */
export interface Link {
  readonly label: string;
  readonly url: string;
}

export interface EmailTemplate {
  readonly subject: string;
  /** Paragraphs and links, in order. */
  readonly body: readonly (string | Link)[];
  /** The last line: why the recipient gets this email. */
  readonly reason: string;
}

/** Inline, because many email clients drop stylesheets. */
const STYLES = {
  page: 'margin:0;padding:24px 16px;font:16px/1.5 Arial,sans-serif',
  content: 'max-width:560px;margin:0 auto',
  button:
    'display:inline-block;padding:12px 20px;border-radius:6px;background:#1d4ed8;color:#ffffff;font-weight:600;text-decoration:none',
  address: 'font-size:14px;word-break:break-all',
  reason: 'margin-top:32px;font-size:14px;opacity:0.75',
} as const;

/** Renders a template. All text is escaped. */
export function renderEmail({ subject, body, reason }: EmailTemplate): EmailContent {
  const text = [...body.map((part) => (typeof part === 'string' ? part : `${part.label}:\n${part.url}`)), reason];
  return { subject, text: `${text.join('\n\n')}\n`, html: htmlOf(subject, body, reason) };
}

function htmlOf(subject: string, body: EmailTemplate['body'], reason: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(subject)}</title>
</head>
<body style="${STYLES.page}">
<div style="${STYLES.content}">
${body.map((part) => (typeof part === 'string' ? `<p>${escapeHtml(part)}</p>` : htmlOfLink(part))).join('\n')}
<p style="${STYLES.reason}">${escapeHtml(reason)}</p>
</div>
</body>
</html>
`;
}

/** A button, followed by its URL as text for clients that do not show the button. */
function htmlOfLink(link: Link): string {
  const [label, url] = [escapeHtml(link.label), escapeHtml(link.url)];
  return `<p><a href="${url}" style="${STYLES.button}">${label}</a></p>
<p style="${STYLES.address}">${label}:<br><a href="${url}">${url}</a></p>`;
}
