/** Translates whatever was thrown into the one error type that clients see, for HTTP, GraphQL and WebSocket alike. */
import { outage } from '../db/errors.js';
import { AppError } from '../lib/errors.js';

/** Enough for every wrapper; stops at cycles. */
const MAX_CAUSES = 8;

/**
 * The AppError that an error is or wraps, or SERVICE_UNAVAILABLE for an unavailable database. Any other error becomes
 * INTERNAL_ERROR, which keeps it as its cause, for the log only.
 * @param requestId the `requestId` of INTERNAL_ERROR, for finding the log line
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
