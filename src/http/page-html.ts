/** The HTML of the pages that mailed links open: one stylesheet, no script, everything escaped. Pure functions. */
import { createHash } from 'node:crypto';
import type { FieldFault } from '../errors.js';
import { escapeHtml } from '../html.js';

/** A whole page. */
export type Html = string;

/** What went wrong when the form was sent; shown with the form. */
export interface Trouble {
  readonly summary: string;
  /** Shown beside the fields that they name, the others below the summary. */
  readonly faults?: readonly FieldFault[];
}

const STYLE = `
:root { color-scheme: light dark; --text: #1f2937; --back: #ffffff; --line: #6b7280; --main: #1d4ed8; --on-main: #ffffff; --bad: #b91c1c; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e5e7eb; --back: #111827; --line: #9ca3af; --main: #93c5fd; --on-main: #111827; --bad: #fca5a5; }
}
body { margin: 0; padding: 2rem 1rem; background: var(--back); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 26rem; margin: 0 auto; }
h1 { font-size: 1.5rem; line-height: 1.25; }
label { display: block; margin-top: 1.25rem; font-weight: 600; }
input, button { box-sizing: border-box; width: 100%; padding: 0.625rem 0.75rem; border-radius: 0.375rem; font: inherit; }
input { border: 1px solid var(--line); background: transparent; color: inherit; }
input[aria-invalid] { border-color: var(--bad); }
button { margin-top: 1.5rem; border: 0; background: var(--main); color: var(--on-main); font-weight: 600; cursor: pointer; }
:focus-visible { outline: 3px solid var(--main); outline-offset: 2px; }
.hint { margin: 0.25rem 0 0; font-size: 0.875rem; }
.fault { margin: 0.25rem 0 0; color: var(--bad); }
.trouble { padding: 0.25rem 1rem; border: 2px solid var(--bad); border-radius: 0.375rem; }
`;

/** What the pages may do: bear the one stylesheet, and send their form to where they come from. */
export const PAGES_CSP = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

/** What the faults of fields without an input are about. */
const SUBJECTS: Readonly<Record<string, string>> = { token: 'The link', email: 'The e-mail address' };

interface Field {
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
}

/** Asks for a new password, twice. What was typed before is not kept. */
export function resetPasswordPage(token: string, minPasswordLength: number, trouble?: Trouble): Html {
  const fields: readonly Field[] = [
    { name: 'password', label: 'New password', hint: `${minPasswordLength} characters or more.` },
    { name: 'passwordConfirmation', label: 'The same once more' },
  ];
  const inputs = fields.map((field) => passwordInput(field, minPasswordLength, trouble)).join('');
  const content = summary(fields, trouble) + form('reset-password', token, inputs, 'Change the password');
  return page('Choose a new password', content, trouble);
}

/** Asks to confirm: programs that look through mail open links, but press no buttons. */
export function verifyEmailPage(token: string, trouble?: Trouble): Html {
  const question = '<p>Is this e-mail address yours?</p>\n';
  const content = summary([], trouble) + question + form('verify-email', token, '', 'Yes, confirm it');
  return page('Confirm your e-mail address', content, trouble);
}

/** A page that only tells; as an alert when it tells of trouble. */
export function messagePage(title: string, text: string, alert = false): Html {
  return page(title, `<p${alert ? ' role="alert"' : ''}>${escapeHtml(text)}</p>\n`);
}

function page(title: string, content: string, trouble?: Trouble): Html {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${trouble ? 'Error: ' : ''}${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${content}</main>
</body>
</html>
`;
}

/** The action is relative, so that the pages may be served below any path; and without the query's token. */
function form(action: string, token: string, inputs: string, button: string): string {
  return `<form method="post" action="${action}">
<input type="hidden" name="token" value="${escapeHtml(token)}">
${inputs}<button type="submit">${escapeHtml(button)}</button>
</form>
`;
}

/** `minlength` counts UTF-16 units, of which a password has at least as many as characters: the server decides. */
function passwordInput({ name, label, hint }: Field, minLength: number, trouble: Trouble | undefined): string {
  const faults = (trouble?.faults ?? []).filter(({ field }) => field === name);
  const notes = [
    ...(hint === undefined ? [] : [{ id: `${name}-hint`, kind: 'hint', text: hint }]),
    ...(faults.length === 0
      ? []
      : [{ id: `${name}-fault`, kind: 'fault', text: faults.map(({ message }) => `This ${message}.`).join(' ') }]),
  ];
  const attributes = [
    `id="${name}" name="${name}" type="password" autocomplete="new-password" required minlength="${minLength}"`,
    ...(notes.length === 0 ? [] : [`aria-describedby="${notes.map(({ id }) => id).join(' ')}"`]),
    ...(faults.length === 0 ? [] : ['aria-invalid="true"']),
  ];
  return `<label for="${name}">${escapeHtml(label)}</label>
<input ${attributes.join(' ')}>
${notes.map(({ id, kind, text }) => `<p class="${kind}" id="${id}">${escapeHtml(text)}</p>\n`).join('')}`;
}

/** Faults are said without a subject: `must be at least 8 characters`. */
function summary(fields: readonly Field[], trouble: Trouble | undefined): string {
  if (!trouble) return '';
  const others = (trouble.faults ?? []).filter(({ field }) => !fields.some(({ name }) => name === field));
  const sentences = [trouble.summary, ...others.map(({ field, message }) => `${SUBJECTS[field] ?? field} ${message}.`)];
  return `<div class="trouble" role="alert">${sentences.map((text) => `<p>${escapeHtml(text)}</p>`).join('')}</div>\n`;
}
