/** Creates accounts for tests through the API. */
import { sql } from 'drizzle-orm';
import type { Database } from '../../src/db/database.js';
import type { AnyData, TestClient } from './client.js';

export const PASSWORD = 'correct horse battery staple';

export const PAYLOAD = `accessToken refreshToken tokenType expiresIn scope
  user { id email username displayName avatarUrl role isVerified isPremium createdAt updatedAt lastLoginAt
    preferences { theme notifications language } }`;
export const REGISTER = `mutation Register($input: RegisterInput!) { register(input: $input) { ${PAYLOAD} } }`;
export const LOGIN = `mutation Login($input: LoginInput!) { login(input: $input) { ${PAYLOAD} } }`;
export const REFRESH = `mutation Refresh($refreshToken: String) { refresh(refreshToken: $refreshToken) { ${PAYLOAD} } }`;
export const LOGOUT = 'mutation Logout { logout }';
export const ME = 'query Me { me { id email username } }';
export const UPDATE_ME = `mutation UpdateMe($input: UpdateMeInput!) { updateMe(input: $input) {
  id email username displayName avatarUrl updatedAt preferences { theme notifications language } } }`;

export interface SeededUser {
  readonly id: string;
  readonly email: string;
  readonly username: string;
  readonly password: string;
  readonly accessToken: string;
  readonly refreshToken: string;
  /** The client with the user's access token. */
  readonly client: TestClient;
}

let seeded = 0;

/** Registers a user with unique names; `input` overrides them. */
export async function registerUser(client: TestClient, input: AnyData = {}): Promise<SeededUser> {
  seeded += 1;
  const names = { email: `user${seeded}@mail.test`, username: `user${seeded}`, password: PASSWORD, ...input };
  const answer = await client.send(REGISTER, { input: names });
  const payload = answer.data?.['register'] as AnyData | undefined;
  if (!payload) throw new Error(`The seed was refused: ${JSON.stringify(answer.errors)}`);
  const { accessToken, refreshToken, user } = payload as {
    accessToken: string;
    refreshToken: string;
    user: SeededUser;
  };
  return { ...names, id: user.id, accessToken, refreshToken, client: client.with({ token: accessToken }) };
}

/** Sets columns of an account directly. */
export async function setAccount(
  db: Database,
  id: string,
  assignments: 'role' | 'disabled' | 'deleted' | 'enabled',
): Promise<void> {
  const changes = {
    role: sql`role = 'ADMIN'`,
    disabled: sql`disabled_at = now()`,
    deleted: sql`deleted_at = now()`,
    enabled: sql`disabled_at = null, role = 'USER'`,
  };
  await db.executor.execute(sql`update users set ${changes[assignments]} where id = ${id}`);
}

/** The token of the last link in the messages. */
export function tokenIn(mails: readonly { readonly text: string }[]): string {
  const token = /[?&]token=([\w-]+)/.exec(mails.at(-1)?.text ?? '')?.[1];
  if (!token) throw new Error('No mail has a link');
  return token;
}

/** Registers an administrator. */
export async function registerAdmin(app: { user(): Promise<SeededUser>; db: Database; client(): TestClient }) {
  const user = await app.user();
  await setAccount(app.db, user.id, 'role');
  const { data } = await app.client().send(LOGIN, { input: { identifier: user.username, password: user.password } });
  const accessToken = data!['login'].accessToken as string;
  return { ...user, accessToken, client: user.client.with({ token: accessToken }) };
}
