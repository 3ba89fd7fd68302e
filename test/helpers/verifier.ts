/** A listening Latchkey with a verifier of its tokens. */
import { createVerifier, type Verifier, type VerifierOptions } from '../../src/verify/index.js';
import { startTestApp, type TestApp, type TestScope } from './app.js';
import { listen } from './server.js';

export const ISSUER = 'http://auth.test';

export interface Running {
  readonly app: TestApp;
  readonly jwksUri: string;
  /** Fetches the keys for every unknown key id. */
  readonly verifier: Verifier;
}

export async function startWithVerifier(
  t: TestScope,
  env: Record<string, string> = {},
  options: Partial<VerifierOptions> = {},
): Promise<Running> {
  const app = await startTestApp(t, env);
  const jwksUri = `http://127.0.0.1:${await listen(app.server)}/.well-known/jwks.json`;
  return { app, jwksUri, verifier: createVerifier({ issuer: ISSUER, jwksUri, cooldown: 0, ...options }) };
}
