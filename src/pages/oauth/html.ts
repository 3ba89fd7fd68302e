/** Renders the forms of the OAuth provider. They work without scripts; the one script adds passkeys. All text is escaped. */
import { escapeHtml } from '../../lib/html.js';
import type { BrowserSession } from '../../oauth/authorization/browser-sessions.js';
import type { OAuthClient } from '../../oauth/clients/client.js';
import type { ConsentView } from '../../oauth/authorization/step.js';
import { CODE, codeInput, input, page, summary, type Field, type Html, type Issue } from '../layout.js';
import { scopeText } from './scope-texts.js';

/** The paths of the provider's pages, with that of PUBLIC_URL. */
export interface OAuthPaths {
  readonly login: string;
  readonly consent: string;
  readonly logout: string;
  readonly authorize: string;
  readonly device: string;
  /** A URL. */
  readonly identity: string;
  readonly passkeyScript: string;
  readonly passkeyStart: string;
}

/** The hidden fields of a form. */
export interface FormState {
  /** The random bits of the pending request. */
  readonly request: string;
  readonly key: string;
}

export interface LoginView extends FormState {
  readonly appName: string;
  /** The name that the client registered. */
  readonly clientName: string;
  readonly identifier: string | undefined;
  /** Whether mailed codes are a way to sign in. */
  readonly emailLogin: boolean;
  readonly identityProviders: readonly { readonly id: string; readonly name: string }[];
  readonly issue?: Issue | undefined;
}

/** The challenge of the first step, and the methods with which the account can answer it. */
export interface SecondStep {
  readonly challenge: string;
  readonly methods: readonly string[];
}

const IDENTIFIER: Field = { name: 'identifier', label: 'Email address or username' };
const PASSWORD: Field = { name: 'password', label: 'Password' };
const EMAIL_CODE: Field = { name: 'code', label: 'Code from the email' };

export function loginPage(view: LoginView, paths: OAuthPaths): Html {
  const { appName, clientName, identifier, emailLogin, identityProviders, issue } = view;
  const value = identifier === undefined ? '' : ` value="${escapeHtml(identifier)}"`;
  const emailButton = emailLogin
    ? '<button type="submit" name="action" value="email-code" formnovalidate class="second">Email me a code</button>\n'
    : '';
  const identityButtons = identityProviders
    .map(
      ({ id, name }) =>
        `<button type="submit" name="provider" value="${escapeHtml(id)}" formnovalidate class="second">Continue with ${escapeHtml(name)}</button>\n`,
    )
    .join('');
  const content = `<p>to continue to ${nameOf(clientName)}.</p>
${summary([IDENTIFIER, PASSWORD], issue)}${form(
    paths.login,
    view,
    `${input(IDENTIFIER, `type="text" autocomplete="username webauthn" autocapitalize="none" spellcheck="false" required${value}`, issue)}${input(
      PASSWORD,
      'type="password" autocomplete="current-password" required',
      issue,
    )}<button type="submit">Sign in</button>
${emailButton}${identityButtons}`,
  )}${passkeyForm(paths, view)}`;
  return page(`Sign in to ${appName}`, content, { issue, head: scriptOf(paths) });
}

/** The second step. The form repeats the challenge of the first step, and the methods of the account, for its next display. */
export function secondFactorPage(state: FormState, step: SecondStep, paths: OAuthPaths, issue?: Issue): Html {
  const hasCode = step.methods.some((each) => each !== 'PASSKEY');
  const hasPasskey = step.methods.includes('PASSKEY');
  const codes = hasCode
    ? form(paths.login, state, `${stepInputs(step)}${codeInput(issue)}<button type="submit">Sign in</button>\n`)
    : '<p>Use the passkey of your account.</p>\n';
  const content = `${summary([CODE], issue)}${codes}${hasPasskey ? passkeyForm(paths, state, step) : ''}`;
  return page('Enter a code', content, { issue, head: hasPasskey ? scriptOf(paths) : '' });
}

/** The form for a mailed code. @param email where it was sent, if an account has the address */
export function emailCodePage(state: FormState, email: string, paths: OAuthPaths, issue?: Issue): Html {
  const kind = 'type="text" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" required';
  const content = `<p>If an account has the address <bdi>${escapeHtml(email)}</bdi>, a code is on its way to it.</p>
${summary([EMAIL_CODE], issue)}${form(
    paths.login,
    state,
    `${hiddenInput('email', email)}${input(EMAIL_CODE, kind, issue)}<button type="submit">Sign in</button>\n`,
  )}`;
  return page('Enter the code', content, { issue });
}

export function consentPage(
  state: FormState,
  { client, scopes, redirectUri, session }: ConsentView,
  paths: OAuthPaths,
): Html {
  const { account } = session;
  const items = scopes.map((scope) => `<li>${escapeHtml(scopeText(scope))}</li>\n`).join('');
  const content = `<p>${nameOf(client.name)} asks to:</p>
<ul>
${items}</ul>
${unverified(client)}<p>You are signed in as <bdi>${escapeHtml(account.username)}</bdi> (<bdi>${escapeHtml(account.email)}</bdi>). You will return to <bdi>${escapeHtml(placeOf(redirectUri))}</bdi>.</p>
${form(
  paths.consent,
  state,
  `<button type="submit" name="decision" value="allow">Allow</button>
<button type="submit" name="decision" value="deny" class="second">Deny</button>
`,
)}<form method="get" action="${escapeHtml(paths.login)}">
${hiddenInput('request', state.request)}<button type="submit" class="second">Use another account</button>
</form>
`;
  return page('Allow access?', content);
}

/** Asks whether the person wants to be signed out. @param search the request, to be sent with the form */
export function logoutPage(
  {
    search,
    key,
    session: { account },
  }: { readonly search: string; readonly key: string; readonly session: BrowserSession },
  { logout }: OAuthPaths,
): Html {
  const content = `<p>You are signed in as <bdi>${escapeHtml(account.username)}</bdi>.</p>
<form method="post" action="${escapeHtml(logout)}">
${hiddenInput('search', search)}${hiddenInput('key', key)}<button type="submit">Sign out</button>
</form>
`;
  return page('Sign out?', content);
}

/**
 * Sends the browser to another site after a form. A redirect would be blocked: browsers apply the directive form-action to it, and to
 * all further redirects of that site.
 */
export function redirectPage(url: string, lead = 'You return to the application.'): Html {
  const target = escapeHtml(url);
  const content = `<p>${escapeHtml(lead)} If nothing happens, <a href="${target}">continue here</a>.</p>\n`;
  return page('One moment', content, { head: `<meta http-equiv="refresh" content="0;url=${target}">\n` });
}

/** Anybody may register a name, so it is isolated from the direction of the text around it. */
export function nameOf(clientName: string): Html {
  return `<strong><bdi>${escapeHtml(clientName)}</bdi></strong>`;
}

/** A warning about a client that registered itself, perhaps under the name of another (RFC 7591 section 5). */
export function unverified({ source }: Pick<OAuthClient, 'source'>): Html {
  if (source === 'ADMINISTRATOR') return '';
  return '<p><strong>This application registered itself, and nobody has verified its name.</strong> Choose Deny if you do not know it.</p>\n';
}

/** The host of a website, or the whole URI of an app on the device. */
function placeOf(redirectUri: string): string {
  return /^https?:/.test(redirectUri) ? new URL(redirectUri).host : redirectUri;
}

function stepInputs({ challenge, methods }: SecondStep): Html {
  return `${hiddenInput('challenge', challenge)}${hiddenInput('methods', methods.join(' '))}`;
}

/** Hidden until the script finds that the browser knows passkeys. */
function passkeyForm({ login, passkeyStart }: OAuthPaths, { request, key }: FormState, secondStep?: SecondStep): Html {
  const step = secondStep ? stepInputs(secondStep) : '';
  return `<form method="post" action="${escapeHtml(login)}" id="passkey-form" data-start="${escapeHtml(passkeyStart)}" hidden>
${hiddenInput('request', request)}${hiddenInput('key', key)}${step}${hiddenInput('passkeyChallenge', '')}${hiddenInput('passkey', '')}<button type="submit" class="second">Use a passkey</button>
</form>
`;
}

function scriptOf({ passkeyScript }: OAuthPaths): Html {
  return `<script src="${escapeHtml(passkeyScript)}" defer></script>\n`;
}

export function form(action: string, { request, key }: FormState, controls: Html): Html {
  return `<form method="post" action="${escapeHtml(action)}">
${hiddenInput('request', request)}${hiddenInput('key', key)}${controls}</form>
`;
}

export function hiddenInput(name: string, value: string): Html {
  return `<input type="hidden" name="${name}" value="${escapeHtml(value)}">\n`;
}
