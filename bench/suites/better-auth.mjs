// Better Auth with accounts, for the suites that compare with it.
import { join } from 'node:path';
import { environment, ownEmail, PASSWORD, ROOT } from '../lib/latchkey.mjs';
import { startServer } from '../lib/process.mjs';

/** Better Auth accepts requests of its own origin only. */
const headersOf = (url) => ({ 'content-type': 'application/json', origin: url });

export const emailOf = (member) => `member${member}@example.test`;

/** Starts Better Auth on a separate database and registers accounts. @returns the server, and the `cookies` of their clients */
export async function startBetterAuth(context, name, cookieCache, count) {
  const databaseUrl = await context.postgres.create(
    `better_auth_${cookieCache ? 'cached' : 'plain'}_${Date.now() % 1e6}`,
  );
  const server = await startServer({
    name,
    args: [join(ROOT, 'bench/servers/better-auth.mjs')],
    workDir: context.workDir,
    env: (url) => environment(url, databaseUrl, { COOKIE_CACHE: cookieCache ? 'on' : 'off' }),
    answers: async (url) => (await fetch(`${url}/api/auth/ok`)).ok,
  });
  const cookies = [];
  for (let member = 0; member < count; member += 1) {
    const email = emailOf(member);
    const response = await fetch(`${server.url}/api/auth/sign-up/email`, {
      method: 'POST',
      headers: headersOf(server.url),
      body: JSON.stringify({ name: `Member ${member}`, email, password: PASSWORD }),
    });
    if (!response.ok) throw new Error(`${name} refused an account: ${await response.text()}`);
    cookies.push(
      response.headers
        .getSetCookie()
        .map((cookie) => cookie.split(';', 1)[0])
        .join('; '),
    );
  }
  return { server, databaseUrl, cookies };
}

/** @throws Error unless exactly the requests with its cookie get the session */
export async function assertSession({ name, url }, cookie) {
  const ask = async (headers) => (await fetch(`${url}/api/auth/get-session`, { headers })).json();
  const session = await ask({ cookie });
  if (session?.user?.email !== emailOf(0) || (await ask({})) !== null) {
    throw new Error(`${name} answers wrongly: ${JSON.stringify(session)}`);
  }
}

/** A sign-in for each account. */
export function signInRequests({ url }, count) {
  return Array.from({ length: count }, (_, member) => ({
    expect: ['"token":"', ownEmail({ email: emailOf(member) })],
    method: 'POST',
    path: '/api/auth/sign-in/email',
    headers: headersOf(url),
    body: JSON.stringify({ email: emailOf(member), password: PASSWORD }),
  }));
}
