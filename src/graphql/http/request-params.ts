/** The parameters of a GraphQL request (GraphQL over HTTP, "Request"), checked before anything else. */
import type { FastifyRequest } from 'fastify';
import { AppError } from '../../lib/errors.js';
import { rejectPrototype } from '../../lib/json.js';
import { isJson } from './json-body.js';

export interface GraphqlParams {
  /** Undefined for a persisted query that is requested by hash. */
  readonly query?: string | undefined;
  /** `extensions.persistedQuery.sha256Hash`, in lower case. */
  readonly hash?: string | undefined;
  readonly operationName?: string | undefined;
  readonly variables?: Record<string, unknown> | undefined;
}

/** Customary headers, including Apollo's. Each makes a browser send a preflight, whatever its value. */
const PREFLIGHT_HEADERS = [
  'graphql-require-preflight',
  'apollo-require-preflight',
  'x-apollo-operation-name',
  'x-requested-with',
];

/**
 * Reads and checks the parameters. A GET requires a header that makes a browser send a preflight (Fetch, CORS-preflight request), so
 * that no page of another origin can execute a query: it could use up its visitor's rate limit or measure response times.
 * @throws AppError QUERY_REJECTED for a malformed request, and for a GET without such a header
 */
export function readParams(request: FastifyRequest): GraphqlParams {
  if (request.method !== 'GET') return checked(request.body);
  const { headers } = request;
  if (!isJson(headers['content-type']) && !PREFLIGHT_HEADERS.some((name) => headers[name] !== undefined)) {
    throw rejected('A GET needs a header that makes browsers ask first, such as graphql-require-preflight: 1.');
  }
  const { query, operationName, variables, extensions } = request.query as Record<string, unknown>;
  return checked({
    query,
    operationName,
    variables: parsed('variables', variables),
    extensions: parsed('extensions', extensions),
  });
}

function checked(params: unknown): GraphqlParams {
  if (Array.isArray(params)) throw rejected('Batches of operations are not allowed.');
  if (!isMap(params)) throw rejected('The body must be a JSON object.');
  const { query, operationName, variables, extensions } = params;
  if (operationName != null && typeof operationName !== 'string')
    throw rejected('The parameter operationName must be a string.');
  if (variables != null && !isMap(variables)) throw rejected('The parameter variables must be an object.');
  if (extensions != null && !isMap(extensions)) throw rejected('The parameter extensions must be an object.');
  const hash = hashOf(extensions?.['persistedQuery']);
  // Clients omit the text of a persisted query, or send an empty one.
  if (hash !== undefined && (query == null || query === ''))
    return { hash, operationName: operationName || undefined, variables: variables ?? undefined };
  if (typeof query !== 'string') throw rejected('The parameter query must be a string.');
  return { query, hash, operationName: operationName || undefined, variables: variables ?? undefined };
}

const SHA256 = /^[\da-f]{64}$/i;

/** The hash of a persisted query (version 1 of Apollo's protocol). */
function hashOf(persistedQuery: unknown): string | undefined {
  if (persistedQuery == null) return undefined;
  const { version, sha256Hash } = isMap(persistedQuery) ? persistedQuery : {};
  if (version !== 1 || typeof sha256Hash !== 'string' || !SHA256.test(sha256Hash))
    throw rejected('extensions.persistedQuery must have the version 1 and a sha256Hash of 64 hexadecimal digits.');
  return sha256Hash.toLowerCase();
}

/** In a URL, maps are JSON. */
function parsed(name: string, text: unknown): unknown {
  if (text === undefined || text === '') return undefined;
  if (typeof text !== 'string') throw rejected(`The parameter ${name} must be given once.`);
  try {
    return JSON.parse(text, rejectPrototype) as unknown;
  } catch (error) {
    throw new AppError('QUERY_REJECTED', `The parameter ${name} must be JSON.`, {}, error);
  }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function rejected(message: string): AppError {
  return new AppError('QUERY_REJECTED', message);
}
