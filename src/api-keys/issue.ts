/** Adds a key to an owner, in the caller's transaction. */
import type { Executor } from '../db/database.js';
import { validationError } from '../lib/errors.js';
import type { CreatedApiKey, KeyOwner } from './api-key.js';
import type { ApiKeyFormat } from './format.js';
import type { CheckedKeyInput } from './input.js';
import { createApiKeyRepository } from './repository.js';

/** Expired keys count until they are revoked or cleared. */
const MAX_KEYS = 50;

/**
 * Inserts a key. Lock the owner first, so that concurrent calls cannot exceed the maximum.
 * @throws AppError VALIDATION_ERROR if the owner has the maximum number
 */
export async function issueApiKey(
  tx: Executor,
  format: ApiKeyFormat,
  owner: KeyOwner,
  input: CheckedKeyInput,
  now: Date,
): Promise<CreatedApiKey> {
  const repository = createApiKeyRepository(tx);
  if ((await repository.count(owner)) >= MAX_KEYS)
    throw validationError([{ field: 'name', message: `must not add to ${MAX_KEYS} keys; revoke one first` }]);
  const { id, key, prefix, secretHash } = format.generate();
  const times = { createdAt: now, rotatedAt: now };
  return { apiKey: await repository.insert({ id, ...owner, ...input, prefix, secretHash, ...times }), key };
}
