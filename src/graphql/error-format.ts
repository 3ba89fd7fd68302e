/**
 * Translates errors for clients: message, code and details. An error outside the contract becomes INTERNAL_ERROR with the request
 * id; its cause is only logged.
 */
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { translateError as toAppError } from '../fastify/translate-error.js';
import { AppError, validationError } from '../lib/errors.js';
import { locationsOf } from './documents/detach.js';

export interface FormattedError extends Omit<GraphQLFormattedError, 'extensions'> {
  readonly extensions: AppError['extensions'];
}

export interface TranslatedError {
  /** For the log, with its cause. */
  readonly error: AppError;
  /** For the client. */
  readonly formatted: FormattedError;
}

/** In characters; graphql-js quotes names, which may be as long as the document. */
const MAX_MESSAGE_LENGTH = 500;

/** A syntax or validation error with the message of graphql-js. */
export interface DocumentError {
  readonly message: string;
  readonly locations: GraphQLFormattedError['locations'];
}

/** The parts of an error that clients see. */
export function documentError(error: GraphQLError): DocumentError {
  const { message } = error;
  return {
    message: message.length > MAX_MESSAGE_LENGTH ? `${message.slice(0, MAX_MESSAGE_LENGTH)}…` : message,
    locations: locationsOf(error),
  };
}

/** Translates a syntax or validation error. */
export function translateDocumentError({ message, locations }: DocumentError): TranslatedError {
  return translated(new AppError('QUERY_REJECTED', message), locations);
}

/** Translates any other error. */
export function translateError(error: unknown, requestId: string): TranslatedError {
  const located = error instanceof GraphQLError ? error : undefined;
  const appError = toAppError(error, requestId);
  const known = appError.code === 'INTERNAL_ERROR' ? (argumentError(located) ?? appError) : appError;
  return translated(known, located && locationsOf(located), located?.path);
}

function translated(
  error: AppError,
  locations: GraphQLFormattedError['locations'],
  path?: GraphQLFormattedError['path'],
): TranslatedError {
  return {
    error,
    formatted: {
      message: error.message,
      ...(locations ? { locations } : {}),
      ...(path ? { path } : {}),
      extensions: error.extensions,
    },
  };
}

/** The message of graphql-js for a nullable variable that is null in a non-null position with a default. */
const ARGUMENT = /^Argument "(\w+)" of (?:required|non-null) type /;

/** An error in an argument or `@include(if:)` that only execution detects: the client's error. */
function argumentError(located: GraphQLError | undefined): AppError | undefined {
  const origin = located?.originalError ?? located;
  const field = origin instanceof GraphQLError && origin.nodes ? ARGUMENT.exec(origin.message)?.[1] : undefined;
  return field === undefined ? undefined : validationError([{ field, message: 'is required' }]);
}
