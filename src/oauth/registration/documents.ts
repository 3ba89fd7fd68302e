/**
 * Clients by their id. An id that is an https URL names a metadata document, which is fetched and stored
 * (draft-ietf-oauth-client-id-metadata-document). Only public clients are accepted.
 */
import { LRUCache } from 'lru-cache';
import type { Audit } from '../../audit/audit.js';
import type { ScopeCatalogue } from '../../authz/scopes.js';
import type { Database } from '../../db/database.js';
import type { Clock } from '../../lib/clock.js';
import type { OAuthClient } from '../clients/client.js';
import type { ClientGrants } from '../clients/grants.js';
import { changedFields, type ClientSettings } from '../clients/settings.js';
import { isClientId } from '../clients/id.js';
import { createClientRepository } from '../clients/repository.js';
import type { FetchDocument } from './fetch-document.js';
import { readMetadata } from './metadata.js';
import { createRegistrationRepository } from './repository.js';

/** The client with this id, disabled or not; undefined if there is none. Fetches the metadata document of an unknown URL. */
export type ResolveClient = (clientId: string) => Promise<OAuthClient | undefined>;

export interface ResolveClientOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Pick<Audit, 'record'>;
  readonly scopes: ScopeCatalogue;
  readonly grants: Pick<ClientGrants, 'narrow'>;
  /** Undefined if metadata documents are off: stored clients are still found. */
  readonly fetchDocument: FetchDocument | undefined;
  readonly log: { warn(fields: object, message: string): void };
}

/** A document is fetched again after an hour. If that fails, the stored client is used. */
const FRESH_MS = 3_600_000;
/** A failure is remembered, so that requests for one URL do not become requests to its host. */
const RETRY_MS = 60_000;
const MAX_FAILURES = 10_000;
const MAX_RUNNING = 20;
const NEW = { source: 'METADATA_DOCUMENT', serviceAccountId: null, disabledAt: null } as const;
const SYSTEM = { ipAddress: 'metadata document', network: 'metadata document', userAgent: null };

export function createResolveClient(options: ResolveClientOptions): ResolveClient {
  const { db, clock, audit, scopes, grants, fetchDocument, log } = options;
  const repository = createClientRepository(db.executor);
  /** URL → time of the failure. */
  const failures = new LRUCache<string, number>({ max: MAX_FAILURES });
  const running = new Map<string, Promise<OAuthClient | undefined>>();

  async function read(url: string, fetch: FetchDocument): Promise<ClientSettings> {
    const document = await fetch(url);
    const { settings } = readMetadata(document, scopes, 'none');
    if ((document as Record<string, unknown>)['client_id'] !== url) throw new Error('The client_id is not the URL.');
    if (settings.authMethod !== 'NONE') throw new Error('The client is not public.');
    return settings;
  }

  /** Stores a fetched client, or the changes of a stored one. */
  async function store(id: string, settings: ClientSettings): Promise<OAuthClient | undefined> {
    const at = new Date(clock.now());
    return db.transaction(async (tx) => {
      const clients = createClientRepository(tx);
      const before = await clients.lock(id);
      if (!before) {
        if (await createRegistrationRepository(tx).insertNew({ ...settings, ...NEW, id, createdAt: at, updatedAt: at }))
          await audit.record(tx, { type: 'oauth_client.registered', userId: null, client: SYSTEM, detail: id });
        return clients.find(id);
      }
      const after = await clients.update(id, { ...settings, updatedAt: at });
      const changed = changedFields(before, settings).join(' ');
      if (changed !== '') {
        const detail = `${id}: ${changed}`;
        await audit.record(tx, { type: 'oauth_client.updated', userId: null, client: SYSTEM, detail });
      }
      if (after && before.scopes.some((scope) => !after.scopes.includes(scope)))
        await grants.narrow(tx, id, after.scopes, { actorId: null, client: SYSTEM });
      return after;
    });
  }

  async function refresh(url: string, stored: OAuthClient | undefined, fetch: FetchDocument) {
    try {
      return await store(url, await read(url, fetch));
    } catch (err) {
      log.warn({ err, clientId: url }, 'A client ID metadata document was refused');
      failures.set(url, clock.now());
      return stored;
    }
  }

  return async (clientId) => {
    if (!isClientId(clientId)) return undefined;
    const stored = await repository.find(clientId);
    if (!fetchDocument || !isDocumentUrl(clientId) || (stored && stored.source !== 'METADATA_DOCUMENT')) return stored;
    const now = clock.now();
    if (stored && (stored.disabledAt || now - stored.updatedAt.getTime() < FRESH_MS)) return stored;
    if (now - (failures.get(clientId) ?? -Infinity) < RETRY_MS) return stored;
    const current = running.get(clientId);
    if (current) return current;
    if (running.size >= MAX_RUNNING) return stored;
    const work = refresh(clientId, stored, fetchDocument).finally(() => running.delete(clientId));
    running.set(clientId, work);
    return work;
  };
}

/** Whether an id is the URL of a metadata document: https with a path, in canonical form, without fragment and credentials. */
export function isDocumentUrl(clientId: string): boolean {
  if (!clientId.startsWith('https://') || !URL.canParse(clientId)) return false;
  const { href, pathname, hash, username, password } = new URL(clientId);
  return href === clientId && pathname !== '/' && !clientId.includes('#') && hash + username + password === '';
}
