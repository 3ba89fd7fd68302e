/** SQL of the rotation of refresh tokens. */
import { and, eq, isNull, sql } from 'drizzle-orm';
import { alias, makePgArray } from 'drizzle-orm/pg-core';
import type { ClientInfo } from '../lib/client-info.js';
import type { Executor } from '../db/database.js';
import { sessions, users } from '../db/schema/index.js';
import { param, statement } from '../db/statement.js';
import { momentParams, live, momentAt, withAccount, type SessionWithAccount } from './repository.js';

/** A refresh token to rotate: its session, its generation and the client that sent it. */
export interface Rotation {
  readonly id: string;
  readonly generation: number;
  readonly client: Pick<ClientInfo, 'ipAddress' | 'userAgent'>;
}

/** The row as it was before the statement changes it. */
const before = alias(sessions, 'before');
/** The row, if no other transaction has it locked. */
const free = alias(sessions, 'free');

const usableAccount = and(eq(users.id, sessions.userId), isNull(users.disabledAt), isNull(users.deletedAt));
const rotation = {
  set: {
    generation: sql`${sessions.generation} + 1`,
    rotatedAt: param(sessions.rotatedAt, 'now'),
    lastUsedAt: param(sessions.lastUsedAt, 'now'),
    ipAddress: param(sessions.ipAddress, 'ipAddress'),
    userAgent: param(sessions.userAgent, 'userAgent'),
  },
  where: and(
    eq(sessions.id, param(sessions.id, 'id')),
    eq(sessions.generation, param(sessions.generation, 'generation')),
    live(momentParams),
    usableAccount,
  ),
};

const rotateSession = statement(withAccount, (executor) =>
  executor
    .update(sessions)
    .set(rotation.set)
    .from(users)
    .where(and(rotation.where, eq(sessions.ipAddress, param(sessions.ipAddress, 'ipAddress'))))
    .returning(withAccount),
);

/** Skips locked rows, so no refresh waits for another session's lock and batches cannot deadlock. */
const rotateSessions = statement(withAccount, (executor) => {
  const asked = sql`unnest(${sql.placeholder('ids')}::uuid[], ${sql.placeholder('generations')}::int[],
    ${sql.placeholder('ipAddresses')}::text[], ${sql.placeholder('userAgents')}::text[])
    as asked (id, generation, ip_address, user_agent)`;
  const found = and(
    sql`asked.id = ${free.id}`,
    sql`asked.generation = ${free.generation}`,
    sql`asked.ip_address = ${free.ipAddress}`,
    live(momentParams, free),
  );
  const taken = executor
    .select({ id: free.id, userAgent: sql`asked.user_agent`.as('asked_user_agent') })
    .from(free)
    .innerJoin(asked, found)
    .for('no key update', { of: free, skipLocked: true })
    .as('taken');
  const { generation, rotatedAt, lastUsedAt } = rotation.set;
  return executor
    .update(sessions)
    .set({ generation, rotatedAt, lastUsedAt, userAgent: sql`${taken.userAgent}` })
    .from(taken)
    .innerJoin(users, sql`true`)
    .where(and(eq(sessions.id, taken.id), usableAccount))
    .returning(withAccount);
});

const withPreviousAddress = { ...withAccount, previousAddress: before.ipAddress };
const rotateSessionAnywhere = statement(withPreviousAddress, (executor) =>
  executor
    .update(sessions)
    .set(rotation.set)
    .from(users)
    .innerJoin(before, eq(before.id, param(sessions.id, 'id')))
    .where(rotation.where)
    .returning(withPreviousAddress),
);

/** As `rotateSessionAnywhere` for a grant of an OAuth client, whose expiry moves. */
const rotateGrant = statement(withPreviousAddress, (executor) =>
  executor
    .update(sessions)
    .set({
      ...rotation.set,
      expiresAt: sql`least(${param(sessions.expiresAt, 'expiresAt')},
        ${before.createdAt} + ${sql.placeholder('maxTtlSeconds')}::int * interval '1 second')`,
    })
    .from(users)
    .innerJoin(before, eq(before.id, param(sessions.id, 'id')))
    .where(and(rotation.where, eq(sessions.clientId, param(sessions.clientId, 'clientId'))))
    .returning(withPreviousAddress),
);

/**
 * @param executor the database, or one transaction of it
 * @param idleTtlMs idle timeout in milliseconds; undefined for none
 */
export function createRotationRepository(executor: Executor, idleTtlMs?: number) {
  return {
    /**
     * Increments the generation of live sessions of usable accounts if generation and client address match. Returns the sessions
     * that matched. A batch of several skips rows that another transaction has locked.
     */
    async rotate(rotations: readonly Rotation[], now: Date): Promise<SessionWithAccount[]> {
      const [one, ...others] = rotations;
      if (one && others.length === 0)
        return rotateSession(executor, { ...one, ...one.client, ...momentAt(now, idleTtlMs) });
      const clients = rotations.map(({ client }) => client);
      return rotateSessions(executor, {
        ids: makePgArray(rotations.map(({ id }) => id)),
        generations: makePgArray(rotations.map(({ generation }) => generation)),
        ipAddresses: makePgArray(clients.map(({ ipAddress }) => ipAddress)),
        userAgents: makePgArray(clients.map(({ userAgent }) => userAgent)),
        ...momentAt(now, idleTtlMs),
      });
    },

    /** As `rotate` for one session with any client address. Also returns the previous address; undefined without a match. */
    async rotateAnywhere(
      { id, generation, client }: Rotation,
      now: Date,
    ): Promise<(SessionWithAccount & { readonly previousAddress: string | null }) | undefined> {
      const [row] = await rotateSessionAnywhere(executor, { id, generation, ...momentAt(now, idleTtlMs), ...client });
      return row;
    },

    /**
     * As `rotateAnywhere` for a grant of the client.
     * @param expiresAt the new expiry, if it is no later than `maxTtlMs` after the creation of the grant
     */
    async rotateGrant(
      { id, generation, client }: Rotation,
      grant: { readonly clientId: string; readonly expiresAt: Date; readonly maxTtlMs: number },
      now: Date,
    ): Promise<(SessionWithAccount & { readonly previousAddress: string | null }) | undefined> {
      const { clientId, expiresAt, maxTtlMs } = grant;
      const maxTtlSeconds = Math.floor(maxTtlMs / 1000);
      const values = { id, generation, clientId, expiresAt, maxTtlSeconds, ...momentAt(now, idleTtlMs), ...client };
      const [row] = await rotateGrant(executor, values);
      return row;
    },
  };
}
