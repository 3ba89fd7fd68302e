/** Malformed WebAuthn JSON: mutations of right responses, with a seed, so that a failure can be repeated. */
import { eq, ne } from 'drizzle-orm';
import t from 'tap';
import { passkeys, sessions } from '../../../src/db/schema/index.js';
import { startTestApp } from '../../helpers/app.js';
import { cbor, createAuthenticator } from '../../helpers/authenticator.js';
import type { AnyData } from '../../helpers/client.js';
import {
  dataOf,
  FINISH_REGISTRATION,
  LOGIN_WITH_PASSKEY,
  registerPasskey,
  START_REGISTRATION,
  startLogin,
} from '../../helpers/passkeys.js';
import { LOGIN, PASSWORD } from '../../helpers/seed.js';
import { LOGIN_WITH_FACTOR } from '../../helpers/totp.js';

// The limits are not the subject: every request is from an address of its own, and fields are counted by account.
const app = await startTestApp(t, {
  RATE_LIMIT_FIELDS: 'startPasskeyRegistration=100000/1m,finishPasskeyRegistration=100000/1m',
  RATE_LIMIT_AUTHENTICATED: '100000/1m',
  RATE_LIMIT_LOGIN: '100000/1m',
});
const ROUNDS = 80;
const SEED = 20_260_101;
const user = await app.user();
const { authenticator } = await registerPasskey(user.client, { synced: true });

/** Mulberry32. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const nested = (depth: number): unknown => (depth === 0 ? 'x' : { a: nested(depth - 1) });
/** Values in place of a member. */
const VALUES: readonly (() => unknown)[] = [
  () => undefined,
  () => null,
  () => 0,
  () => -1.5,
  () => true,
  () => '',
  () => 'x',
  () => '=',
  () => '####',
  () => 'a'.repeat(20_000),
  () => '\u0000',
  () => '\ud800',
  () => [],
  () => [[]],
  () => ({}),
  () => nested(500),
  () => ({ toString: 'x', constructor: 1, length: 5 }),
  () => Buffer.from('{}').toString('base64url'),
  () => Buffer.from('null').toString('base64url'),
  () => Buffer.from('{"type":"webauthn.get","challenge":7}').toString('base64url'),
  // CBOR: nothing, nested arrays, a map without members, a map that claims more than there is.
  () => cbor(new Map()).toString('base64url'),
  () => Buffer.alloc(10_000, 0x81).toString('base64url'),
  () => Buffer.from('bf', 'hex').toString('base64url'),
  () => Buffer.from('bb7fffffffffffffff', 'hex').toString('base64url'),
  () => Buffer.from('5b7fffffffffffffff', 'hex').toString('base64url'),
];

/** Every path to a member. */
function pathsOf(value: AnyData, path: readonly string[] = []): string[][] {
  return Object.entries(value).flatMap(([key, member]) => [
    [...path, key],
    ...(typeof member === 'object' && member !== null ? pathsOf(member, [...path, key]) : []),
  ]);
}

/** Changes one member: another value, or other bytes of its base64url. */
function mutate(response: AnyData, random: (below: number) => number): AnyData {
  const copy = structuredClone(response);
  const paths = pathsOf(copy);
  const path = paths[random(paths.length)]!;
  const parent = path.slice(0, -1).reduce((owner: AnyData, key) => owner[key], copy);
  const key = path.at(-1)!;
  const before: unknown = parent[key];
  if (typeof before !== 'string' || random(2) === 0) {
    parent[key] = VALUES[random(VALUES.length)]!();
    return copy;
  }
  const bytes = Buffer.from(before, 'base64url');
  if (bytes.length > 0) bytes[random(bytes.length)]! ^= 1 << random(8);
  const end = random(3) === 0 ? random(bytes.length + 1) : bytes.length;
  parent[key] = bytes.subarray(0, end).toString('base64url');
  return copy;
}

/** Runs all rounds, and returns the inputs whose code is not one of the expected. */
async function fuzz(
  expected: readonly (string | undefined)[],
  attempt: (round: number, change: (response: AnyData) => AnyData) => Promise<string | undefined>,
): Promise<unknown[]> {
  const unexpected: unknown[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const random = randomFrom(SEED + round);
    let input: unknown;
    const code = await attempt(round, (response) => {
      const changed = mutate(response, random);
      input = changed;
      return changed;
    });
    if (!expected.includes(code)) unexpected.push({ round, code, input: JSON.stringify(input).slice(0, 300) });
  }
  return unexpected;
}

t.test('rejects malformed registrations with a coded error', async (t) => {
  // Some mutations are of members that are ignored, such as the transports.
  const unexpected = await fuzz(['VALIDATION_ERROR', undefined], async (_round, change) => {
    const options = await dataOf(user.client.send(START_REGISTRATION), 'startPasskeyRegistration');
    const response = change(createAuthenticator().register(options));
    const { code } = await user.client.send(FINISH_REGISTRATION, { response });
    await app.db.executor.delete(passkeys).where(ne(passkeys.name, 'Passkey 1'));
    return code;
  });
  t.same(unexpected, []);
});

t.test('rejects malformed logins with a coded error', async (t) => {
  const unexpected = await fuzz(['VALIDATION_ERROR', 'INVALID_CREDENTIALS', undefined], async (_round, change) => {
    const { challenge, options } = await startLogin(app.client());
    const response = change(authenticator.assert(options));
    return (await app.client().send(LOGIN_WITH_PASSKEY, { input: { challenge, response } })).code;
  });
  t.same(unexpected, []);
});

t.test('rejects malformed second factors with INVALID_CODE', async (t) => {
  const unexpected = await fuzz(['INVALID_CODE', undefined], async (_round, change) => {
    const input = { identifier: user.username, password: PASSWORD };
    const { challenge } = (await app.client().send(LOGIN, { input })).errors[0]!.extensions;
    const passkey = change(authenticator.assert((await startLogin(app.client(), challenge))['options']));
    return (await app.client().send(LOGIN_WITH_FACTOR, { input: { challenge, passkey } })).code;
  });
  t.same(unexpected, []);
});

t.test('rejects values that are no object as VALIDATION_ERROR', async (t) => {
  const codes = [];
  for (const response of ['x', 1, true, [], [{}]])
    codes.push((await user.client.send(FINISH_REGISTRATION, { response })).code);
  t.same(codes, Array(5).fill('VALIDATION_ERROR'));
});

t.test('keeps the account as it was', async (t) => {
  const rows = await app.db.executor.select().from(passkeys).where(eq(passkeys.userId, user.id));
  t.equal(rows.length, 1);
  const live = await app.db.executor.select().from(sessions).where(eq(sessions.userId, user.id));
  t.ok(live.every(({ amr }) => amr.includes('mfa')));
});
