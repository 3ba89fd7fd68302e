/**
 * The signing keys of this deployment. They are created at the first start and stored in the database. One key signs; retired
 * keys verify until the last token that they may have signed has expired.
 */
import { createHash, createPublicKey, type JsonWebKey } from 'node:crypto';
import type { Clock } from '../lib/clock.js';
import { ConfigError, type JwtAlgorithm } from '../config/config.js';
import { createEncryption } from '../crypto/encryption.js';
import type { Database, Executor } from '../db/database.js';
import { ACCESS_TOKEN, createJwtKey, type JwtKey, type TokenType } from './jwt-key.js';
import { generateSigningKey, type AsymmetricAlgorithm, type PublicJwk } from './key-material.js';
import { createSigningKeyRepository, type KeyUse, type SigningKeyRow } from './repository.js';

export interface SigningKeys {
  /** The key that signs. */
  current(): JwtKey;
  /** The key with this id, if this instance has loaded it. */
  known(kid: string): JwtKey | undefined;
  /** The key with this id. Reloads the keys for an unknown id, at most every few seconds. */
  find(kid: string): Promise<JwtKey | undefined>;
  /** The public keys (RFC 7517). With HS256, only retired asymmetric keys whose tokens may still be valid. */
  published(): readonly PublicJwk[];
  /** Reloads the keys, so a rotation by another instance takes effect. */
  reload(): Promise<void>;
  /** Reloads the keys unless they were loaded in the last seconds. */
  refresh(): Promise<void>;
}

export interface SigningKeysOptions {
  readonly db: Database;
  readonly clock: Clock;
  /** AUTH_SECRET: the first encrypts, all decrypt. */
  readonly secrets: readonly string[];
  readonly algorithm: JwtAlgorithm;
  /** JWT_SECRET_KEY, for HS256. */
  readonly secretKey?: string | undefined;
  /** The longest lifetime of the tokens that the keys sign, in milliseconds. */
  readonly accessTtlMs: number;
  readonly issuer: string;
  /** Default: keys for access tokens. */
  readonly purpose?: KeyUse;
  /** Default: access tokens. */
  readonly type?: TokenType;
}

export interface RotationOptions extends Pick<SigningKeysOptions, 'secrets' | 'accessTtlMs' | 'clock' | 'purpose'> {
  readonly algorithm: AsymmetricAlgorithm;
}

/** How often an instance reloads the keys. */
export const RELOAD_MS = 60_000;
/** An instance may sign with a retired key until it reloads. Twice the interval covers a slow one. */
const LATE_SIGNER_MS = 2 * RELOAD_MS;
/** Bounds the reads that tokens with made-up key ids cause. */
const MISS_RELOAD_MS = 5_000;

/** Loads the keys. Creates the first one if there is none for the configured algorithm. */
export async function createSigningKeys(options: SigningKeysOptions): Promise<SigningKeys> {
  const { db, clock, secrets, algorithm, secretKey, issuer, purpose = 'access', type = ACCESS_TOKEN } = options;
  const encryption = createEncryption(secrets, 'signing-key');
  const shared = await createSharedKey(algorithm, secretKey, issuer);
  let known = new Map<string, JwtKey>();
  /** Ids of the loaded keys that can sign. */
  let signers = new Set<string>();
  let current = shared;
  let jwks: readonly PublicJwk[] = [];
  let reloading: Promise<void> | undefined;
  let reloadedAt = Number.NEGATIVE_INFINITY;

  async function toJwtKey({ kid, algorithm: rowAlgorithm, publicJwk, encryptedPrivateKey, retiredAt }: SigningKeyRow) {
    const unchanged = known.get(kid);
    // A retired key is created again without its private key.
    if (unchanged && signers.has(kid) === (retiredAt === null)) return unchanged;
    const verifyWith = createPublicKey({ key: publicJwk as JsonWebKey, format: 'jwk' }).export({
      format: 'pem',
      type: 'spki',
    });
    const signWith = retiredAt ? undefined : encryption.decrypt(encryptedPrivateKey, kid);
    if (!retiredAt && signWith === undefined) throw new SigningSecretError();
    return createJwtKey({ kid, algorithm: rowAlgorithm, verifyWith: verifyWith.toString(), signWith, issuer, type });
  }

  async function load(): Promise<void> {
    const now = clock.now();
    const rows = await createSigningKeyRepository(db.executor, purpose).list();
    const usable = rows.filter(({ expiresAt }) => expiresAt === null || expiresAt.getTime() > now);
    const keys = await Promise.all(usable.map(toJwtKey));
    signers = new Set(usable.filter(({ retiredAt }) => retiredAt === null).map(({ kid }) => kid));
    known = new Map([...keys, ...(shared ? [shared] : [])].map((key) => [key.kid, key]));
    const signing = usable.find((row) => row.retiredAt === null && row.algorithm === algorithm);
    current = shared ?? (signing && known.get(signing.kid)) ?? current;
    jwks = usable.map(({ publicJwk }) => publicJwk as PublicJwk);
    reloadedAt = now;
  }

  const reload = () => (reloading ??= load().finally(() => (reloading = undefined)));

  if (algorithm === 'HS256') await db.transaction((tx) => retire(tx, options));
  else await ensureCurrentKey({ ...options, algorithm, purpose });
  await reload();
  if (!current) throw new Error('There is no signing key.');
  const initial = current;

  return {
    current: () => current ?? initial,
    known: (kid) => known.get(kid),
    async find(kid) {
      if (!known.has(kid) && clock.now() - reloadedAt >= MISS_RELOAD_MS) await reload();
      return known.get(kid);
    },
    published: () => jwks,
    reload,
    async refresh() {
      if (clock.now() - reloadedAt >= MISS_RELOAD_MS) await reload();
    },
  };
}

/** Creates a new signing key and retires the current one. Returns the id of the new key. */
export async function rotate(
  tx: Executor,
  { algorithm, secrets, purpose = 'access', ...options }: RotationOptions,
): Promise<string> {
  const { kid, publicJwk, privateKey } = await generateSigningKey(algorithm);
  await retire(tx, { ...options, purpose });
  const encryptedPrivateKey = createEncryption(secrets, 'signing-key').encrypt(privateKey, kid);
  await createSigningKeyRepository(tx, purpose).insert({
    kid,
    purpose,
    algorithm,
    publicJwk,
    encryptedPrivateKey,
    createdAt: new Date(options.clock.now()),
    longestTokenMs: options.accessTtlMs,
    retiredAt: null,
    expiresAt: null,
  });
  return kid;
}

/**
 * Rotates the signing key on an operator's request. Returns the id of the new key.
 * @throws ConfigError if there is no key, or if the algorithm differs from the configuration
 * @throws SigningSecretError if AUTH_SECRET does not decrypt the current key: running instances could not use a new one
 */
export async function rotateManually(tx: Executor, options: RotationOptions): Promise<string> {
  const rows = await createSigningKeyRepository(tx, options.purpose ?? 'access').list();
  const current = rows.find((row) => row.retiredAt === null);
  if (!current) throw new ConfigError(['DATABASE_URL, DATA_DIR: there is no signing key; start the server once first']);
  if (current.algorithm !== options.algorithm)
    throw new ConfigError([`JWT_ALGORITHM: the signing key is for ${current.algorithm}, not for ${options.algorithm}`]);
  if (createEncryption(options.secrets, 'signing-key').decrypt(current.encryptedPrivateKey, current.kid) === undefined)
    throw new SigningSecretError();
  return rotate(tx, options);
}

/** No secret in AUTH_SECRET decrypts the signing key. */
export class SigningSecretError extends Error {
  override readonly name = 'SigningSecretError';
  constructor() {
    super('AUTH_SECRET: must include the secret that encrypted the signing key');
  }
}

/**
 * Retires the current key, for a new one or because HS256 needs none. Erases its private key; instances that still sign with it
 * have it in memory until they reload. Its public key stays published until the last token that it may have signed has expired.
 */
async function retire(
  tx: Executor,
  { accessTtlMs, clock, purpose = 'access' }: Pick<SigningKeysOptions, 'accessTtlMs' | 'clock' | 'purpose'>,
): Promise<void> {
  const repository = createSigningKeyRepository(tx, purpose);
  await repository.lock();
  const now = clock.now();
  await repository.deleteExpired(new Date(now));
  await repository.recordTokenLifetime(accessTtlMs);
  await repository.retireCurrent(new Date(now), LATE_SIGNER_MS);
  await repository.eraseRetired();
}

/** Creates the first key. Of several instances that start concurrently, one creates it. */
async function ensureCurrentKey({
  db,
  ...options
}: RotationOptions & { readonly db: Database; readonly purpose: KeyUse }): Promise<void> {
  const { algorithm, accessTtlMs, purpose } = options;
  await db.transaction(async (tx) => {
    const repository = createSigningKeyRepository(tx, purpose);
    await repository.lock();
    // Keys that a release before 0.2 retired still have their private key.
    await repository.eraseRetired();
    const rows = await repository.list();
    if (!rows.some((row) => row.retiredAt === null && row.algorithm === algorithm)) await rotate(tx, options);
    // A later rotation may be configured with a shorter token lifetime than this instance.
    await repository.recordTokenLifetime(accessTtlMs);
  });
}

/** The HS256 key from the configuration. Its id identifies the secret without revealing it. */
async function createSharedKey(
  algorithm: JwtAlgorithm,
  secretKey: string | undefined,
  issuer: string,
): Promise<JwtKey | undefined> {
  if (algorithm !== 'HS256') return undefined;
  if (secretKey === undefined) throw new Error('HS256 needs JWT_SECRET_KEY.');
  const kid = createHash('sha256')
    .update('kid')
    .update(createHash('sha256').update(secretKey).digest())
    .digest('base64url')
    .slice(0, 16);
  return createJwtKey({ kid, algorithm, verifyWith: secretKey, signWith: secretKey, issuer, type: ACCESS_TOKEN });
}
