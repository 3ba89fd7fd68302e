/**
 * The pages that mailed links open: `/reset-password` and `/verify-email`. A GET only shows a form, whatever opens it
 * (programs look through mail before people do); the token is used when the form is sent.
 */
import type { FastifyInstance, FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { clientInfo, type ClientInfo } from '../client-info.js';
import type { AppError, ErrorCode } from '../errors.js';
import { toAppError } from './errors.js';
import { messagePage, PAGES_CSP, resetPasswordPage, verifyEmailPage, type Html, type Trouble } from './page-html.js';

export interface PagesOptions {
  /** In code points. */
  readonly minPasswordLength: number;
  /** @throws AppError VALIDATION_ERROR, INVALID_TOKEN, RATE_LIMIT_EXCEEDED, SERVICE_UNAVAILABLE */
  resetPassword(
    input: { token: string; password: string; passwordConfirmation: string },
    client: ClientInfo,
  ): Promise<void>;
  /** @throws AppError INVALID_TOKEN, VALIDATION_ERROR, RATE_LIMIT_EXCEEDED, SERVICE_UNAVAILABLE */
  verifyEmail(token: string, client: ClientInfo): Promise<void>;
}

/** A path with a form, and what the form is for. */
interface Step {
  readonly path: string;
  form(token: string, trouble?: Trouble): Html;
  submit(token: string, fields: URLSearchParams, client: ClientInfo): Promise<void>;
  readonly done: Html;
}

/** Room for a token and two passwords of 256 characters, 12 bytes each in this encoding at most. */
const BODY_LIMIT = 8192;
const TOKEN = /^[\w-]{1,64}$/;
/** What a person can be told; the rest is the app's to answer. */
const SHOWN: ReadonlySet<ErrorCode> = new Set([
  'VALIDATION_ERROR',
  'INVALID_TOKEN',
  'RATE_LIMIT_EXCEEDED',
  'SERVICE_UNAVAILABLE',
]);

const INCOMPLETE = messagePage(
  'This link is incomplete',
  'Part of the link is missing. Open it from the message again, or copy the whole of it.',
  true,
);
const SPENT = messagePage(
  'This link is no longer good',
  'It was used already, or it is too old, or a newer one was sent. Ask for a new link.',
  true,
);

const plugin: FastifyPluginCallback<PagesOptions> = (app, options, done) => {
  const { minPasswordLength } = options;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, parsed) => {
    parsed(null, new URLSearchParams(body as string));
  });
  // What is refused before there is a form to show again, by the limit of requests for one.
  app.setErrorHandler((error, request, reply) => {
    showFault(error, request, reply, ({ message }) => messagePage('That did not work', message, true));
  });

  addStep(app, {
    path: '/reset-password',
    form: (token, trouble) => resetPasswordPage(token, minPasswordLength, trouble),
    submit: (token, fields, client) => {
      const password = fields.get('password') ?? '';
      const passwordConfirmation = fields.get('passwordConfirmation') ?? '';
      return options.resetPassword({ token, password, passwordConfirmation }, client);
    },
    done: messagePage(
      'Your password was changed',
      'You were signed out everywhere. Sign in with the new password; you can close this page.',
    ),
  });
  addStep(app, {
    path: '/verify-email',
    form: verifyEmailPage,
    submit: (token, _fields, client) => options.verifyEmail(token, client),
    done: messagePage('Your e-mail address is confirmed', 'You can close this page.'),
  });
  done();
};

function addStep(app: FastifyInstance, { path, form, submit, done }: Step): void {
  app.get<{ Querystring: { token?: unknown } }>(path, (request, reply) => {
    const token = goodToken(request.query.token);
    return token === undefined ? show(reply, 400, INCOMPLETE) : show(reply, 200, form(token));
  });

  app.post(path, { bodyLimit: BODY_LIMIT }, async (request, reply) => {
    const fields = request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
    const token = goodToken(fields.get('token'));
    if (token === undefined) return show(reply, 400, INCOMPLETE);
    try {
      await submit(token, fields, clientInfo(request.ip, request.headers['user-agent']));
    } catch (error) {
      return showFault(error, request, reply, (fault) => form(token, troubleOf(fault)));
    }
    return show(reply, 200, done);
  });
}

function goodToken(token: unknown): string | undefined {
  return typeof token === 'string' && TOKEN.test(token) ? token : undefined;
}

function troubleOf({ message, details: { details } }: AppError): Trouble {
  return details ? { summary: 'That was not accepted.', faults: details } : { summary: message };
}

/** @throws what is not for people to see, as it came */
function showFault(
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  page: (fault: AppError) => Html,
): FastifyReply {
  const fault = toAppError(thrown, request.id);
  if (!SHOWN.has(fault.code)) throw thrown;
  request.errorCode = fault.code;
  if (fault.status >= 500) request.failure = fault;
  if (fault.status === 429 || fault.status === 503) void reply.header('retry-after', fault.details.retryAfter ?? 1);
  return show(reply, fault.status, fault.code === 'INVALID_TOKEN' ? SPENT : page(fault));
}

function show(reply: FastifyReply, status: number, html: Html): FastifyReply {
  return reply.code(status).header('content-security-policy', PAGES_CSP).type('text/html; charset=utf-8').send(html);
}

/** Serves the pages. Their forms work without script, and below any path that a proxy puts before them. */
export const pages = fp(plugin, {
  name: 'pages',
  dependencies: ['security-headers'],
  encapsulate: true,
  fastify: '5.x',
});
