/**
 * The one translator at the edge of GraphQL: whatever went wrong becomes a message, a code and its details. An error
 * that is not part of the contract leaves as INTERNAL_ERROR with the request's id; its cause is for the log alone.
 */
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { outage } from '../db/errors.js';
import { AppError, validationError } from '../lib/errors.js';
import { locationsOf } from './documents/detach.js';

export interface FormattedError extends Omit<GraphQLFormattedError, 'extensions'> {
  readonly extensions: AppError['extensions'];
}

export interface TranslatedError {
  /** For the log, with its cause. */
  readonly fault: AppError;
  /** For the client. */
  readonly formatted: FormattedError;
}

/** graphql-js quotes names, and a name may be as long as the document. In characters. */
const MAX_MESSAGE_LENGTH = 500;

/** An error of syntax or validation, in the words of graphql-js. */
export interface DocumentError {
  readonly message: string;
  readonly locations: GraphQLFormattedError['locations'];
}

/** Takes out of an error what is shown of it. */
export function documentError(error: GraphQLError): DocumentError {
  const { message } = error;
  return {
    message: message.length > MAX_MESSAGE_LENGTH ? `${message.slice(0, MAX_MESSAGE_LENGTH)}…` : message,
    locations: locationsOf(error),
  };
}

/** Translates an error of syntax or validation. */
export function translateDocumentError({ message, locations }: DocumentError): TranslatedError {
  return translated(new AppError('QUERY_REJECTED', message), locations);
}

/** Anything else that was thrown, by a resolver or on the way to it. */
export function translateError(error: unknown, requestId: string): TranslatedError {
  const located = error instanceof GraphQLError ? error : undefined;
  const known = findAppError(error) ?? argumentFault(located);
  const locations = located && locationsOf(located);
  if (known && known.code !== 'INTERNAL_ERROR') return translated(known, locations, located?.path);
  const cause = known?.cause ?? located?.originalError ?? error;
  return translated(new AppError('INTERNAL_ERROR', 'Internal error.', { requestId }, cause), locations, located?.path);
}

function translated(
  fault: AppError,
  locations: GraphQLFormattedError['locations'],
  path?: GraphQLFormattedError['path'],
): TranslatedError {
  return {
    fault,
    formatted: {
      message: fault.message,
      ...(locations ? { locations } : {}),
      ...(path ? { path } : {}),
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
