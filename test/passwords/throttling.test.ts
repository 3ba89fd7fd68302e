import t from 'tap';
import { startTestApp } from '../helpers/app.js';
import { auditOf } from '../helpers/audit-trail.js';
import { holdVerifications } from '../helpers/held-hashes.js';
import { LOGIN, PASSWORD, registerAdmin, tokenIn, UPDATE_ME, type SeededUser } from '../helpers/seed.js';
import type { TestClient } from '../helpers/client.js';

const app = await startTestApp(t, { RATE_LIMIT_LOGIN: '5/15m', RATE_LIMIT_FIELDS: 'login=100000/1m' });
const NEW = 'a brand new brass telescope';
const WRONG = 'wrong horse battery staple';
const login = (from: TestClient, identifier: string, password: string) =>
  from.send(LOGIN, { input: { identifier, password } });
const fail = async (from: TestClient, identifier: string, times: number) => {
  const codes = [];
  for (let time = 0; time < times; time += 1) codes.push((await login(from, identifier, WRONG)).code);
  return codes;
};

t.test('rejects even the right password during the wait after five failures', async (t) => {
  const user = await app.user();
  const attacker = app.client();
  t.same(new Set(await fail(attacker, user.username, 5)), new Set(['INVALID_CREDENTIALS']));
  const refused = await login(attacker, user.username, PASSWORD);
  t.match(refused, { code: 'RATE_LIMIT_EXCEEDED', status: 429, headers: { 'retry-after': '30' } });
  t.equal(refused.errors[0]?.extensions.retryAfter, 30);
  const spelled = user.username.toUpperCase();
  t.equal((await login(attacker, spelled, PASSWORD)).code, 'RATE_LIMIT_EXCEEDED', 'in every spelling');
});

t.test('keeps other addresses of the owner and other accounts of the address unaffected', async (t) => {
  const [user, other] = [await app.user(), await app.user()];
  const attacker = app.client();
  await fail(attacker, user.username, 6);
  t.equal((await login(app.client(), user.username, PASSWORD)).code, undefined);
  t.equal((await login(attacker, other.username, PASSWORD)).code, undefined);
  t.equal(
    (await login(attacker, user.username, PASSWORD)).code,
    'RATE_LIMIT_EXCEEDED',
    'which helps the attacker nothing',
  );
});

t.test('doubles the wait with each failure, up to 15 minutes', async (t) => {
  const user = await app.user();
  const attacker = app.client();
  await fail(attacker, user.username, 5);
  const waits: number[] = [];
  for (let round = 0; round < 8; round += 1) {
    const { retryAfter } = (await login(attacker, user.username, WRONG)).errors[0]!.extensions;
    waits.push(retryAfter!);
    app.clock.advance(retryAfter! * 1000 - 1000);
    t.equal((await login(attacker, user.username, WRONG)).code, 'RATE_LIMIT_EXCEEDED', 'not a second earlier');
    app.clock.advance(1000);
    t.equal((await login(attacker, user.username, WRONG)).code, 'INVALID_CREDENTIALS');
  }
  t.same(waits, [30, 60, 120, 240, 480, 900, 900, 900]);
});

t.test('resets failures after a success and after the window', async (t) => {
  const user = await app.user();
  const owner = app.client();
  await fail(owner, user.username, 4);
  t.equal((await login(owner, user.username, PASSWORD)).code, undefined);
  t.same(new Set(await fail(owner, user.username, 4)), new Set(['INVALID_CREDENTIALS']));
  app.clock.advance(900_000);
  t.same(new Set(await fail(owner, user.username, 5)), new Set(['INVALID_CREDENTIALS']));
});

t.test('verifies no more parallel guesses than sequential ones', async (t) => {
  const user = await app.user();
  const attacker = app.client();
  const answers = await Promise.all(Array.from({ length: 30 }, () => login(attacker, user.username, WRONG)));
  t.equal(answers.filter(({ code }) => code === 'INVALID_CREDENTIALS').length, 5);
  t.equal(answers.filter(({ code }) => code === 'RATE_LIMIT_EXCEEDED').length, 25);
});

t.test('accepts many concurrent right logins', async (t) => {
  const user = await app.user();
  const owner = app.client();
  const answers = await Promise.all(Array.from({ length: 20 }, () => login(owner, user.username, PASSWORD)));
  t.same(new Set(answers.map(({ code }) => code)), new Set([undefined]));
});

t.test('shares counters between instances and across restarts', async (t) => {
  const other = await startTestApp(t, { RATE_LIMIT_LOGIN: '5/15m' }, app.db, app.clock);
  const user = await app.user();
  const ip = '203.0.113.77';
  await fail(app.client({ ip }), user.username, 3);
  await fail(other.client({ ip }), user.username, 2);
  t.equal((await login(app.client({ ip }), user.username, PASSWORD)).code, 'RATE_LIMIT_EXCEEDED');
  const restarted = await startTestApp(t, { RATE_LIMIT_LOGIN: '5/15m' }, app.db, app.clock);
  t.equal((await login(restarted.client({ ip }), user.username, PASSWORD)).code, 'RATE_LIMIT_EXCEEDED');
});

t.test('throttles an unknown identifier in the same way', async (t) => {
  const attacker = app.client();
  t.same(await fail(attacker, 'nobody-has-this', 6), [
    ...Array.from({ length: 5 }, () => 'INVALID_CREDENTIALS'),
    'RATE_LIMIT_EXCEEDED',
  ]);
});

t.test('does not reveal which username belongs to which email address', async (t) => {
  const [user, other] = [await app.user(), await app.user()];
  const answers = async (identifier: string) => {
    const attacker = app.client();
    await fail(attacker, user.username, 6);
    return (await Promise.all([fail(attacker, identifier, 7)])).flat();
  };
  const own = await answers(user.email);
  t.same(own, await answers(other.email), 'as the address of another account');
  t.same(own, await answers('nobody-at-all@mail.test'), 'and as one that nobody has');
});

t.test('limits the failures of an address across all accounts', async (t) => {
  const spraying = await startTestApp(t, { RATE_LIMIT_LOGIN_ADDRESS: '10/15m' });
  const attacker = spraying.client();
  const user = await spraying.user();
  for (let n = 0; n < 10; n += 1) t.equal((await login(attacker, `victim${n}`, WRONG)).code, 'INVALID_CREDENTIALS');
  spraying.clock.advance(60_000);
  const refused = await login(attacker, 'victim11', WRONG);
  t.match(refused.errors[0]?.extensions, { code: 'RATE_LIMIT_EXCEEDED', retryAfter: 840 }, 'the rest of the window');
  t.equal((await login(attacker, user.username, PASSWORD)).code, 'RATE_LIMIT_EXCEEDED');
  const throttled = (await auditOf(spraying.db, null)).filter(({ type }) => type === 'request.throttled');
  t.match(throttled, [{ detail: 'password', actorId: null }], 'told once');
  t.equal(throttled.length, 1);
  t.equal((await login(spraying.client(), user.username, PASSWORD)).code, undefined);
  spraying.clock.advance(900_000);
  t.equal((await login(attacker, user.username, PASSWORD)).code, undefined);
});

t.test('enforces the budget of an address exactly in parallel without charging right passwords', async (t) => {
  const spraying = await startTestApp(t, { RATE_LIMIT_LOGIN_ADDRESS: '10/15m' });
  const client = spraying.client();
  const user = await spraying.user();
  for (let n = 0; n < 12; n += 1) t.equal((await login(client, user.username, PASSWORD)).code, undefined);
  const codes = await Promise.all(
    Array.from({ length: 30 }, async (_, n) => (await login(client, `v${n}`, WRONG)).code),
  );
  t.equal(codes.filter((code) => code === 'INVALID_CREDENTIALS').length, 10);
  t.equal(codes.filter((code) => code === 'RATE_LIMIT_EXCEEDED').length, 20);
});

t.test('counts an IPv6 network as one address', async (t) => {
  const user = await app.user();
  for (let n = 1; n <= 5; n += 1) await fail(app.client({ ip: `2001:db8:9:9::${n}` }), user.username, 1);
  t.equal((await login(app.client({ ip: '2001:db8:9:9::6' }), user.username, PASSWORD)).code, 'RATE_LIMIT_EXCEEDED');
  t.equal((await login(app.client({ ip: '2001:db8:9:a::1' }), user.username, PASSWORD)).code, undefined);
});

t.test('shares one counter among login, changePassword and deleteMe', async (t) => {
  const user: SeededUser = await app.user();
  const change = 'mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { tokenType } }';
  const remove = 'mutation ($input: DeleteMeInput!) { deleteMe(input: $input) }';
  await fail(user.client, user.username, 2);
  const input = { currentPassword: WRONG, newPassword: 'a brand new brass telescope' };
  t.equal((await user.client.send(change, { input })).code, 'INVALID_CREDENTIALS');
  for (let time = 0; time < 2; time += 1) {
    const answer = await user.client.send(remove, { input: { confirmation: 'DELETE_MY_ACCOUNT', password: WRONG } });
    t.equal(answer.code, 'INVALID_CREDENTIALS');
  }
  for (const [document, variables] of [
    [LOGIN, { input: { identifier: user.username, password: PASSWORD } }],
    [change, { input: { ...input, currentPassword: PASSWORD } }],
    [remove, { input: { confirmation: 'DELETE_MY_ACCOUNT', password: PASSWORD } }],
  ] as const)
    t.equal((await user.client.send(document, variables)).code, 'RATE_LIMIT_EXCEEDED');
  t.equal((await user.client.send(UPDATE_ME, { input: {} })).code, undefined, 'what needs no password goes on');
});

t.test('audits failures and the start of a wait, without entered identifiers', async (t) => {
  const user = await app.user();
  const attacker = app.client({ ip: '203.0.113.99' });
  await fail(attacker, user.username, 9);
  const events = await auditOf(app.db, user.id);
  const of = (type: string) => events.filter((event) => event.type === type);
  t.equal(of('login.failed').length, 5);
  t.equal(of('login.throttled').length, 1);
  t.match(of('login.failed')[0], { ipAddress: '203.0.113.99', actorId: null });
  await fail(attacker, 'my-secret-passphrase', 1);
  t.notMatch(JSON.stringify(await auditOf(app.db, null)), /passphrase/);
});

t.test('does not count a right password as a failure', async (t) => {
  const admin = await registerAdmin(app);
  const client = admin.client.with({ ip: '203.0.113.50' });
  const deletion = 'mutation ($input: DeleteMeInput!) { deleteMe(input: $input) }';
  for (let time = 0; time < 7; time += 1) {
    const refused = await client.send(deletion, { input: { confirmation: 'DELETE_MY_ACCOUNT', password: PASSWORD } });
    t.equal(refused.code, 'VALIDATION_ERROR', 'the last administrator');
  }
  t.equal((await login(client, admin.username, PASSWORD)).code, undefined);
});

t.test('allows a login after a reset despite earlier failures', async (t) => {
  const user = await app.user();
  const [owner, attacker] = [app.client({ ip: '203.0.113.51' }), app.client()];
  for (const client of [owner, attacker]) await fail(client, user.username, 5);
  t.equal((await login(owner, user.username, PASSWORD)).code, 'RATE_LIMIT_EXCEEDED');
  await owner.send('mutation ($email: String!) { requestPasswordReset(email: $email) }', { email: user.email });
  const token = tokenIn(await app.mailTo(user.email));
  const reset = 'mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) { tokenType } }';
  t.equal((await owner.send(reset, { input: { token, password: NEW } })).code, undefined);
  t.equal((await login(owner, user.username, NEW)).code, undefined);
  t.equal(
    (await login(attacker, user.username, NEW)).code,
    'RATE_LIMIT_EXCEEDED',
    'guesses from elsewhere still count',
  );
});

t.test('does not count an attempt that could not be verified', async (t) => {
  const user = await app.user();
  const owner = app.client();
  await fail(owner, user.username, 4);
  const busy = await startTestApp(
    t,
    { PASSWORD_HASH_QUEUE_SIZE: '0', PASSWORD_HASH_CONCURRENCY: '1', RATE_LIMIT_ANONYMOUS: '1000000/1m' },
    app.db,
  );
  const { hasStarted, release } = holdVerifications(t);
  const held = login(busy.client(), 'somebody', WRONG);
  await hasStarted;
  const refused = await Promise.all(
    [1, 2].map(() => login(busy.client({ ip: '203.0.113.3' }), user.username, PASSWORD)),
  );
  t.same(
    refused.map(({ code }) => code),
    ['SERVICE_UNAVAILABLE', 'SERVICE_UNAVAILABLE'],
  );
  release();
  t.equal((await held).code, 'INVALID_CREDENTIALS');
  t.equal((await login(owner, user.username, PASSWORD)).code, undefined);
  const count = await fail(app.client({ ip: '203.0.113.3' }), user.username, 5);
  t.same(new Set(count), new Set(['INVALID_CREDENTIALS']), 'all five are still free');
});
