/** The provider of Plex with the stand-in for plex.tv and a clock that only the test moves. */
import { inspect } from 'node:util';
import { IdentityProviderError, type ProviderFailure, type StartedFlow } from '../../src/identities/provider.js';
import { createPlexProvider, type PlexProviderOptions } from '../../src/identities/providers/plex.js';
import type { TestScope } from './app.js';
import { testClock } from './clock.js';
import { ACCOUNT, startPlexTv } from './plex.js';

export const REDIRECT_URI = 'https://auth.example.test/identities/callback/plex';
export const STATE = 'a-state';

/** The profile of ACCOUNT. */
export const PROFILE = {
  issuer: 'https://plex.tv',
  subject: '23248710',
  email: null,
  username: 'ada.plex',
  displayName: 'Ada L.',
  avatarUrl: ACCOUNT.thumb,
};

/** Starts the stand-in and creates a provider that uses it. Waits take no time: they move the clock. */
export async function setUpPlex(t: TestScope, options: Partial<PlexProviderOptions> = {}) {
  const clock = testClock();
  const plex = await startPlexTv(t, clock);
  const waits: number[] = [];
  const create = (more: Partial<PlexProviderOptions> = {}) =>
    createPlexProvider({
      id: 'plex',
      name: 'Plex',
      issuer: 'https://plex.tv',
      clientIdentifier: 'latchkey-1',
      product: 'Ada’s Cinema & Co + 1',
      serverId: undefined,
      serverOwnerId: undefined,
      trustEmail: false,
      clock,
      fetch: plex.fetch,
      wait: async (ms) => {
        waits.push(ms);
        clock.advance(ms);
      },
      ...options,
      ...more,
    });
  const provider = create();
  /** The browser comes back from Plex. */
  const finish = ({ parameters }: Pick<StartedFlow, 'parameters'>, by = provider) => {
    const url = new URL(`${REDIRECT_URI}?state=${STATE}`);
    return by.finish({ url, redirectUri: REDIRECT_URI, state: STATE, parameters });
  };
  /** A whole sign-in; parameters as for `signIn` of the stand-in. */
  const signIn = async (token?: string | null, hiddenPolls?: number) => {
    const started = await provider.start(REDIRECT_URI, STATE);
    plex.signIn(started.url, token, hiddenPolls);
    return finish(started);
  };
  return { clock, plex, create, provider, waits, finish, signIn };
}

/** The IdentityProviderError of a promise. @throws what else the promise gives */
export async function errorOf(promise: Promise<unknown>): Promise<IdentityProviderError> {
  const error = await promise.then(
    (value) => new Error(`It succeeded: ${inspect(value)}`),
    (reason: unknown) => reason,
  );
  if (error instanceof IdentityProviderError) return error;
  throw error;
}

/** The failure of a promise. @throws what else the promise gives */
export async function failureOf(promise: Promise<unknown>): Promise<ProviderFailure> {
  return (await errorOf(promise)).failure;
}
