/** Second factors that somebody adds with a stolen session, and the mailed link that cancels a change of the address. */
import { eq } from 'drizzle-orm';
import t from 'tap';
import { recoveryCodes, totpFactors } from '../../src/db/schema/index.js';
import { startTestApp } from '../helpers/app.js';
import { auditOf } from '../helpers/audit-trail.js';
import { FINISH_REGISTRATION, loginWithPasskey, registerPasskey, START_REGISTRATION } from '../helpers/passkeys.js';
import { createAuthenticator } from '../helpers/authenticator.js';
import { LOGIN, PASSWORD, tokenIn, UPDATE_ME, type SeededUser } from '../helpers/seed.js';
import { enrollTotp, LOGIN_WITH_FACTOR, totpCode } from '../helpers/totp.js';

const app = await startTestApp(t);
const now = () => app.clock.now();
const CANCEL = 'mutation ($token: String!) { cancelEmailChange(token: $token) }';
const login = (identifier: string) => app.client().send(LOGIN, { input: { identifier, password: PASSWORD } });
const finish = (challenge: string | undefined, factor: object) =>
  app.client().send(LOGIN_WITH_FACTOR, { input: { challenge, ...factor } });

/** Requests another address with a stolen session. Returns how the owner cancels it. */
async function requestChange({ client, email, username }: SeededUser) {
  app.clock.advance(1000);
  await client.send(UPDATE_ME, { input: { email: `thief-${username}@mail.test` } });
  app.clock.advance(1000);
  return async () => {
    const mails = (await app.mailTo(email)).filter(({ text }) => text.includes('cancel-email-change'));
    return app.client().send(CANCEL, { token: tokenIn(mails) });
  };
}

t.test('removes the factors that were added since the change, audits it and notifies the owner', async (t) => {
  const user = await app.user();
  const cancel = await requestChange(user);
  const { authenticator } = await registerPasskey(user.client);
  await enrollTotp(user.client, now);
  t.equal((await loginWithPasskey(app.client(), authenticator)).code, undefined, 'the thief has a way in');
  t.equal((await cancel()).code, undefined);
  t.equal((await loginWithPasskey(app.client(), authenticator)).code, 'INVALID_CREDENTIALS');
  t.equal((await login(user.username)).code, undefined, 'the owner needs no factor of the thief');
  t.same(await app.db.executor.select().from(recoveryCodes).where(eq(recoveryCodes.userId, user.id)), []);
  const voided = (await auditOf(app.db, user.id)).filter(({ type }) => type === 'second_factors.voided');
  t.match(voided, [{ actorId: null, detail: '2 removed' }]);
  t.ok((await app.mailTo(user.email)).some(({ subject }) => /^New second factors were removed from/.test(subject)));
});

t.test('keeps the factors that were added before, but no recovery codes that were created since', async (t) => {
  const user = await app.user();
  const { secret, recoveryCodes: before } = await enrollTotp(user.client, now);
  const cancel = await requestChange(user);
  const { authenticator } = await registerPasskey(user.client);
  const renewed = await user.client.send('mutation { regenerateRecoveryCodes { codes } }');
  const [stolen] = renewed.data!['regenerateRecoveryCodes'].codes as string[];
  await cancel();
  t.equal((await loginWithPasskey(app.client(), authenticator)).code, 'INVALID_CREDENTIALS');
  const { challenge, methods } = (await login(user.username)).errors[0]!.extensions;
  t.same(methods, ['TOTP']);
  for (const recoveryCode of [stolen, before[0]])
    t.equal((await finish(challenge, { recoveryCode })).code, 'INVALID_CODE');
  app.clock.advance(30_000);
  t.equal((await finish(challenge, { totp: totpCode(secret, now()) })).code, undefined);
});

t.test('removes and mails nothing if no factor was added since', async (t) => {
  const user = await app.user();
  await enrollTotp(user.client, now);
  const cancel = await requestChange(user);
  await cancel();
  t.equal((await app.db.executor.select().from(totpFactors).where(eq(totpFactors.userId, user.id))).length, 1);
  t.equal((await app.db.executor.select().from(recoveryCodes).where(eq(recoveryCodes.userId, user.id))).length, 10);
  t.notOk((await auditOf(app.db, user.id)).some(({ type }) => type === 'second_factors.voided'));
});

t.test('ends a registration that was started before', async (t) => {
  const user = await app.user();
  const cancel = await requestChange(user);
  const options = (await user.client.send(START_REGISTRATION)).data!['startPasskeyRegistration'];
  await cancel();
  const response = createAuthenticator().register(options);
  t.equal((await user.client.send(FINISH_REGISTRATION, { response })).code, 'INVALID_TOKEN');
});
