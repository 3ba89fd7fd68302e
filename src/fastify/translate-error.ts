/** Translates any error to an AppError, the only errors that clients see, for HTTP, GraphQL and WebSocket. */
import { outage } from '../db/errors.js';
import { AppError } from '../lib/errors.js';

/** More than any error is wrapped; bounds the loop if causes are circular. */
const MAX_CAUSES = 8;

/**
 * Returns the AppError that the error is or wraps, or SERVICE_UNAVAILABLE if the database is unavailable. Any other error becomes
 * INTERNAL_ERROR, with the original as its cause, which is only logged.
 * @param requestId the `requestId` of INTERNAL_ERROR, which is also in the log line
 */
export function translateError(thrown: unknown, requestId: string): AppError {
  const known = findAppError(thrown) ?? outage(original(thrown));
  if (known && known.code !== 'INTERNAL_ERROR') return known;
  return new AppError('INTERNAL_ERROR', 'Internal error.', { requestId }, known?.cause ?? original(thrown));
}

function findAppError(thrown: unknown): AppError | undefined {
  let link = thrown;
  for (let depth = 0; depth < MAX_CAUSES && link instanceof Error; depth += 1) {
    if (link instanceof AppError) return link;
    link = original(link) === link ? link.cause : original(link);
  }
  return undefined;
}

/** The error that a GraphQLError wraps, or the error itself. */
function original(thrown: unknown): unknown {
  const wrapped = thrown instanceof Error && 'originalError' in thrown ? thrown.originalError : undefined;
  return wrapped ?? thrown;
}
