/** API keys, as people make them through the API. */
import type { AnyData, Answer, TestClient } from './client.js';

export const CREATE_KEY = `mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { key apiKey {
  id name prefix scopes networks createdAt expiresAt lastUsedAt overlapEndsAt } } }`;
export const ROTATE_KEY = `mutation ($id: ID!, $overlap: String) { rotateApiKey(id: $id, overlap: $overlap) { key apiKey {
  id prefix rotatedAt overlapEndsAt } } }`;
export const REVOKE_KEY = 'mutation ($id: ID!) { revokeApiKey(id: $id) }';
export const MY_KEYS = '{ me { apiKeys { id name prefix scopes networks createdAt expiresAt lastUsedAt } } }';

export const KEY_INPUT = { name: 'Importer', scopes: ['read:profile', 'write:profile'] };

export interface TestKey {
  readonly id: string;
  readonly key: string;
  readonly prefix: string;
}

/** Creates a key. @throws Error if it is refused */
export async function createKey(client: TestClient, input: AnyData = {}): Promise<TestKey> {
  const { data, errors } = await client.send(CREATE_KEY, { input: { ...KEY_INPUT, ...input } });
  if (!data) throw new Error(`Refused: ${JSON.stringify(errors)}`);
  const { key, apiKey } = data['createApiKey'];
  return { key, id: apiKey.id, prefix: apiKey.prefix };
}

/** Sends a document with a key in the header of API keys, and no access token. */
export const sendWithKey = (client: TestClient, key: string, query: string, variables = {}): Promise<Answer<AnyData>> =>
  client.send(query, variables, { token: undefined, headers: { 'x-api-key': key } });

/** Creates a service account with a key of all its scopes, as an administrator. @throws Error if it is refused */
export async function createServiceAccountKey(client: TestClient, scopes: readonly string[]) {
  const account = await client.send(
    'mutation ($input: CreateServiceAccountInput!) { createServiceAccount(input: $input) { id } }',
    { input: { name: 'Service', scopes } },
  );
  const serviceAccountId = account.data!['createServiceAccount'].id as string;
  const { data } = await client.send(
    `mutation ($id: ID!, $input: CreateApiKeyInput!) {
      createServiceAccountKey(id: $id, input: $input) { key apiKey { id } } }`,
    { id: serviceAccountId, input: { name: 'Key', scopes } },
  );
  const { key, apiKey } = data!['createServiceAccountKey'];
  return { serviceAccountId, key: key as string, id: apiKey.id as string };
}
