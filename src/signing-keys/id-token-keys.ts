/**
 * The keys of ID tokens (OpenID Connect Core 1.0) and logout tokens. They are stored and rotated as those of access tokens. The
 * first one is created when it is needed, since a deployment without clients needs none and an RSA key takes long to generate.
 */
import { createSigningKeyRepository } from './repository.js';
import { ID_TOKEN, LOGOUT_TOKEN, type JwtKey } from './jwt-key.js';
import type { AsymmetricAlgorithm, PublicJwk } from './key-material.js';
import { createSigningKeys, type SigningKeys, type SigningKeysOptions } from './service.js';

export interface IdTokenKeys {
  readonly algorithm: AsymmetricAlgorithm;
  /** The key that signs ID tokens. Creates it if there is none. */
  current(): Promise<JwtKey>;
  /** The same key for logout tokens, which have a type of their own. */
  logout(): Promise<JwtKey>;
  /** The key with this id; undefined if there is none. */
  find(kid: string): Promise<JwtKey | undefined>;
  /** The public keys (RFC 7517). */
  published(): Promise<readonly PublicJwk[]>;
}

export type IdTokenKeysOptions = Omit<SigningKeysOptions, 'algorithm' | 'secretKey' | 'purpose' | 'type'> & {
  readonly algorithm: AsymmetricAlgorithm;
};

export function createIdTokenKeys(options: IdTokenKeysOptions): IdTokenKeys {
  let opened: Promise<SigningKeys> | undefined;
  const open = () =>
    (opened ??= createSigningKeys({ ...options, purpose: 'id', type: ID_TOKEN }).catch((error: unknown) => {
      opened = undefined;
      throw error;
    }));

  let forLogout: Promise<SigningKeys> | undefined;
  const openForLogout = () =>
    (forLogout ??= createSigningKeys({ ...options, purpose: 'id', type: LOGOUT_TOKEN }).catch((error: unknown) => {
      forLogout = undefined;
      throw error;
    }));

  /** Undefined as long as no instance has created a key. */
  async function existing(): Promise<SigningKeys | undefined> {
    if (!opened && (await createSigningKeyRepository(options.db.executor, 'id').list()).length === 0) return undefined;
    const keys = await open();
    await keys.refresh();
    return keys;
  }

  return {
    algorithm: options.algorithm,
    async current() {
      const keys = await open();
      await keys.refresh();
      return keys.current();
    },
    async logout() {
      const keys = await openForLogout();
      await keys.refresh();
      return keys.current();
    },
    find: async (kid) => (await existing())?.find(kid),
    published: async () => (await existing())?.published() ?? [],
  };
}
