/** HTTP responses that are written to a connection directly, because no response object exists. */
import { STATUS_CODES } from 'node:http';
import { AppError } from '../lib/errors.js';

/** Status and message of a refusal. The error code is QUERY_REJECTED. */
export interface Refusal {
  readonly status: number;
  readonly message: string;
}

/** Refusals by error code of Node's parser (RFC 9110, sections 15.5.9 and 15.5.14; RFC 6585, section 5); other errors get 400. */
const PARSER_ERRORS: Readonly<Record<string, Refusal>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, message: 'The request took too long to arrive.' },
  HPE_HEADER_OVERFLOW: { status: 431, message: 'The headers are too large.' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, message: 'The chunk extensions are too large.' },
};

/** The refusal for an error of Node's HTTP parser. */
export function refusalOf(code: string | undefined): Refusal {
  return PARSER_ERRORS[code ?? ''] ?? { status: 400, message: 'The request is malformed.' };
}

/** The JSON body of an error outside GraphQL. */
export function errorBody({ message, extensions }: AppError): object {
  return { errors: [{ message, extensions }] };
}

/** The JSON body of a refusal. */
export function refusalBody({ message }: Refusal): string {
  return JSON.stringify(errorBody(new AppError('QUERY_REJECTED', message)));
}

/** Headers of a refusal, which closes the connection. */
export function refusalHeaders(body: string, headers: Readonly<Record<string, string>>): Record<string, string> {
  return {
    ...headers,
    connection: 'close',
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
  };
}

/**
 * A complete HTTP/1.1 response that closes the connection.
 * @param headers further headers, by lower-case name
 */
export function rawResponse(refusal: Refusal, headers: Readonly<Record<string, string>>): string {
  const body = refusalBody(refusal);
  const lines = Object.entries(refusalHeaders(body, headers)).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}\r\n${lines.join('')}\r\n${body}`;
}
