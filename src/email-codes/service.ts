/**
 * Mailed sign-in codes, and the tokens of the links in the same mails. An account has one live code, valid for ten minutes, five
 * tries and one use, and only while the account has the address to which it was sent (OWASP ASVS 5.0, 6.5 and 6.6).
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { deriveKey } from '../crypto/derive.js';
import type { Executor } from '../db/database.js';
import type { Clock } from '../lib/clock.js';
import { createOneTimeTokenRepository } from '../one-time-tokens/repository.js';
import { createCode } from './code.js';
import { createEmailCodeRepository, type EmailCodeRow } from './repository.js';

/** The account of a code, and the normalised address to which it is sent. */
export type CodeSubject = Pick<EmailCodeRow, 'userId' | 'emailKey'>;

/** The content of the mail. */
export interface IssuedCode {
  readonly code: string;
  readonly linkToken: string;
}

export interface EmailCodes {
  /** Issues a code with its link. Voids the account's earlier one. */
  issue(tx: Executor, subject: CodeSubject): Promise<IssuedCode>;
  /**
   * Counts a try, then compares the code. Commit the count before the result is used. Takes the same time for an account that
   * does not exist.
   * @param code as `parseCode` returns it; undefined for malformed input
   */
  isRight(executor: Executor, subject: CodeSubject, code: string | undefined): Promise<boolean>;
  /** Consumes a right code atomically in the caller's transaction; false if it is no longer valid. */
  take(tx: Executor, subject: CodeSubject, code: string): Promise<boolean>;
  /** The account of a valid link, which is not consumed. Wrong codes do not void the link. */
  findLink(executor: Executor, linkToken: string): Promise<string | undefined>;
  /** Consumes a link and its code atomically in the caller's transaction; false if it is no longer valid. */
  takeLink(tx: Executor, linkToken: string): Promise<boolean>;
  /** Voids the code of an account in the caller's transaction. */
  void(tx: Executor, userId: string): Promise<void>;
  /** Deletes up to `limit` expired codes; returns how many. */
  clear(tx: Executor, limit: number): Promise<number>;
}

const TOKEN_BYTES = 32;
/** 32 bytes in base64url, without padding. */
const TOKEN = /^[\w-]{43}$/;
const LIFETIME_MS = 600_000;
const MAX_TRIES = 5;
const PURPOSE = 'email-code/1';

/** Whether a text has the form of a link's token. Codes are shorter. */
export function isLinkToken(text: string): boolean {
  return TOKEN.test(text);
}

/** @param secrets the first is current, the others are still accepted */
export function createEmailCodes({ clock, secrets }: { clock: Clock; secrets: readonly string[] }): EmailCodes {
  const keys = secrets.map((secret) => deriveKey(secret, 'email-code'));
  const now = () => new Date(clock.now());

  /** A code has 40 bits: without the key, a reader of the database could try them all. */
  const hashesOf = ({ userId, emailKey }: CodeSubject, code: string): readonly string[] =>
    keys.map((key) =>
      createHmac('sha256', key).update([PURPOSE, userId, emailKey, code].join('\0')).digest('base64url'),
    );

  return {
    async issue(tx, subject) {
      const code = createCode();
      const linkToken = randomBytes(TOKEN_BYTES).toString('base64url');
      await createEmailCodeRepository(tx).put({
        ...subject,
        codeHash: hashesOf(subject, code)[0]!,
        linkHash: hashOfLink(linkToken),
        tries: 0,
        createdAt: now(),
        expiresAt: new Date(clock.now() + LIFETIME_MS),
      });
      return { code, linkToken };
    },

    async isRight(executor, subject, code) {
      const row = await createEmailCodeRepository(executor).countTry(subject.userId, MAX_TRIES, now());
      const hashes = hashesOf(subject, code ?? '');
      return row !== undefined && hashes.some((hash) => areEqual(hash, row.codeHash));
    },

    async take(tx, subject, code) {
      const taken = await createEmailCodeRepository(tx).take(subject.userId, hashesOf(subject, code), now());
      if (taken) await rememberLink(tx, taken);
      return taken !== undefined;
    },

    async findLink(executor, linkToken) {
      if (!isLinkToken(linkToken)) return undefined;
      return (await createEmailCodeRepository(executor).findLink(hashOfLink(linkToken), now()))?.userId;
    },

    async takeLink(tx, linkToken) {
      if (!isLinkToken(linkToken)) return false;
      const taken = await createEmailCodeRepository(tx).takeLink(hashOfLink(linkToken), now());
      if (taken) await rememberLink(tx, taken);
      return taken !== undefined;
    },

    void: (tx, userId) => createEmailCodeRepository(tx).deleteOf(userId),

    clear: (tx, limit) => createEmailCodeRepository(tx).deleteExpired(now(), limit),
  };
}

/** Lets the page of the link say that it was used. */
async function rememberLink(tx: Executor, { linkHash, expiresAt }: EmailCodeRow): Promise<void> {
  await createOneTimeTokenRepository(tx).remember({ tokenHash: linkHash, outcome: 'signed_in', expiresAt });
}

function areEqual(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
}

function hashOfLink(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
