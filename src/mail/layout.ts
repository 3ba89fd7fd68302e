/** How a letter becomes a mail: text and HTML that say the same, with nothing to load and nobody to tell. */
import { escapeHtml } from '../lib/html.js';

/** A mail but for whom it goes to. */
export interface Content {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** What is to be done, and where. */
export interface Link {
  readonly label: string;
  readonly url: string;
}

export interface Letter {
  readonly subject: string;
  /** Paragraphs, and the link among them. */
  readonly body: readonly (string | Link)[];
  /** The last line: why this was sent. */
  readonly reason: string;
}

/** Inline, as many readers of mail drop stylesheets. */
const STYLES = {
  page: 'margin:0;padding:24px 16px;font:16px/1.5 Arial,sans-serif',
  letter: 'max-width:560px;margin:0 auto',
  button:
    'display:inline-block;padding:12px 20px;border-radius:6px;background:#1d4ed8;color:#ffffff;font-weight:600;text-decoration:none',
  address: 'font-size:14px;word-break:break-all',
  reason: 'margin-top:32px;font-size:14px;opacity:0.75',
} as const;

/** Sets a letter. Whatever its words are, they are shown and not interpreted. */
export function setLetter({ subject, body, reason }: Letter): Content {
  const text = [...body.map((part) => (typeof part === 'string' ? part : `${part.label}:\n${part.url}`)), reason];
  return { subject, text: `${text.join('\n\n')}\n`, html: htmlOf(subject, body, reason) };
}

function htmlOf(subject: string, body: Letter['body'], reason: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(subject)}</title>
</head>
<body style="${STYLES.page}">
<div style="${STYLES.letter}">
${body.map((part) => (typeof part === 'string' ? `<p>${escapeHtml(part)}</p>` : htmlOfLink(part))).join('\n')}
<p style="${STYLES.reason}">${escapeHtml(reason)}</p>
</div>
</body>
</html>
`;
}

/** A button, and the address for whom the button does not work. */
function htmlOfLink(link: Link): string {
  const [label, url] = [escapeHtml(link.label), escapeHtml(link.url)];
  return `<p><a href="${url}" style="${STYLES.button}">${label}</a></p>
<p style="${STYLES.address}">${label}:<br><a href="${url}">${url}</a></p>`;
}
