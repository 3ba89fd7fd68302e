/**
 * The one translator at the edge of GraphQL: whatever went wrong becomes a message, a code and its details. An error
 * that is not part of the contract leaves as INTERNAL_ERROR with the request's id; its cause is for the log alone.
 */
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { outage } from '../db/errors.js';
import { AppError, validationError } from '../errors.js';

export interface FormattedError extends Omit<GraphQLFormattedError, 'extensions'> {
  readonly extensions: AppError['extensions'];
}

export interface TranslatedError {
  /** For the log, with its cause. */
  readonly fault: AppError;
  /** For the client. */
  readonly formatted: FormattedError;
}

/** A fault of syntax or validation: the document's, and told as graphql-js words it. */
export function translateDocumentError(error: GraphQLError): TranslatedError {
  return translated(new AppError('QUERY_REJECTED', error.message), error);
}

/** Anything else that was thrown, by a resolver or on the way to it. */
export function translateError(error: unknown, requestId: string): TranslatedError {
  const located = error instanceof GraphQLError ? error : undefined;
  const known = findAppError(error) ?? argumentFault(located);
  if (known && known.code !== 'INTERNAL_ERROR') return translated(known, located);
  const cause = known?.cause ?? located?.originalError ?? error;
  return translated(new AppError('INTERNAL_ERROR', 'Internal error.', { requestId }, cause), located);
}

function translated(fault: AppError, located?: GraphQLError): TranslatedError {
  return {
    fault,
    formatted: {
      message: fault.message,
      ...(located?.locations ? { locations: located.locations } : {}),
      ...(located?.path ? { path: located.path } : {}),
      extensions: fault.extensions,
    },
  };
}

/** Deep enough for every wrapper there is; a cycle cannot hold it. */
const MAX_CAUSES = 8;

/** The AppError that an error is, wraps, or (for a database that is away) means. */
function findAppError(error: unknown): AppError | undefined {
  let link = error;
  for (let depth = 0; depth < MAX_CAUSES && link instanceof Error; depth += 1) {
    if (link instanceof AppError) return link;
    link = link instanceof GraphQLError ? link.originalError : link.cause;
  }
  return outage(error instanceof GraphQLError ? error.originalError : error);
}

/** As graphql-js words it when a nullable variable, allowed there for its default, turns out to be null. */
const ARGUMENT = /^Argument "(\w+)" of (?:required|non-null) type /;

/** A fault of an argument or of `@include(if:)` that shows in execution only: the client's, not a resolver's. */
function argumentFault(located: GraphQLError | undefined): AppError | undefined {
  const origin = located?.originalError ?? located;
  const field = origin instanceof GraphQLError && origin.nodes ? ARGUMENT.exec(origin.message)?.[1] : undefined;
  return field === undefined ? undefined : validationError([{ field, message: 'is required' }]);
}
