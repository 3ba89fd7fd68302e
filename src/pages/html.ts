/** Renders the service's HTML pages with one stylesheet and without scripts. All text is escaped. Pure functions. */
import { createHash } from 'node:crypto';
import type { FieldError } from '../lib/errors.js';
import { escapeHtml } from '../lib/html.js';
import type { FactorOnPage } from '../passwords/reset.js';

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

/** Allows only the stylesheet, and forms to this origin. */
export const PAGES_CSP = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

/** Labels for errors of fields that the form does not show. */
const SUBJECTS: Readonly<Record<string, string>> = { token: 'The link', email: 'The email address' };

interface Field {
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
}

/**
 * The form for a new password and its confirmation. It never contains submitted passwords.
 * @param key the `formKey` of the token
 * @param factor asks for a code as well, or says that the new password needs the passkey
 */
export function resetPasswordPage(key: string, minPasswordLength: number, factor: FactorOnPage, issue?: Issue): Html {
  const fields: readonly Field[] = [
    { name: 'password', label: 'New password', hint: `${minPasswordLength} characters or more.` },
    { name: 'passwordConfirmation', label: 'Confirm the new password' },
  ];
  const inputs = fields.map((field) => passwordInput(field, minPasswordLength, issue)).join('');
  const code = factor === 'code' ? codeInput(issue) : '';
  const controls = `${inputs}${code}<button type="submit">Change password</button>\n`;
  const shown = factor === 'code' ? [...fields, CODE] : fields;
  const content = summary(shown, issue) + (factor === 'passkey' ? PASSKEY_NOTE : '');
  return page('Choose a new password', content + form('reset-password', key, controls), issue);
}

/**
 * The form that confirms or rejects an email address, because another person may have registered with it.
 * @param key the `formKey` of the token
 * @param appName the service's name
 */
export function verifyEmailPage(key: string, appName: string, issue?: Issue): Html {
  const question = `<p>Did you create an account at ${escapeHtml(appName)} with this email address, or change the address of your account to it?</p>
<p>If not, choose “No” to remove your address from that account.</p>
`;
  const buttons = `<button type="submit" name="answer" value="yes">Yes, confirm my address</button>
<button type="submit" name="answer" value="no" class="second">No, this was not me</button>
`;
  return page('Confirm your email address', summary([], issue) + question + form('verify-email', key, buttons), issue);
}

/**
 * The form that cancels a change of the email address or username.
 * @param key the `formKey` of the token
 */
export function cancelChangePage(key: string, issue?: Issue): Html {
  const explanation = `<p>Cancel the change if you did not change the email address or username of your account. This restores the previous one, cancels all later changes, and signs out all devices.</p>
`;
  const button = '<button type="submit">Cancel the change</button>\n';
  const content = summary([], issue) + explanation + form('cancel-email-change', key, button);
  return page('Cancel a change to your account', content, issue);
}

/**
 * The form that signs in with a mailed link. It warns the reader, because an attacker's link would sign in to the attacker's account.
 * @param key the `formKey` of the token
 * @param appName the service's name
 */
export function emailCodePage(key: string, appName: string, issue?: Issue): Html {
  const explanation = `<p>Sign in to ${escapeHtml(appName)} in this browser only if you asked for the email with this link.</p>
`;
  const button = '<button type="submit">Sign in</button>\n';
  return page('Sign in', summary([], issue) + explanation + form('email-code', key, button), issue);
}

/**
 * The form for the second factor of a sign-in.
 * @param key the `formKey` of the token
 * @param challenge of the first step
 */
export function secondFactorPage(key: string, challenge: string, issue?: Issue): Html {
  const controls = `<input type="hidden" name="challenge" value="${escapeHtml(challenge)}">
${codeInput(issue)}<button type="submit">Sign in</button>
`;
  return page('Enter a code', summary([CODE], issue) + form('email-code', key, controls), issue);
}

/** A page with one paragraph. @param alert marks the paragraph as an alert */
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

/** The action is relative, so that it works below any path prefix. */
function form(action: string, key: string, controls: string): string {
  return `<form method="post" action="${action}">
<input type="hidden" name="link" value="${escapeHtml(key)}">
${controls}</form>
`;
}

const CODE: Field = { name: 'code', label: 'Code of your authenticator app, or a recovery code' };
const PASSKEY_NOTE = `<p>Your account has a passkey. After the change, sign in with the new password and the passkey.</p>
`;

/** No `inputmode="numeric"`, because recovery codes have letters. */
function codeInput(issue: Issue | undefined): string {
  return input(
    CODE,
    'type="text" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" required',
    issue,
  );
}

/** `minlength` counts UTF-16 code units, so it never rejects a password that the server accepts. */
function passwordInput(field: Field, minLength: number, issue: Issue | undefined): string {
  return input(field, `type="password" autocomplete="new-password" required minlength="${minLength}"`, issue);
}

function input({ name, label, hint }: Field, kind: string, issue: Issue | undefined): string {
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
function summary(fields: readonly Field[], issue: Issue | undefined): string {
  if (!issue) return '';
  const others = (issue.fields ?? []).filter(({ field }) => !fields.some(({ name }) => name === field));
  const sentences = [issue.summary, ...others.map(({ field, message }) => `${SUBJECTS[field] ?? field} ${message}.`)];
  return `<div class="issue" role="alert">${sentences.map((text) => `<p>${escapeHtml(text)}</p>`).join('')}</div>\n`;
}
