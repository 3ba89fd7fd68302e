/**
 * The pages that mailed links open: `/reset-password`, `/verify-email` and `/cancel-email-change`. A GET never uses the
 * token, since mail scanners open links before people do. It moves the token from the address into a cookie and shows a
 * form; sending the form uses the token.
 */
import type { FastifyInstance, FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { clientOf } from '../fastify/client.js';
import type { ClientInfo } from '../lib/client-info.js';
import { AppError, type ErrorCode } from '../lib/errors.js';
import { isCrossSite } from '../fastify/cross-site.js';
import { toAppError } from '../fastify/errors.js';
import { createLinkCookies, formKey, type LinkPage } from './link-cookie.js';
import {
  cancelChangePage,
  messagePage,
  PAGES_CSP,
  resetPasswordPage,
  verifyEmailPage,
  type Html,
  type Issue,
} from './html.js';
import {
  ALREADY_DONE,
  changeCancelled,
  CROSS_SITE,
  DONE,
  INCOMPLETE,
  NO_COOKIE,
  NOT_VALID,
  OTHER_LINK,
  type CancelledChange,
  type LinkOutcome,
} from './messages.js';

export interface PagesOptions {
  /** The service's name, as people see it. */
  readonly appName: string;
  /** In code points. */
  readonly minPasswordLength: number;
  /** Where mailed links point: APP_URL, or else PUBLIC_URL. */
  readonly pagesUrl: string;
  /** Origins whose forms are accepted. */
  readonly origins: readonly string[];
  /** What a token did when it was used; undefined if it was never used. @throws AppError SERVICE_UNAVAILABLE */
  outcomeOf(token: string): Promise<LinkOutcome | undefined>;
  /** @throws AppError VALIDATION_ERROR, INVALID_TOKEN, RATE_LIMIT_EXCEEDED, SERVICE_UNAVAILABLE */
  resetPassword(
    input: { token: string; password: string; passwordConfirmation: string },
    client: ClientInfo,
  ): Promise<void>;
  /** @throws AppError INVALID_TOKEN, VALIDATION_ERROR, RATE_LIMIT_EXCEEDED, SERVICE_UNAVAILABLE */
  verifyEmail(token: string, client: ClientInfo): Promise<void>;
  /** @throws AppError INVALID_TOKEN, RATE_LIMIT_EXCEEDED, SERVICE_UNAVAILABLE */
  rejectEmail(token: string, client: ClientInfo): Promise<void>;
  /** @throws AppError INVALID_TOKEN, RATE_LIMIT_EXCEEDED, SERVICE_UNAVAILABLE */
  cancelChange(token: string, client: ClientInfo): Promise<CancelledChange>;
}

/** A page with a form. */
interface Step {
  readonly page: LinkPage;
  form(key: string, issue?: Issue): Html;
  /** Does what the button says, and returns the page that says so. */
  submit(token: string, fields: URLSearchParams, client: ClientInfo): Promise<Html>;
}

/** Room for a form key and two passwords of 256 characters, 12 bytes each in this encoding at most. */
const BODY_LIMIT = 8192;
const TOKEN = /^[\w-]{1,64}$/;
/** Errors that a page explains; the app's error handler answers the rest. */
const SHOWN: ReadonlySet<ErrorCode> = new Set([
  'VALIDATION_ERROR',
  'INVALID_TOKEN',
  'RATE_LIMIT_EXCEEDED',
  'SERVICE_UNAVAILABLE',
]);

const plugin: FastifyPluginCallback<PagesOptions> = (app, options, done) => {
  const { appName, minPasswordLength } = options;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, parsed) => {
    parsed(null, new URLSearchParams(body as string));
  });
  // Requests that are refused before there is a form to show again, such as those over the rate limit.
  app.setErrorHandler((error, request, reply) => {
    showError(error, request, reply, ({ message }) => messagePage('That did not work', message, true));
  });

  addStep(app, options, {
    page: 'reset-password',
    form: (key, issue) => resetPasswordPage(key, minPasswordLength, issue),
    async submit(token, fields, client) {
      const password = fields.get('password') ?? '';
      const passwordConfirmation = fields.get('passwordConfirmation') ?? '';
      await options.resetPassword({ token, password, passwordConfirmation }, client);
      return DONE.password_reset;
    },
  });
  addStep(app, options, {
    page: 'verify-email',
    form: (key, issue) => verifyEmailPage(key, appName, issue),
    async submit(token, fields, client) {
      if (fields.get('answer') === 'no') {
        await options.rejectEmail(token, client);
        return DONE.email_rejected;
      }
      await options.verifyEmail(token, client);
      return DONE.email_verified;
    },
  });
  addStep(app, options, {
    page: 'cancel-email-change',
    form: cancelChangePage,
    submit: async (token, _fields, client) => changeCancelled(await options.cancelChange(token, client)),
  });
  done();
};

function addStep(app: FastifyInstance, options: PagesOptions, { page, form, submit }: Step): void {
  const cookies = createLinkCookies(options);
  const origins = new Set(options.origins);

  app.get<{ Querystring: { token?: unknown } }>(`/${page}`, (request, reply) => {
    if (request.query.token !== undefined) {
      const token = goodToken(request.query.token);
      if (token === undefined) return show(reply, 400, INCOMPLETE);
      cookies.set(reply, page, token);
      // Relative, so that the pages work under any path prefix, and without the query.
      return reply.redirect(page, 303);
    }
    const token = goodToken(cookies.read(request, page));
    return token === undefined ? show(reply, 400, NO_COOKIE) : show(reply, 200, form(formKey(token)));
  });

  app.post(`/${page}`, { bodyLimit: BODY_LIMIT }, async (request, reply) => {
    if (isCrossSite(request, origins)) return show(reply, 403, CROSS_SITE);
    const fields = request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
    const token = goodToken(cookies.read(request, page));
    if (token === undefined) return show(reply, 400, NO_COOKIE);
    const key = formKey(token);
    if (fields.get('link') !== key) return show(reply, 409, OTHER_LINK);
    let done: Html;
    try {
      done = await submit(token, fields, clientOf(request));
    } catch (error) {
      const before = await usedBefore(error, token, options);
      if (before !== undefined) return show(reply, 200, ALREADY_DONE[before]);
      return showError(error, request, reply, (shown) => form(key, issueOf(shown)));
    }
    return show(reply, 200, done);
  });
}

/** What the token did before, if the error is that it cannot be used any more. */
async function usedBefore(thrown: unknown, token: string, { outcomeOf }: PagesOptions) {
  const isRefused = thrown instanceof AppError && thrown.code === 'INVALID_TOKEN';
  return isRefused ? outcomeOf(token) : undefined;
}

function goodToken(token: unknown): string | undefined {
  return typeof token === 'string' && TOKEN.test(token) ? token : undefined;
}

function issueOf({ message, details: { details } }: AppError): Issue {
  return details ? { summary: 'That was not accepted.', fields: details } : { summary: message };
}

/** @throws errors that a page does not explain, unchanged */
function showError(
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  page: (error: AppError) => Html,
): FastifyReply {
  const error = toAppError(thrown, request.id);
  if (!SHOWN.has(error.code)) throw thrown;
  request.errorCode = error.code;
  if (error.status >= 500) request.failure = error;
  if (error.status === 429 || error.status === 503) void reply.header('retry-after', error.details.retryAfter ?? 1);
  return show(reply, error.status, error.code === 'INVALID_TOKEN' ? NOT_VALID : page(error));
}

function show(reply: FastifyReply, status: number, html: Html): FastifyReply {
  return reply.code(status).header('content-security-policy', PAGES_CSP).type('text/html; charset=utf-8').send(html);
}

/** Serves the pages. Their forms need no script, and work under any path prefix that a proxy adds. */
export const pages = fp(plugin, {
  name: 'pages',
  dependencies: ['security-headers', 'cookies'],
  encapsulate: true,
  fastify: '5.x',
});
