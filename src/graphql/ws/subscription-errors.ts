/** Errors of subscriptions, in the forms that graphql-ws accepts. */
import { GraphQLError } from 'graphql';
import type { FormattedError } from '../error-format.js';
import type { Stream } from './shared-execution.js';

const OVER = { done: true, value: undefined } as const;

/** Errors that refuse or end a subscription; the socket stays open. */
export class Refusal extends Error {
  constructor(readonly errors: readonly FormattedError[]) {
    super('The subscription was refused');
  }
}

/** The answer to a subscribe message that is refused. */
export function refusal(errors: readonly FormattedError[]): GraphQLError[] {
  return [new GraphQLError('', { originalError: new Refusal(errors) })];
}

/**
 * A stream that fails at once: graphql-ws sends the failure as the error of the subscription. If the client has completed the
 * subscription meanwhile, graphql-ws ends the stream and ignores the result.
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
