/** The HTML of the service's own pages: one stylesheet, no script, all text escaped. Pure functions. */
import { createHash } from 'node:crypto';
import type { FieldError } from '../lib/errors.js';
import { escapeHtml } from '../lib/html.js';

/** A whole page. */
export type Html = string;

/** Why a form was refused; shown with the form. */
export interface Issue {
  readonly summary: string;
  /** Shown beside the fields that they name, or below the summary for fields that the form does not have. */
  readonly fields?: readonly FieldError[];
}

const STYLE = `
:root { color-scheme: light dark; --text: #1f2937; --back: #ffffff; --line: #6b7280; --main: #1d4ed8; --on-main: #ffffff; --bad: #b91c1c; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e5e7eb; --back: #111827; --line: #9ca3af; --main: #93c5fd; --on-main: #111827; --bad: #fca5a5; }
}
body { margin: 0; padding: 2rem 1rem; background: var(--back); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 26rem; margin: 0 auto; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; }
a { color: var(--main); }
label { display: block; margin-top: 1.25rem; font-weight: 600; }
input, button { box-sizing: border-box; width: 100%; padding: 0.625rem 0.75rem; border-radius: 0.375rem; font: inherit; }
input { border: 1px solid var(--line); background: transparent; color: inherit; }
input[aria-invalid] { border-color: var(--bad); }
button { margin-top: 1.5rem; border: 1px solid transparent; background: var(--main); color: var(--on-main); font-weight: 600; cursor: pointer; }
button.second { margin-top: 0.75rem; border-color: var(--line); background: transparent; color: inherit; }
:focus-visible { outline: 3px solid var(--main); outline-offset: 2px; }
.hint { margin: 0.25rem 0 0; font-size: 0.875rem; }
.error { margin: 0.25rem 0 0; color: var(--bad); }
.issue { padding: 0.25rem 1rem; border: 2px solid var(--bad); border-radius: 0.375rem; }
`;

/** Allows the one stylesheet, and forms to this origin; nothing else. */
export const PAGES_CSP = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

/** The subjects of messages about fields that the form does not show. */
const SUBJECTS: Readonly<Record<string, string>> = { token: 'The link', email: 'The e-mail address' };

interface Field {
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
}

/**
 * Asks for a new password, twice. Passwords that were typed before are not filled in.
 * @param key the form's `formKey`
 */
export function resetPasswordPage(key: string, minPasswordLength: number, issue?: Issue): Html {
  const fields: readonly Field[] = [
    { name: 'password', label: 'New password', hint: `${minPasswordLength} characters or more.` },
    { name: 'passwordConfirmation', label: 'The same password again' },
  ];
  const inputs = fields.map((field) => passwordInput(field, minPasswordLength, issue)).join('');
  const button = '<button type="submit">Change the password</button>\n';
  return page('Choose a new password', summary(fields, issue) + form('reset-password', key, inputs + button), issue);
}

/**
 * Asks whether the account is the reader's own: somebody else may have registered with the address.
 * @param key the form's `formKey`
 * @param appName the service's name
 */
export function verifyEmailPage(key: string, appName: string, issue?: Issue): Html {
  const question = `<p>Did you open an account at ${escapeHtml(appName)} with this e-mail address, or choose it as the new address of your account?</p>
<p>If it was somebody else, choose “No”: that account then loses your address.</p>
`;
  const buttons = `<button type="submit" name="answer" value="yes">Yes, confirm my address</button>
<button type="submit" name="answer" value="no" class="second">No, this was not me</button>
`;
  return page('Confirm your e-mail address', summary([], issue) + question + form('verify-email', key, buttons), issue);
}

/**
 * Asks to cancel a change of the e-mail address or username.
 * @param key the form's `formKey`
 */
export function cancelChangePage(key: string, issue?: Issue): Html {
  const explanation = `<p>If you did not change the e-mail address or username of your account, somebody else did. This button restores the former one, cancels every change after it, and signs out every device.</p>
`;
  const button = '<button type="submit">Cancel the change</button>\n';
  const content = summary([], issue) + explanation + form('cancel-email-change', key, button);
  return page('Cancel a change of your account', content, issue);
}

/** A page with one paragraph; an alert if something went wrong. */
export function messagePage(title: string, text: string, alert = false): Html {
  return page(title, `<p${alert ? ' role="alert"' : ''}>${escapeHtml(text)}</p>\n`);
}

export interface PageLink {
  readonly href: string;
  readonly label: string;
}

/** A page with a list of links. */
export function linksPage(title: string, text: string, links: readonly PageLink[]): Html {
  const items = links.map(({ href, label }) => `<li><a href="${escapeHtml(href)}">${escapeHtml(label)}</a></li>\n`);
  return page(title, `<p>${escapeHtml(text)}</p>\n<ul>\n${items.join('')}</ul>\n`);
}

function page(title: string, content: string, issue?: Issue): Html {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${issue ? 'Error: ' : ''}${escapeHtml(title)}</title>
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

/** The action is relative, so that the pages work under any path prefix. */
function form(action: string, key: string, controls: string): string {
  return `<form method="post" action="${action}">
<input type="hidden" name="link" value="${escapeHtml(key)}">
${controls}</form>
`;
}

/** `minlength` counts UTF-16 units, never fewer than the characters that the server counts. */
function passwordInput({ name, label, hint }: Field, minLength: number, issue: Issue | undefined): string {
  const errors = (issue?.fields ?? []).filter(({ field }) => field === name).map(({ message }) => `This ${message}.`);
  const notes = [
    ...(hint === undefined ? [] : [{ id: `${name}-hint`, kind: 'hint', text: hint }]),
    ...(errors.length === 0 ? [] : [{ id: `${name}-error`, kind: 'error', text: errors.join(' ') }]),
  ];
  const attributes = [
    `id="${name}" name="${name}" type="password" autocomplete="new-password" required minlength="${minLength}"`,
    ...(notes.length === 0 ? [] : [`aria-describedby="${notes.map(({ id }) => id).join(' ')}"`]),
    ...(errors.length === 0 ? [] : ['aria-invalid="true"']),
  ];
  return `<label for="${name}">${escapeHtml(label)}</label>
<input ${attributes.join(' ')}>
${notes.map(({ id, kind, text }) => `<p class="${kind}" id="${id}">${escapeHtml(text)}</p>\n`).join('')}`;
}

/** Messages have no subject of their own: `must be at least 8 characters`. */
function summary(fields: readonly Field[], issue: Issue | undefined): string {
  if (!issue) return '';
  const others = (issue.fields ?? []).filter(({ field }) => !fields.some(({ name }) => name === field));
  const sentences = [issue.summary, ...others.map(({ field, message }) => `${SUBJECTS[field] ?? field} ${message}.`)];
  return `<div class="issue" role="alert">${sentences.map((text) => `<p>${escapeHtml(text)}</p>`).join('')}</div>\n`;
}
