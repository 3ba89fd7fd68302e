/** Known devices of an account: their number, and the replacement of tokens. */
import { sql } from 'drizzle-orm';
import t from 'tap';
import { createKnownDevices, deviceHash } from '../../src/known-devices/service.js';
import { openTestDatabase } from '../helpers/database.js';

const ADA = '01a1fc41-72cb-70ec-8b3d-3273bdd93120';
const BOB = '01a1fc41-72cb-70ec-8b3d-3273bdd93121';
const db = await openTestDatabase(t);
for (const [id, name] of [
  [ADA, 'ada'],
  [BOB, 'bob'],
]) {
  await db.executor
    .execute(sql`insert into users (id, email, email_key, username, username_key, password_hash, created_at, updated_at)
    values (${id}, ${name}, ${name}, ${name}, ${name}, 'hash', now(), now())`);
}

let now = Date.parse('2026-03-04T05:06:07Z');
const devices = createKnownDevices({ db, clock: { now: () => now } });
/** Stores a device one second after the last one; returns the hash of its token. */
async function remember(userId: string, device?: string): Promise<string> {
  now += 1000;
  const { token } = await devices.remember(userId, device);
  return token === undefined ? device! : deviceHash(token)!;
}

t.test('keeps the 20 most recently used devices of an account', async (t) => {
  const all: string[] = [];
  for (let device = 0; device < 22; device += 1) all.push(await remember(ADA));
  const known = await Promise.all(all.map(async (device) => (await devices.accountsOf(device)).has(ADA)));
  t.same(
    known,
    all.map((_, index) => index >= 2),
  );
});

t.test('replaces a token of another account for both accounts', async (t) => {
  const shared = await remember(BOB);
  const replaced = await remember(ADA, shared);
  t.not(replaced, shared);
  t.same(await devices.accountsOf(shared), new Set());
  t.same(await devices.accountsOf(replaced), new Set([ADA, BOB]));
});

t.test('replaces an expired token', async (t) => {
  const expired = await remember(BOB);
  now += 181 * 86_400_000;
  const replaced = await remember(BOB, expired);
  t.not(replaced, expired);
  t.same(await devices.accountsOf(replaced), new Set([BOB]));
});
