/** Refusals of subscriptions, in the forms that the protocol's library takes them in. */
import { GraphQLError } from 'graphql';
import type { FormattedError } from '../error-format.js';
import type { Stream } from './shared-execution.js';

const OVER = { done: true, value: undefined } as const;

/** Errors that end a subscription, or keep it from opening; the socket goes on. */
export class Refusal extends Error {
  constructor(readonly errors: readonly FormattedError[]) {
    super('The subscription was refused');
  }
}

/** Answers a message that subscribes with errors. */
export function refusal(errors: readonly FormattedError[]): GraphQLError[] {
  return [new GraphQLError('', { originalError: new Refusal(errors) })];
}

/**
 * A stream of nothing but a failure: the library tells it to the client as an error of the subscription. Where the client
 * has given the subscription up meanwhile the library ends the stream, and does not look at what comes of that.
 */
export function failing(refusal: Refusal): Stream {
  const fail = () => Promise.reject(refusal);
  const stream = {
    next: fail,
    return: () => Promise.resolve(OVER),
    throw: fail,
    [Symbol.asyncIterator]: () => stream,
  } as unknown as Stream;
  return stream;
}
