/** `/device`: a person types the code that a device shows, signs in, and allows or denies the device (RFC 8628 section 3.3). */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isCrossSite } from '../../fastify/cross-site.js';
import { clientOf } from '../../fastify/client.js';
import type { DeviceStep } from '../../oauth/device/approval.js';
import { formKey } from './cookies.js';
import { keyOf, pendingOf, sendStep, sessionOf, show, showError, showIssue, submitted, textOf } from './context.js';
import type { PagesContext, SubmittedForm } from './context.js';
import { confirmDevicePage, userCodePage } from './device-html.js';
import { CROSS_SITE, DEVICE_ANSWERED, NO_SCOPES, OTHER_FORM, UNCLEAR } from './messages.js';

const BODY_LIMIT = 8192;
const UNKNOWN_CODE = {
  summary: 'No device waits with this code. Check the code, or start again on the device.',
};
const DECISIONS = { allow: 'approved', deny: 'denied' } as const;

export function deviceRoutes(app: FastifyInstance, context: PagesContext): void {
  const { deviceApproval, cookies, paths, origins } = context;

  function sendDeviceStep(request: FastifyRequest, reply: FastifyReply, step: DeviceStep, isForm: boolean) {
    switch (step.kind) {
      case 'confirm': {
        const key = keyOf(
          'device',
          { browser: cookies.browserOf(request) ?? '', request: step.view.request },
          step.view.session,
        );
        return show(reply, 200, confirmDevicePage({ request: step.view.request, key }, step.view, paths));
      }
      case 'no_scopes':
        return showError(reply, NO_SCOPES);
      case 'answered':
        return show(reply, 200, DEVICE_ANSWERED[step.decision]);
      default:
        return sendStep(context, request, reply, step, isForm);
    }
  }

  /** The first form. It belongs to the browser, because no request exists yet. */
  const codeForm = (browser: string, userCode: string) => ({ key: formKey('device', browser), userCode });

  async function submitCode(fields: URLSearchParams, request: FastifyRequest, reply: FastifyReply) {
    const browser = cookies.browserOf(request);
    if (browser === undefined || fields.get('key') !== formKey('device', browser)) return showError(reply, OTHER_FORM);
    const userCode = fields.get('user_code') ?? '';
    const page = (issue: { readonly summary: string }) => userCodePage(codeForm(browser, userCode), paths, issue);
    try {
      const session = await sessionOf(context, request);
      const step = await deviceApproval.begin(userCode, browser, session, clientOf(request));
      return await (step ? sendStep(context, request, reply, step, true) : show(reply, 400, page(UNKNOWN_CODE)));
    } catch (error) {
      return showIssue(error, request, reply, page);
    }
  }

  async function submitDecision(
    { fields, pending, session }: SubmittedForm,
    request: FastifyRequest,
    reply: FastifyReply,
  ) {
    const decision = fields.get('decision');
    if (decision !== 'allow' && decision !== 'deny') return showError(reply, UNCLEAR);
    const step = await deviceApproval.answer(pending, session, DECISIONS[decision], clientOf(request));
    return sendDeviceStep(request, reply, step, true);
  }

  app.get<{ Querystring: { request?: unknown; user_code?: unknown } }>('/device', async (request, reply) => {
    const { request: name, user_code: userCode } = request.query;
    if (name === undefined) {
      const browser = cookies.ensureBrowser(request, reply);
      return show(reply, 200, userCodePage(codeForm(browser, textOf(userCode)), paths));
    }
    const pending = await pendingOf(context, request, reply, textOf(name));
    if (!pending) return reply;
    const step = await deviceApproval.view(pending, await sessionOf(context, request));
    return sendDeviceStep(request, reply, step, false);
  });

  app.post('/device', { bodyLimit: BODY_LIMIT }, async (request, reply) => {
    if (isCrossSite(request, origins)) return showError(reply, CROSS_SITE);
    const fields = new URLSearchParams(typeof request.body === 'string' ? request.body : '');
    if (!fields.has('request')) return submitCode(fields, request, reply);
    const form = await submitted(context, request, reply, 'device');
    return form ? submitDecision(form, request, reply) : reply;
  });
}
