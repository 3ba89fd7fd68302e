/** The layout of the service's HTML pages: one stylesheet, no inline scripts. All text is escaped. Pure functions. */
import { createHash } from 'node:crypto';
import type { FieldError } from '../lib/errors.js';
import { escapeHtml } from '../lib/html.js';

/** A complete HTML document. */
export type Html = string;

/** The errors of a submitted form, shown with the form. */
export interface Issue {
  readonly summary: string;
  /** Shown next to their fields, or below the summary if the form has no such field. */
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

const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
];

/** Allows only the stylesheet, and forms to this origin. */
export const PAGES_CSP = POLICY.join('; ');
/** Also allows scripts of this origin, and their requests to it. */
export const SCRIPT_CSP = [...POLICY, "script-src 'self'", "connect-src 'self'"].join('; ');

/** Labels for errors of fields that the form does not show. */
const SUBJECTS: Readonly<Record<string, string>> = { token: 'The link', email: 'The email address' };

/** A labelled input. */
export interface Field {
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
}

export interface PageOptions {
  /** The errors of a submitted form, for the title. */
  readonly issue?: Issue | undefined;
  /** Further elements of the head. */
  readonly head?: Html;
}

/** A page. @param title plain text @param content HTML */
export function page(title: string, content: Html, { issue, head = '' }: PageOptions = {}): Html {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${head}<title>${issue ? 'Error: ' : ''}${escapeHtml(title)}</title>
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

/** The second factor of a sign-in. */
export const CODE: Field = { name: 'code', label: 'Code of your authenticator app, or a recovery code' };

/** No `inputmode="numeric"`, because recovery codes have letters. */
export function codeInput(issue: Issue | undefined): string {
  return input(
    CODE,
    'type="text" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" required',
    issue,
  );
}

/** A labelled input with its hint and its errors. @param kind further attributes, as HTML */
export function input({ name, label, hint }: Field, kind: string, issue: Issue | undefined): string {
  const errors = (issue?.fields ?? []).filter(({ field }) => field === name).map(({ message }) => `This ${message}.`);
  const notes = [
    ...(hint === undefined ? [] : [{ id: `${name}-hint`, kind: 'hint', text: hint }]),
    ...(errors.length === 0 ? [] : [{ id: `${name}-error`, kind: 'error', text: errors.join(' ') }]),
  ];
  const attributes = [
    `id="${name}" name="${name}" ${kind}`,
    ...(notes.length === 0 ? [] : [`aria-describedby="${notes.map(({ id }) => id).join(' ')}"`]),
    ...(errors.length === 0 ? [] : ['aria-invalid="true"']),
  ];
  return `<label for="${name}">${escapeHtml(label)}</label>
<input ${attributes.join(' ')}>
${notes.map(({ id, kind, text }) => `<p class="${kind}" id="${id}">${escapeHtml(text)}</p>\n`).join('')}`;
}

/** Messages of fields lack a subject (`must be at least 8 characters`), so this adds the label. */
export function summary(fields: readonly Field[], issue: Issue | undefined): string {
  if (!issue) return '';
  const others = (issue.fields ?? []).filter(({ field }) => !fields.some(({ name }) => name === field));
  const sentences = [issue.summary, ...others.map(({ field, message }) => `${SUBJECTS[field] ?? field} ${message}.`)];
  return `<div class="issue" role="alert">${sentences.map((text) => `<p>${escapeHtml(text)}</p>`).join('')}</div>\n`;
}
