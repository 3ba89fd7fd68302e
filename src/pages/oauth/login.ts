/** `/oauth/login`: signs the browser in, then continues with the request that waits. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../lib/errors.js';
import type { PendingRequest } from '../../oauth/authorization/pending.js';
import type { RequestDescription } from '../../oauth/authorization/service.js';
import { isChallenged, type SignIn } from '../../sessions/sign-in.js';
import type { Html, Issue } from '../layout.js';
import {
  keyOf,
  pendingOf,
  sendStep,
  show,
  showError,
  showIssue,
  showLogin,
  submitted,
  textOf,
  type PagesContext,
  type SubmittedForm,
} from './context.js';
import { identityRoute, returnTo, startIdentity } from './identity.js';
import { emailCodePage, loginPage, secondFactorPage } from './html.js';
import { PROBLEMS } from './messages.js';
import { PASSKEY_SCRIPT } from './passkey-script.js';

/** Enough for the response of a passkey. */
const BODY_LIMIT = 32_768;

export function loginRoutes(app: FastifyInstance, context: PagesContext): void {
  const { paths, authorization, signIn, appName, emailLogin, identityProviders } = context;
  const stateOf = (pending: PendingRequest) => ({
    request: pending.request,
    key: keyOf('login', pending, undefined),
  });

  /** @param identifier what the person typed; the client's hint by default */
  function firstStep(
    pending: PendingRequest,
    { clientName, loginHint }: RequestDescription,
    identifier?: string | null,
  ) {
    const offered = { emailLogin, identityProviders };
    const view = { ...stateOf(pending), appName, clientName, ...offered, identifier: identifier ?? loginHint };
    return (issue?: Issue): Html => loginPage({ ...view, issue }, paths);
  }

  /** The form that was sent, to be shown with its error. */
  function sentForm(fields: URLSearchParams, pending: PendingRequest, described: RequestDescription, error: unknown) {
    const [challenge, email] = [fields.get('challenge'), fields.get('email')];
    const isOver = error instanceof AppError && error.code === 'INVALID_TOKEN';
    if (challenge && !isOver) {
      const step = { challenge, methods: (fields.get('methods') ?? '').split(' ') };
      return (issue: Issue) => secondFactorPage(stateOf(pending), step, paths, issue);
    }
    if (email) return (issue: Issue) => emailCodePage(stateOf(pending), email, paths, issue);
    return firstStep(pending, described, fields.get('identifier'));
  }

  /** Asks for the second factor, or continues with the request. @param isForm whether the browser has sent a form */
  async function proceed(
    result: SignIn,
    pending: PendingRequest,
    request: FastifyRequest,
    reply: FastifyReply,
    isForm: boolean,
  ) {
    if (isChallenged(result)) return showLogin(reply, 200, secondFactorPage(stateOf(pending), result.challenge, paths));
    const { session, account } = result;
    await context.pending.recordSignIn(context.executor, pending, session.id);
    const step = await authorization.resume({ ...pending, signedInBy: session.id }, { session, account });
    return sendStep(context, request, reply, step, isForm);
  }

  /** Signs in with the form, and continues with the request. */
  async function submit({ fields, pending }: SubmittedForm, request: FastifyRequest, reply: FastifyReply) {
    if (fields.get('action') === 'email-code') {
      const email = fields.get('identifier') ?? '';
      await signIn.requestCode(email, request);
      return show(reply, 200, emailCodePage(stateOf(pending), email, paths));
    }
    const provider = fields.get('provider');
    if (provider) return startIdentity(context, provider, pending, request, reply);
    return proceed(await signIn.byForm(fields, request, reply), pending, request, reply, true);
  }

  app.get<{ Querystring: { request?: unknown } }>('/oauth/login', async (request, reply) => {
    const pending = await pendingOf(context, request, reply, textOf(request.query.request));
    if (!pending) return reply;
    const described = await authorization.describe(pending);
    if (!described) return showError(reply, PROBLEMS.client);
    return showLogin(reply, 200, firstStep(pending, described)());
  });

  app.post('/oauth/login', { bodyLimit: BODY_LIMIT }, async (request, reply) => {
    const form = await submitted(context, request, reply, 'login');
    if (!form) return reply;
    const { fields, pending } = form;
    // The client may have been turned off since.
    const described = await authorization.describe(pending);
    if (!described) return showError(reply, PROBLEMS.client);
    return submit(form, request, reply).catch((error: unknown) =>
      showIssue(error, request, reply, sentForm(fields, pending, described, error)),
    );
  });

  identityRoute(app, context, {
    async finish(pending, code, request, reply) {
      const result = await signIn.byIdentity(code, returnTo(paths.identity, pending), request, reply);
      return proceed(result, pending, request, reply, false);
    },
    async showAgain(pending, error, request, reply) {
      const described = await authorization.describe(pending);
      if (!described) return showError(reply, PROBLEMS.client);
      return showIssue(error, request, reply, firstStep(pending, described));
    },
  });

  app.post('/oauth/login/passkey', { bodyLimit: BODY_LIMIT }, async (request, reply) => {
    const form = await submitted(context, request, reply, 'login');
    if (!form) return reply;
    return reply.send(await signIn.startPasskey(form.fields.get('challenge') || undefined, request, reply));
  });

  app.get('/oauth/passkey.js', (_request, reply) =>
    reply.type('text/javascript; charset=utf-8').header('cache-control', 'public, max-age=300').send(PASSKEY_SCRIPT),
  );
}
