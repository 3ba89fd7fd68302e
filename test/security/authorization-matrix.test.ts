/** Which credential may use which root field, generated from the schema: a new field is covered as soon as it exists. */
import { readFileSync } from 'node:fs';
import { buildSchema, getDirectiveValues, type GraphQLField } from 'graphql';
import t from 'tap';
import type { AccountPrincipal, Strategy } from '../../src/authn/strategy.js';
import { SCHEMA_FILE } from '../../src/graphql/schema.js';
import { startLiveApp } from '../helpers/live.js';
import { setAccount } from '../helpers/seed.js';
import { createKey, createServiceAccountKey } from '../helpers/api-keys.js';
import { userPrincipal } from '../helpers/principal.js';
import { argumentsOf, selectionOf } from '../helpers/root-fields.js';
import { claimsOf, tokenSigner } from '../helpers/tokens.js';
import { openSocket, subscribeMessage } from '../helpers/websocket.js';

const schema = buildSchema(readFileSync(SCHEMA_FILE, 'utf8'));
const ALL_SCOPES = ['read:content', 'read:profile', 'write:profile', 'read:history', 'admin'];

/** A principal with all scopes, so that only the kind of credential decides. */
const delegated = new Map<string, () => AccountPrincipal>([
  ['an OAuth token', () => userPrincipal({ id: admin.id, kind: 'oauth', scopes: ALL_SCOPES })],
]);
const PREFIX = 'Bearer test-credential:';
const strategy: Strategy = {
  kind: 'oauth',
  headers: ['authorization'],
  find: ({ authorization = '' }) =>
    authorization.startsWith(PREFIX) ? decodeURIComponent(authorization.slice(PREFIX.length)) : undefined,
  async authenticate(name) {
    return delegated.get(name)!();
  },
};
const app = await startLiveApp(t, {}, undefined, undefined, [strategy]);
const sign = await tokenSigner(app);

/** A subject that may have every scope. Its token has fewer. */
const admin = await app.user();
await setAccount(app.db, admin.id, 'role');
const sessionId = String(claimsOf(admin.accessToken)['sid']);
const tokenWith = (scopes: readonly string[]) => sign({ userId: admin.id, sessionId, scopes });
const created = await createKey(admin.client.with({ token: tokenWith(ALL_SCOPES) }), { scopes: ALL_SCOPES });
const service = await createServiceAccountKey(admin.client.with({ token: tokenWith(ALL_SCOPES) }), ALL_SCOPES);
/** Bearer tokens with all scopes, one for each kind of delegated credential. */
const credentials: Record<string, string> = {
  'an API key': created.key,
  'an OAuth token': `test-credential:${encodeURIComponent('an OAuth token')}`,
  'a service account': service.key,
};

const DENIED = new Set<unknown>([
  'MISSING_TOKEN',
  'INSUFFICIENT_PERMISSIONS',
  'INVALID_TOKEN',
  'TOKEN_EXPIRED',
  4401,
  4403,
]);
const roots = [
  ['query', schema.getQueryType()],
  ['mutation', schema.getMutationType()],
  ['subscription', schema.getSubscriptionType()],
] as const;
t.same(
  roots.map(([, root]) => root),
  [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].filter(Boolean),
  'there is no other root',
);

for (const [operation, root] of roots) {
  for (const field of Object.values(root?.getFields() ?? {})) {
    const document = `${operation} { result: ${field.name}${argumentsOf(field)} ${selectionOf(field)} }`;
    const ask = (token?: string) => (operation === 'subscription' ? follow(document, token) : send(document, token));
    const requiredScopes = directive(field, 'requiresScopes')?.['scopes'] as string[][] | undefined;

    t.test(
      `authorizes ${operation} ${field.name}: ${requiredScopes ? JSON.stringify(requiredScopes) : directive(field, 'public') ? 'public' : 'authenticated'}`,
      async (t) => {
        const isPublic = directive(field, 'public') !== undefined;
        const anonymous = await ask();
        // A mailed token may be refused as invalid, which is not for want of credentials.
        if (isPublic) {
          t.notOk(['MISSING_TOKEN', 'INSUFFICIENT_PERMISSIONS'].includes(String(anonymous?.code)));
          return;
        }
        // A socket tells of no and of bad credentials by its end alone.
        const overHttp = operation !== 'subscription';
        t.equal(anonymous?.code, overHttp ? 'MISSING_TOKEN' : 4401);
        const forged = await ask(`${tokenWith(requiredScopes?.[0] ?? [])}x`);
        t.equal(forged?.code, overHttp ? 'INVALID_TOKEN' : 4401, 'a forged token');

        for (const [name, credential] of Object.entries(credentials)) {
          const outcome = await ask(credential);
          if (directive(field, 'requiresSession')) {
            t.equal(outcome?.code, 'INSUFFICIENT_PERMISSIONS', `refuses ${name}`);
          } else if (name === 'a service account' && ABOUT_THE_CALLER.has(field.name)) {
            t.match(
              outcome,
              { code: 'INSUFFICIENT_PERMISSIONS', requiredScopes: [] },
              'a service account has no profile',
            );
          } else {
            t.notOk(DENIED.has(outcome?.code), `admits ${name}`);
          }
        }

        if (!requiredScopes) {
          t.notOk(DENIED.has((await ask(tokenWith([])))?.code), 'authenticated without any scope');
          // A field such as logout ends the session that the next field needs.
          await app.db.executor.execute(`update sessions set ended_at = null where id = '${sessionId}'`);
          return;
        }
        const wrong = [
          ...app.config.scopes.USER,
          'read:content',
          'read:profile',
          'write:profile',
          'read:history',
          'admin',
        ];
        for (const scopes of [[], wrong.filter((scope) => !requiredScopes.flat().includes(scope))]) {
          t.same(
            await ask(tokenWith(scopes)),
            { code: 'INSUFFICIENT_PERMISSIONS', requiredScopes },
            `with [${scopes.join(' ')}]`,
          );
        }
        for (const scopes of requiredScopes) {
          t.notOk(DENIED.has((await ask(tokenWith(scopes)))?.code), `with [${scopes.join(' ')}]`);
        }
      },
    );
  }
}

t.test('ignores a scope in the token that the role does not grant', async (t) => {
  const user = await app.user();
  const token = sign({
    userId: user.id,
    sessionId: String(claimsOf(user.accessToken)['sid']),
    scopes: ['read:profile', 'admin'],
  });
  const ask = async () => (await app.client({ token }).send('{ users { edges { cursor } } }')).code;
  t.equal(await ask(), 'INSUFFICIENT_PERMISSIONS');
  await setAccount(app.db, user.id, 'role');
  t.equal(await ask(), undefined, 'it counts once the role gives it');
  await setAccount(app.db, user.id, 'enabled');
  t.equal(await ask(), 'INSUFFICIENT_PERMISSIONS', 'and not from the moment on that it does no longer');
});

t.test('refuses a token whose session belongs to another account', async (t) => {
  const user = await app.user();
  const token = sign({ userId: user.id, sessionId, scopes: ['read:profile'] });
  t.equal((await app.client({ token }).send('{ me { id } }')).code, 'INVALID_TOKEN');
});

/** Fields of the caller's own account. */
const ABOUT_THE_CALLER = new Set(['me', 'updateMe', 'meUpdated', 'securityEvents']);

t.test('requires a session of the person for every field of sessions, email or password', async (t) => {
  const touches = /session|password|logout|email|deleteMe|passkey|totp|recovery|reauthenticate|apiKey|serviceAccount/i;
  const fields = Object.values(schema.getMutationType()!.getFields());
  const open = fields.filter(
    (field) => touches.test(field.name) && !directive(field, 'public') && !directive(field, 'requiresSession'),
  );
  t.same(
    open.map(({ name }) => name),
    [],
  );
});

type Outcome = { readonly code: string | number; readonly requiredScopes?: unknown } | undefined;

/** The error of the field over HTTP; undefined if it ran. */
async function send(document: string, token: string | undefined): Promise<Outcome> {
  const { errors } = await app.client({ token }).send(document);
  return errors.find(({ path }) => path?.[0] === 'result')?.extensions;
}

/** The same over a socket: an error or the code that it closes with; undefined once the subscription is open. */
async function follow(document: string, token: string | undefined): Promise<Outcome> {
  await app.quiet();
  const socket = await openSocket(app.port);
  socket.send({ type: 'connection_init', ...(token ? { payload: { authorization: `Bearer ${token}` } } : {}) });
  const ack = await socket.next().catch(() => undefined);
  if (!ack) return { code: (await socket.closed).code };
  socket.send(subscribeMessage(document));
  while (socket.unread.length === 0 && (await app.count('subscriptions_open')) === 0)
    await new Promise((resolve) => setImmediate(resolve));
  socket.ws.terminate();
  return socket.unread[0]?.['payload'][0].extensions as Outcome;
}

function directive(field: GraphQLField<unknown, unknown>, name: string) {
  return getDirectiveValues(schema.getDirective(name)!, field.astNode!);
}
