/** Fetches the JWKS, but not again within the cooldown of a failure: a service with many requests would delay its recovery. */
import type { FetchImplementation } from 'jose';

/** @param cooldownMs minimum time between a failure and the next request, in milliseconds */
export function createFetchKeys(cooldownMs: number): FetchImplementation {
  let failure: { readonly error: unknown; readonly at: number } | undefined;
  const failed = (error: unknown): void => void (failure = { error, at: performance.now() });
  return async (url, options) => {
    if (failure && performance.now() - failure.at < cooldownMs) throw failure.error;
    failure = undefined;
    try {
      const response = await fetch(url, options);
      if (response.status !== 200)
        failed(new Error(`The response to the request for the JWKS has status ${response.status}`));
      return response;
    } catch (error) {
      failed(error);
      throw error;
    }
  };
}
