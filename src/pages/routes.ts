/**
 * The pages behind mailed links: `/reset-password`, `/verify-email`, `/cancel-email-change` and `/email-code`. A GET never consumes the token,
 * because mail scanners open links. It moves the token from the URL to a cookie and shows a form. The POST consumes the token.
 */
import type { FastifyInstance, FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { clientOf } from '../fastify/client.js';
import type { ClientInfo } from '../lib/client-info.js';
import { AppError, type ErrorCode } from '../lib/errors.js';
import type { FactorOnPage } from '../passwords/reset.js';
import { isChallenged } from '../sessions/sign-in.js';
import type { PageSignIn } from './sign-in.js';
import { isCrossSite } from '../fastify/cross-site.js';
import { toAppError } from '../fastify/errors.js';
import { createLinkCookies, formKey, validToken, type LinkPage } from './link-cookie.js';
import {
  cancelChangePage,
  emailCodePage,
  messagePage,
  resetPasswordPage,
  secondFactorPage,
  verifyEmailPage,
} from './html.js';
import { PAGES_CSP, type Html, type Issue } from './layout.js';
import {
  ALREADY_DONE,
  CHALLENGE_NOT_VALID,
  changeCancelled,
  CROSS_SITE,
  DONE,
  INCOMPLETE,
  NO_COOKIE,
  NOT_VALID,
  OTHER_LINK,
  PASSKEY_NEXT,
  SECOND_FACTOR_NEEDED,
  signedIn,
  type CancelledChange,
  type LinkOutcome,
} from './messages.js';

export interface PagesOptions {
  /** The service's name, shown to people. */
  readonly appName: string;
  /** In Unicode code points. */
  readonly minPasswordLength: number;
  /** Base URL of mailed links: APP_URL, or else PUBLIC_URL. */
  readonly pagesUrl: string;
  /** Origins whose forms are accepted. */
  readonly origins: readonly string[];
  /** The effect of a used token; undefined if it was not used. @throws AppError SERVICE_UNAVAILABLE */
  outcomeOf(token: string): Promise<LinkOutcome | undefined>;
  /** @throws AppError VALIDATION_ERROR, INVALID_TOKEN, INVALID_CODE, RATE_LIMIT_EXCEEDED, SERVICE_UNAVAILABLE */
  resetPassword(
    input: { token: string; password: string; passwordConfirmation: string; code?: string },
    client: ClientInfo,
  ): Promise<void>;
  /** The second factor of the account that gets a new password. @throws AppError SERVICE_UNAVAILABLE */
  factorOnPage(token: string): Promise<FactorOnPage>;
  /** @throws AppError INVALID_TOKEN, VALIDATION_ERROR, RATE_LIMIT_EXCEEDED, SERVICE_UNAVAILABLE */
  verifyEmail(token: string, client: ClientInfo): Promise<void>;
  /** @throws AppError INVALID_TOKEN, RATE_LIMIT_EXCEEDED, SERVICE_UNAVAILABLE */
  rejectEmail(token: string, client: ClientInfo): Promise<void>;
  /** @throws AppError INVALID_TOKEN, RATE_LIMIT_EXCEEDED, SERVICE_UNAVAILABLE */
  cancelChange(token: string, client: ClientInfo): Promise<CancelledChange>;
  /**
   * Undefined without EMAIL_LOGIN.
   * @throws AppError INVALID_TOKEN, INVALID_CODE, ACCOUNT_DISABLED, RATE_LIMIT_EXCEEDED, SERVICE_UNAVAILABLE
   */
  readonly signIn: PageSignIn | undefined;
}

/** A form that a person sent. */
interface SubmittedForm {
  readonly fields: URLSearchParams;
  readonly client: ClientInfo;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** A page with a form and its submission. */
interface Step {
  readonly page: LinkPage;
  /** @param fields the form that was sent, if it is shown again */
  form(token: string, issue?: Issue, fields?: URLSearchParams): Html | Promise<Html>;
  /** Handles the submitted form and returns the page with the result. */
  submit(token: string, form: SubmittedForm): Promise<Html>;
}

/** Enough for a form key and two passwords of 256 characters, each at most 12 bytes when URL-encoded. */
const BODY_LIMIT = 8192;
/** Errors that a page explains. The app's error handler answers others. */
const SHOWN: ReadonlySet<ErrorCode> = new Set([
  'VALIDATION_ERROR',
  'INVALID_TOKEN',
  'ACCOUNT_DISABLED',
  'INVALID_CODE',
  'RATE_LIMIT_EXCEEDED',
  'SERVICE_UNAVAILABLE',
]);

const plugin: FastifyPluginCallback<PagesOptions> = (app, options, done) => {
  const { appName, minPasswordLength } = options;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, parsed) => {
    parsed(null, new URLSearchParams(body as string));
  });
  // For errors before the form exists, such as an exceeded rate limit.
  app.setErrorHandler((error, request, reply) =>
    showError(error, request, reply, ({ message }) => messagePage('Something went wrong', message, true)),
  );

  addStep(app, options, {
    page: 'reset-password',
    form: async (token, issue) =>
      resetPasswordPage(formKey(token), minPasswordLength, await options.factorOnPage(token), issue),
    async submit(token, { fields, client }) {
      const password = fields.get('password') ?? '';
      const passwordConfirmation = fields.get('passwordConfirmation') ?? '';
      const code = fields.get('code');
      const input = { token, password, passwordConfirmation, ...(code === null ? {} : { code }) };
      const factor = await options.factorOnPage(token);
      await options.resetPassword(input, client);
      return factor === 'passkey' ? PASSKEY_NEXT : DONE.password_reset;
    },
  });
  addStep(app, options, {
    page: 'verify-email',
    form: (token, issue) => verifyEmailPage(formKey(token), appName, issue),
    async submit(token, { fields, client }) {
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
    form: (token, issue) => cancelChangePage(formKey(token), issue),
    submit: async (token, { client }) => changeCancelled(await options.cancelChange(token, client)),
  });
  const { signIn } = options;
  if (signIn)
    addStep(app, options, {
      page: 'email-code',
      form(token, issue, fields) {
        const key = formKey(token);
        const challenge = fields?.get('challenge');
        return challenge == null ? emailCodePage(key, appName, issue) : secondFactorPage(key, challenge, issue);
      },
      async submit(token, { fields, request, reply }) {
        const challenge = fields.get('challenge');
        const result =
          challenge === null
            ? await signIn.byLink(token, request, reply)
            : await signIn.bySecondFactor(challenge, fields.get('code') ?? '', request, reply);
        if (!isChallenged(result)) return signedIn(result.account.email);
        // A passkey needs a script, which the pages have not.
        const { methods, challenge: issued } = result.challenge;
        return methods.some((method) => method !== 'PASSKEY')
          ? secondFactorPage(formKey(token), issued)
          : SECOND_FACTOR_NEEDED;
      },
    });
  done();
};

function addStep(app: FastifyInstance, options: PagesOptions, { page, form, submit }: Step): void {
  const cookies = createLinkCookies(options);
  const origins = new Set(options.origins);

  app.get<{ Querystring: { token?: unknown } }>(`/${page}`, async (request, reply) => {
    if (request.query.token !== undefined) {
      const token = validToken(request.query.token);
      if (token === undefined) return show(reply, 400, INCOMPLETE);
      cookies.set(reply, page, token);
      // Relative, so that it works below any path prefix, and without the query.
      return reply.redirect(page, 303);
    }
    const token = validToken(cookies.read(request, page));
    return token === undefined ? show(reply, 400, NO_COOKIE) : show(reply, 200, await form(token));
  });

  app.post(`/${page}`, { bodyLimit: BODY_LIMIT }, async (request, reply) => {
    if (isCrossSite(request, origins)) return show(reply, 403, CROSS_SITE);
    const fields = request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
    const token = validToken(cookies.read(request, page));
    if (token === undefined) return show(reply, 400, NO_COOKIE);
    if (fields.get('link') !== formKey(token)) return show(reply, 409, OTHER_LINK);
    let done: Html;
    try {
      done = await submit(token, { fields, client: clientOf(request), request, reply });
    } catch (error) {
      const page = (shown: AppError) => form(token, issueOf(shown), fields);
      // A challenge can be refused after its link was used.
      if (fields.has('challenge')) return showError(error, request, reply, page, CHALLENGE_NOT_VALID);
      const outcome = await previousOutcome(error, token, options);
      if (outcome !== undefined) return show(reply, 200, ALREADY_DONE[outcome]);
      return showError(error, request, reply, page);
    }
    return show(reply, 200, done);
  });
}

/** The effect that the token had earlier, if the error is INVALID_TOKEN. */
async function previousOutcome(thrown: unknown, token: string, { outcomeOf }: PagesOptions) {
  const isRefused = thrown instanceof AppError && thrown.code === 'INVALID_TOKEN';
  return isRefused ? outcomeOf(token) : undefined;
}

function issueOf({ message, details: { details } }: AppError): Issue {
  return details ? { summary: 'The form contains errors.', fields: details } : { summary: message };
}

/** Shows an error on a page. @throws the error itself if pages do not explain it */
async function showError(
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  page: (error: AppError) => Html | Promise<Html>,
  notValid = NOT_VALID,
): Promise<FastifyReply> {
  const error = toAppError(thrown, request.id);
  if (!SHOWN.has(error.code)) throw thrown;
  request.errorCode = error.code;
  if (error.status >= 500) request.failure = error;
  if (error.status === 429 || error.status === 503) void reply.header('retry-after', error.details.retryAfter ?? 1);
  return show(reply, error.status, error.code === 'INVALID_TOKEN' ? notValid : await page(error));
}

function show(reply: FastifyReply, status: number, html: Html): FastifyReply {
  return reply.code(status).header('content-security-policy', PAGES_CSP).type('text/html; charset=utf-8').send(html);
}

/** Serves the pages. Their forms work without scripts and below any path prefix that a proxy adds. */
export const pages = fp(plugin, {
  name: 'pages',
  dependencies: ['security-headers', 'cookies'],
  encapsulate: true,
  fastify: '5.x',
});
