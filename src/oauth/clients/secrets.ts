/** Secrets of confidential clients: 256 random bits, shown once. A client has one, and two during the overlap of a rotation. */
import { v7 as uuidv7 } from 'uuid';
import type { Executor } from '../../db/database.js';
import { hashSecret, randomSecret } from '../secret.js';
import { createClientRepository } from './repository.js';

/** Lets people and secret scanners recognise a client secret. */
export const CLIENT_SECRET_PREFIX = 'latchkey_cs_';

/** Stores a new current secret of a client in the caller's transaction; returns it. */
export async function addSecret(tx: Executor, clientId: string, now: Date): Promise<string> {
  const secret = `${CLIENT_SECRET_PREFIX}${randomSecret()}`;
  await createClientRepository(tx).insertSecret({
    id: uuidv7(),
    clientId,
    secretHash: hashSecret(secret),
    createdAt: now,
    expiresAt: null,
  });
  return secret;
}
