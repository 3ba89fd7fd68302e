/** What the routes of the provider's pages share. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { toAppError } from '../../fastify/errors.js';
import { isCrossSite } from '../../fastify/cross-site.js';
import type { ChargeField } from '../../graphql/directives/limits.js';
import type { AppError, ErrorCode } from '../../lib/errors.js';
import type { BrowserSession, BrowserSessions } from '../../oauth/authorization/browser-sessions.js';
import type { Logout } from '../../oauth/authorization/logout.js';
import { AuthorizationFailure } from '../../oauth/authorization/failure.js';
import type { PendingRequest, PendingRequests } from '../../oauth/authorization/pending.js';
import type { Authorization } from '../../oauth/authorization/service.js';
import type { DeviceApproval } from '../../oauth/device/approval.js';
import type { Step } from '../../oauth/authorization/step.js';
import type { Executor } from '../../db/database.js';
import { PAGES_CSP, SCRIPT_CSP, type Html, type Issue } from '../layout.js';
import { formKey, type OAuthCookies } from './cookies.js';
import { consentPage, redirectPage, type OAuthPaths } from './html.js';
import { CROSS_SITE, ENROLL, OTHER_FORM, PROBLEMS, type ErrorPage } from './messages.js';
import type { BrowserSignIn } from './sign-in.js';

export interface PagesContext {
  /** The service's name, shown to people. */
  readonly appName: string;
  readonly paths: OAuthPaths;
  /** Origins whose forms are accepted. */
  readonly origins: ReadonlySet<string>;
  readonly executor: Executor;
  readonly cookies: OAuthCookies;
  readonly authorization: Authorization;
  readonly deviceApproval: DeviceApproval;
  readonly pending: PendingRequests;
  readonly browserSessions: BrowserSessions;
  readonly logout: Logout;
  readonly signIn: BrowserSignIn;
  /** EMAIL_LOGIN. */
  readonly emailLogin: boolean;
  /** The identity providers that the login page offers. */
  readonly identityProviders: readonly { readonly id: string; readonly name: string }[];
  readonly chargeField: ChargeField;
}

/** A submitted form of a pending request. */
export interface SubmittedForm {
  readonly fields: URLSearchParams;
  readonly pending: PendingRequest;
  readonly session: BrowserSession | undefined;
}

/** Errors that a form explains. */
const SHOWN: ReadonlySet<ErrorCode> = new Set([
  'VALIDATION_ERROR',
  'INVALID_CREDENTIALS',
  'INVALID_TOKEN',
  'INVALID_CODE',
  'IDENTITY_NOT_LINKED',
  'IDENTITY_PROVIDER_ERROR',
  'USER_NOT_FOUND',
  'ACCOUNT_DISABLED',
  'RATE_LIMIT_EXCEEDED',
  'QUERY_REJECTED',
  'SERVICE_UNAVAILABLE',
]);

export function show(reply: FastifyReply, status: number, html: Html, csp = PAGES_CSP): FastifyReply {
  return reply.code(status).header('content-security-policy', csp).type('text/html; charset=utf-8').send(html);
}

/** Shows a page with a form that has the script for passkeys. */
export function showLogin(reply: FastifyReply, status: number, html: Html): FastifyReply {
  return show(reply, status, html, SCRIPT_CSP);
}

export function showError(reply: FastifyReply, { status, html }: ErrorPage): FastifyReply {
  return show(reply, status, html);
}

export function sessionOf(context: PagesContext, request: FastifyRequest): Promise<BrowserSession | undefined> {
  return context.browserSessions.find(context.cookies.sessionToken(request));
}

/** The pending request of a page; undefined if an error page was sent. */
export async function pendingOf(
  context: PagesContext,
  request: FastifyRequest,
  reply: FastifyReply,
  name: string,
): Promise<PendingRequest | undefined> {
  const browser = context.cookies.browserOf(request);
  const found = await context.pending.find(context.executor, { request: name, browser });
  if (typeof found === 'object') return found;
  showError(reply, PROBLEMS[found]);
  return undefined;
}

/**
 * Checks a submitted form: its site, its request and its key. Undefined if an error page was sent.
 */
export async function submitted(
  context: PagesContext,
  request: FastifyRequest,
  reply: FastifyReply,
  form: 'login' | 'consent' | 'device',
): Promise<SubmittedForm | undefined> {
  if (isCrossSite(request, context.origins)) return void showError(reply, CROSS_SITE);
  const fields = new URLSearchParams(typeof request.body === 'string' ? request.body : '');
  const pending = await pendingOf(context, request, reply, fields.get('request') ?? '');
  if (!pending) return undefined;
  const session = await sessionOf(context, request);
  if (fields.get('key') !== keyOf(form, pending, session)) return void showError(reply, OTHER_FORM);
  return { fields, pending, session };
}

/**
 * The hidden key of a form. The person who signed in meanwhile must not answer for the one that the form was shown to, nor with more
 * scopes than it showed, which follow from the role.
 */
export function keyOf(
  form: 'login' | 'consent' | 'device',
  { browser, request }: Pick<PendingRequest, 'browser' | 'request'>,
  session: BrowserSession | undefined,
): string {
  return form === 'login'
    ? formKey(form, browser, request)
    : formKey(form, browser, request, session?.session.id ?? '', session?.account.role ?? '');
}

/** @param isForm whether the browser has sent a form */
export function sendStep(
  { paths, cookies }: PagesContext,
  request: FastifyRequest,
  reply: FastifyReply,
  step: Step,
  isForm: boolean,
): FastifyReply {
  switch (step.kind) {
    case 'problem':
      return showError(reply, PROBLEMS[step.problem]);
    case 'enroll':
      return showError(reply, ENROLL);
    case 'redirect':
      return isForm ? show(reply, 200, redirectPage(step.url)) : reply.redirect(step.url, 303);
    case 'login':
    case 'device':
      return reply.redirect(`${paths[step.kind]}?request=${step.request}`, 303);
    case 'consent': {
      // The page has a URL of its own, so that a reload does not repeat what led to it.
      const isThere = request.routeOptions.url?.endsWith('/oauth/consent') === true && !isForm;
      if (!isThere) return reply.redirect(`${paths.consent}?request=${step.request}`, 303);
      const browser = cookies.browserOf(request) ?? '';
      const key = keyOf('consent', { browser, request: step.request }, step.consent.session);
      return show(reply, 200, consentPage({ request: step.request, key }, step.consent, paths));
    }
  }
}

/** Shows an error with its form. @throws the error itself if pages do not explain it */
export function showIssue(
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  page: (issue: Issue) => Html,
): FastifyReply {
  const error = toAppError(thrown, request.id);
  // The sign-in succeeded; the client is informed.
  if (thrown instanceof AuthorizationFailure || !SHOWN.has(error.code)) throw thrown;
  noteError(error, request, reply);
  return showLogin(reply, error.status, page(issueOf(error)));
}

/** For the log, and for clients that wait. */
export function noteError(error: AppError, request: FastifyRequest, reply: FastifyReply): void {
  request.errorCode = error.code;
  if (error.status >= 500) request.failure = error;
  if (error.status === 429 || error.status === 503) void reply.header('retry-after', error.details.retryAfter ?? 1);
}

function issueOf({ message, details: { details } }: AppError): Issue {
  return details ? { summary: 'The form contains errors.', fields: details } : { summary: message };
}

/** The value of a query parameter that is not repeated. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
