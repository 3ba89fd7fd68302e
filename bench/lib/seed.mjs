// Creates any number of accounts and sessions by SQL, with ids and names like those of Latchkey.
import argon2 from 'argon2';
import { openPostgres } from '../../dist/db/postgres.js';
import { PASSWORD } from './latchkey.mjs';

/** 2023-11-14; ids are in the order of their time (UUID version 7), a second apart. */
const FIRST_MS = 1_700_000_000_000;
/** Rows of one statement. */
const BATCH = 250_000;
const DAY_S = 86_400;

const idOf = (number, salt) => `(lpad(to_hex(${FIRST_MS} + ${number} * 1000), 12, '0') || '7'
  || substr(md5(${salt} || ${number}::text), 1, 3) || '8' || substr(md5(${salt} || ${number}::text), 4, 15))::uuid`;

/** Applies Latchkey's migrations to a database. */
export async function migrate(url) {
  const database = openPostgres({ url, poolSize: 1, timeoutMs: 60_000 });
  await database.migrate();
  await database.close();
}

/** Fills migrated tables: `member0`, `member1`, …, all with one password, and their sessions in turn. */
export async function seed(sql, { users, sessions }) {
  const hash = await argon2.hash(PASSWORD, { memoryCost: 19_456, timeCost: 2, parallelism: 1 });
  for (let from = 0; from < users; from += BATCH) {
    await sql.unsafe(
      `insert into users (id, email, email_key, username, username_key, display_name, password_hash, is_verified,
         created_at, updated_at)
       select ${idOf('n', "'user'")}, 'member' || n || '@example.test', 'member' || n || '@example.test', 'member' || n,
         'member' || n, 'Member ' || n, $1, true, at, at
       from generate_series($2::bigint, $3::bigint) n, lateral (select to_timestamp(${FIRST_MS} / 1000 + n) as at) times`,
      [hash, from, Math.min(from + BATCH, users) - 1],
    );
  }
  for (let from = 0; from < sessions; from += BATCH) {
    await sql.unsafe(
      `insert into sessions (id, user_id, rotated_at, created_at, last_used_at, expires_at, ip_address, user_agent)
       select ${idOf('n', "'session'")}, ${idOf('(n % $3::bigint)', "'user'")}, at, at, at, at + interval '30 days',
         '127.0.0.1', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36'
       from generate_series($1::bigint, $2::bigint) n,
         lateral (select now() - (n % ${DAY_S}) * interval '1 second' as at) times`,
      [from, Math.min(from + BATCH, sessions) - 1, users],
    );
  }
  await sql.unsafe('vacuum (analyze) users');
  await sql.unsafe('vacuum (analyze) sessions');
}
