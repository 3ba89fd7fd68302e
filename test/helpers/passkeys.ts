/** The documents of passkeys, and a registered passkey. */
import type { Answer, AnyData, ClientOptions, TestClient } from './client.js';
import { createAuthenticator, type Authenticator, type AuthenticatorOptions, type Ceremony } from './authenticator.js';

export const START_REGISTRATION = 'mutation { startPasskeyRegistration }';
export const FINISH_REGISTRATION = `mutation ($response: JSON!, $name: String) {
  finishPasskeyRegistration(response: $response, name: $name) { id name createdAt lastUsedAt synced } }`;
export const START_LOGIN = `mutation ($challenge: String) {
  startPasskeyLogin(challenge: $challenge) { challenge options expiresAt } }`;
export const LOGIN_WITH_PASSKEY = `mutation ($input: PasskeyLoginInput!) { loginWithPasskey(input: $input) {
  accessToken refreshToken user { id secondFactors { passkeys { id name synced lastUsedAt } } } } }`;
export const REAUTHENTICATE = `mutation ($input: ReauthenticateInput!) {
  reauthenticate(input: $input) { accessToken refreshToken } }`;
export const PASSKEYS = '{ me { secondFactors { passkeys { id name createdAt lastUsedAt synced } } } }';

/** The data of a field. @throws Error if it was refused */
export async function dataOf(answer: Promise<Answer<AnyData>>, field: string): Promise<AnyData> {
  const { data, errors } = await answer;
  if (!data) throw new Error(`${field} was refused: ${JSON.stringify(errors)}`);
  return data[field] as AnyData;
}

export interface RegisteredPasskey {
  readonly authenticator: Authenticator;
  readonly passkey: AnyData;
}

/** Registers a passkey. @param client sends a token of a recent login */
export async function registerPasskey(
  client: TestClient,
  options: AuthenticatorOptions = {},
  name?: string,
): Promise<RegisteredPasskey> {
  const authenticator = createAuthenticator(options);
  const creation = await dataOf(client.send(START_REGISTRATION), 'startPasskeyRegistration');
  const response = authenticator.register(creation);
  const finished = client.send(FINISH_REGISTRATION, { response, name });
  return { authenticator, passkey: await dataOf(finished, 'finishPasskeyRegistration') };
}

/** Starts a login with any passkey, or a second step. */
export const startLogin = (client: TestClient, challenge?: string, options?: ClientOptions) =>
  dataOf(client.send(START_LOGIN, { challenge }, options), 'startPasskeyLogin');

/** A login with a passkey. */
export async function loginWithPasskey(
  client: TestClient,
  authenticator: Authenticator,
  ceremony: Ceremony = {},
  input: object = {},
): Promise<Answer<AnyData>> {
  const { challenge, options } = await startLogin(client);
  const response = authenticator.assert(options, ceremony);
  return client.send(LOGIN_WITH_PASSKEY, { input: { challenge, response, ...input } });
}
