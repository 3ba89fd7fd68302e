/** Renders the pages behind mailed links, without scripts. All text is escaped. Pure functions. */
import { escapeHtml } from '../lib/html.js';
import type { FactorOnPage } from '../passwords/reset.js';
import { CODE, codeInput, input, page, summary, type Field, type Html, type Issue } from './layout.js';

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
  return page('Choose a new password', content + form('reset-password', key, controls), { issue });
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
  return page('Confirm your email address', summary([], issue) + question + form('verify-email', key, buttons), {
    issue,
  });
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
  return page('Cancel a change to your account', content, { issue });
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
  return page('Sign in', summary([], issue) + explanation + form('email-code', key, button), { issue });
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
  return page('Enter a code', summary([CODE], issue) + form('email-code', key, controls), { issue });
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

/** The action is relative, so that it works below any path prefix. */
function form(action: string, key: string, controls: string): string {
  return `<form method="post" action="${action}">
<input type="hidden" name="link" value="${escapeHtml(key)}">
${controls}</form>
`;
}

const PASSKEY_NOTE = `<p>Your account has a passkey. After the change, sign in with the new password and the passkey.</p>
`;

/** `minlength` counts UTF-16 code units, so it never rejects a password that the server accepts. */
function passwordInput(field: Field, minLength: number, issue: Issue | undefined): string {
  return input(field, `type="password" autocomplete="new-password" required minlength="${minLength}"`, issue);
}
