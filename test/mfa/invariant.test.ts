/** The invariant of second factors, under random sequences of everything that opens, changes or ends sessions and factors. */
import { and, eq, isNull, not, sql } from 'drizzle-orm';
import fc from 'fast-check';
import t from 'tap';
import { sessions, users } from '../../src/db/schema/index.js';
import { startTestApp } from '../helpers/app.js';
import type { AnyData } from '../helpers/client.js';
import { LOGIN_BY_CODE, requestCode } from '../helpers/email-codes.js';
import { loginWithPasskey, registerPasskey, startLogin, type RegisteredPasskey } from '../helpers/passkeys.js';
import { LOGIN, PASSWORD, REFRESH, registerAdmin, tokenIn } from '../helpers/seed.js';
import { CONFIRM_TOTP, LOGIN_WITH_FACTOR, START_TOTP, totpCode } from '../helpers/totp.js';

const app = await startTestApp(t, { EMAIL_LOGIN: 'true' });
const admin = await registerAdmin(app);
const { clock } = app;
const TOKENS = 'accessToken refreshToken';

/** The credentials of an account, as its owner or a thief holds them. */
interface Held {
  readonly id: string;
  readonly email: string;
  password: string;
  readonly access: string[];
  readonly refresh: string[];
  readonly challenges: string[];
  secret: string | undefined;
  recoveryCodes: string[];
  /** Also those that were removed. */
  readonly passkeys: RegisteredPasskey[];
  /** Sign-ins with a passkey alone. */
  passkeyLogins: number;
  /** Sign-ins that were finished with a second factor. */
  finished: number;
}

/** A step sends one request with something that is held, chosen by `pick`, and keeps what it gets. */
type Step = (held: Held, pick: number) => Promise<unknown>;

const one = <T>(from: readonly T[], pick: number): T | undefined => from[pick % Math.max(from.length, 1)];

/** Keeps tokens or the challenge of an answer. Returns its first field. */
function keep(
  held: Held,
  { data, errors }: { data: AnyData | null | undefined; errors: readonly { extensions: object }[] },
) {
  const payload = Object.values(data ?? {})[0] as AnyData | null | undefined;
  if (payload?.['accessToken']) {
    held.access.push(payload['accessToken'] as string);
    held.refresh.push(payload['refreshToken'] as string);
  }
  const challenge = (errors[0]?.extensions as { challenge?: string } | undefined)?.challenge;
  if (challenge) held.challenges.push(challenge);
  return payload;
}

const as = (held: Held, pick: number) => app.client({ token: one(held.access, pick) });
const factorOf = (held: Held, pick: number) =>
  pick % 2 === 0 && held.secret !== undefined
    ? { totp: totpCode(held.secret, clock.now()) }
    : { recoveryCode: held.recoveryCodes.shift() ?? '' };

/** A factor for the second step, also of a removed passkey. */
async function secondFactorOf(held: Held, pick: number, challenge?: string) {
  const { authenticator } = one(held.passkeys, pick) ?? {};
  if (!authenticator || (pick % 2 === 0 && held.secret !== undefined)) return factorOf(held, pick);
  try {
    const { options } = await startLogin(app.client(), challenge);
    return { passkey: authenticator.assert({ ...options, allowCredentials: undefined }, { userVerified: false }) };
  } catch {
    return { passkey: {} };
  }
}

const STEPS: Readonly<Record<string, Step>> = {
  login: async (held) =>
    keep(held, await app.client().send(LOGIN, { input: { identifier: held.email, password: held.password } })),
  'email code': async (held) => {
    const { code } = await requestCode(app, held.email).catch(() => ({ code: '' }));
    keep(held, await app.client().send(LOGIN_BY_CODE, { input: { email: held.email, code } }));
  },
  'password reset': async (held, pick) => {
    await app
      .client()
      .send('mutation ($email: String!) { requestPasswordReset(email: $email) }', { email: held.email });
    const mails = (await app.mailTo(held.email)).filter(({ text }) => text.includes('/reset-password?token='));
    if (mails.length === 0) return;
    const password = `${PASSWORD} ${pick}`;
    const document = `mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) { ${TOKENS} } }`;
    const answer = await app.client().send(document, { input: { token: tokenIn(mails), password } });
    if (answer.code === undefined || answer.code === 'SECOND_FACTOR_REQUIRED') held.password = password;
    keep(held, answer);
  },
  'second factor': async (held, pick) => {
    // Mostly the newest challenge; earlier ones are used, expired or void.
    const challenge = pick < 16 ? held.challenges.at(-1) : one(held.challenges, pick);
    const input = { challenge: challenge ?? '', ...(await secondFactorOf(held, pick, challenge)) };
    if (keep(held, await app.client().send(LOGIN_WITH_FACTOR, { input }))) held.finished += 1;
  },
  enrol: async (held, pick) => {
    const client = as(held, pick);
    const started = (await client.send(START_TOTP)).data?.['startTotpEnrollment'] as AnyData | undefined;
    if (!started) return;
    const secret = started['secret'] as string;
    const { code, data } = await client.send(CONFIRM_TOTP, { code: totpCode(secret, clock.now()) });
    if (code !== undefined) return;
    held.secret = secret;
    held.recoveryCodes = [...((data!['confirmTotpEnrollment']?.codes as string[] | undefined) ?? held.recoveryCodes)];
  },
  'remove the app': (held, pick) => as(held, pick).send('mutation { removeTotp }'),
  'add a passkey': async (held, pick) => {
    const added = await registerPasskey(as(held, pick)).catch(() => undefined);
    if (added) held.passkeys.push(added);
  },
  'remove a passkey': (held, pick) =>
    as(held, pick).send('mutation ($id: ID!) { removePasskey(id: $id) }', {
      id: one(held.passkeys, pick)?.passkey['id'] ?? '',
    }),
  'passkey login': async (held, pick) => {
    const { authenticator } = one(held.passkeys, pick) ?? {};
    if (authenticator && keep(held, await loginWithPasskey(app.client(), authenticator))) held.passkeyLogins += 1;
  },
  'reset by an administrator': (held) =>
    admin.client.send('mutation ($id: ID!) { resetSecondFactors(userId: $id) }', { id: held.id }),
  reauthenticate: async (held, pick) => {
    const input = pick % 3 === 0 ? { password: held.password } : factorOf(held, pick);
    const document = `mutation ($input: ReauthenticateInput!) { reauthenticate(input: $input) { ${TOKENS} } }`;
    keep(held, await as(held, pick).send(document, { input }));
  },
  refresh: async (held, pick) =>
    keep(held, await app.client().send(REFRESH, { refreshToken: one(held.refresh, pick) ?? '' })),
  'change the password': async (held, pick) => {
    const newPassword = `${PASSWORD} ${pick}`;
    const document = `mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { ${TOKENS} } }`;
    const input = { currentPassword: held.password, newPassword };
    const answer = await as(held, pick).send(document, { input });
    if (answer.code === undefined) held.password = newPassword;
    keep(held, answer);
  },
  'end the other sessions': (held, pick) => as(held, pick).send('mutation { revokeOtherSessions }'),
  logout: (held, pick) => as(held, pick).send('mutation { logout }'),
  disable: async (held) => {
    const document =
      'mutation ($id: ID!, $disabled: Boolean) { updateUser(id: $id, input: { disabled: $disabled }) { id } }';
    for (const disabled of [true, false]) await admin.client.send(document, { id: held.id, disabled });
  },
};

/** Steps that later ones depend on. */
const FREQUENT = [
  'enrol',
  'enrol',
  'add a passkey',
  'passkey login',
  'login',
  'login',
  'second factor',
  'second factor',
];

/** Live sessions of accounts with a second factor whose proof lacks one. */
const violations = (id: string) =>
  app.db.executor
    .select({ amr: sessions.amr })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .where(
      and(
        eq(users.id, id),
        eq(users.hasSecondFactor, true),
        isNull(sessions.endedAt),
        not(sql`'mfa' = any (${sessions.amr})`),
      ),
    );

t.test('no live session of an account with a second factor lacks one, after any sequence of operations', async (t) => {
  const reached = { challenges: 0, enrolled: 0, passkeyLogins: 0, finished: 0 };
  const step = fc.record({ kind: fc.constantFrom(...Object.keys(STEPS), ...FREQUENT), pick: fc.nat({ max: 20 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 12, maxLength: 30, size: 'max' }), async (steps) => {
      const user = await app.user();
      const held: Held = {
        id: user.id,
        email: user.email,
        password: user.password,
        access: [user.accessToken],
        refresh: [user.refreshToken],
        challenges: [],
        secret: undefined,
        recoveryCodes: [],
        passkeys: [],
        passkeyLogins: 0,
        finished: 0,
      };
      for (const { kind, pick } of steps) {
        await STEPS[kind]!(held, pick);
        const found = await violations(user.id);
        if (found.length > 0) throw new Error(`After ${kind}: ${JSON.stringify(found)}`);
        // The next code of the app is another one.
        clock.advance(30_000);
      }
      reached.challenges += held.challenges.length;
      reached.enrolled += held.secret === undefined ? 0 : 1;
      reached.passkeyLogins += held.passkeyLogins;
      reached.finished += held.finished;
    }),
    { numRuns: 40, seed: 14, endOnFailure: true },
  );
  t.same(
    Object.entries(reached).filter(([, count]) => count < 10),
    [],
    'the sequences reach every state often',
  );
});
