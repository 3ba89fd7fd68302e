/** Outcomes of used tokens, stored until the tokens would have expired. */
import t from 'tap';
import { usedOneTimeTokens } from '../../src/db/schema/index.js';
import { createOneTimeTokens } from '../../src/one-time-tokens/service.js';
import { startTestApp } from '../helpers/app.js';
import { tokenIn } from '../helpers/seed.js';

const app = await startTestApp(t);
const tokens = createOneTimeTokens({ clock: app.clock });
const outcomeOf = (token: string) => tokens.outcomeOf(app.db.executor, token);
const verify = (token: string) =>
  app.client().send('mutation ($token: String!) { verifyEmail(token: $token) { id } }', { token });
const remembered = async () => (await app.db.executor.select().from(usedOneTimeTokens)).length;

t.test('stores the outcome of a used token until the token would have expired', async (t) => {
  const user = await app.user();
  const token = tokenIn(await app.mailTo(user.email));
  t.equal(await outcomeOf(token), undefined, 'not used yet');
  t.equal((await verify(token)).code, undefined);
  t.equal(await outcomeOf(token), 'email_verified');
  t.equal((await verify(token)).code, 'INVALID_TOKEN', 'single use as before');
  app.clock.advance(86_399_000);
  t.equal(await outcomeOf(token), 'email_verified');
  await app.runJob('clean up one-time tokens');
  t.equal(await remembered(), 1);
  app.clock.advance(1000);
  t.equal(await outcomeOf(token), undefined);
  await app.runJob('clean up one-time tokens');
  t.equal(await remembered(), 0);
});

t.test('stores no outcome of a use that was rolled back, nor of malformed tokens', async (t) => {
  const user = await app.user();
  const token = tokenIn(await app.mailTo(user.email));
  const undone = app.db.transaction(async (tx) => {
    t.ok(await tokens.take(tx, 'email_verification', token, 'email_verified'));
    throw new Error('undone');
  });
  await t.rejects(undone, { message: 'undone' });
  t.equal(await outcomeOf(token), undefined);
  t.equal(await outcomeOf('not a token'), undefined);
  t.equal((await verify(token)).code, undefined);
});
