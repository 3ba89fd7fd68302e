/** Advice for an operator about a database error: one sentence that names the setting to change. */
import { READ_ONLY } from './connection.js';
import { causes } from './errors.js';

const CHECK_CERTIFICATE =
  "The server's certificate was issued by a CA that Node does not know: name the CA's file as sslrootcert in DATABASE_URL.";
const CHECK_SETTINGS = 'Remove the setting from the parameters of DATABASE_URL.';
const CHECK_ROLE = 'Check the user name and the password in DATABASE_URL.';
const CHECK_ADDRESS = 'Check the host and the port in DATABASE_URL.';

/** By SQLSTATE, and by error codes of TLS and the system. */
const ADVICE: Readonly<Record<string, string>> = {
  '28P01': CHECK_ROLE,
  '28000': CHECK_ROLE,
  '3D000': 'Check the name of the database in DATABASE_URL.',
  '42501': 'Grant the role of DATABASE_URL what docs/postgres.md lists.',
  '42P01': 'Its migrations are missing: set MIGRATE_ON_START=true once.',
  '42704': CHECK_SETTINGS,
  '22023': CHECK_SETTINGS,
  '55P02': CHECK_SETTINGS,
  '53300': 'Lower DATABASE_POOL_SIZE, or allow more connections at the server.',
  [READ_ONLY]: 'Point DATABASE_URL to the primary.',
  TLS_NOT_OFFERED: 'Set sslmode=disable in DATABASE_URL if the network in between is trusted.',
  SERVER_HUNG_UP: 'Check that Postgres listens at the host and the port in DATABASE_URL, and its log.',
  SELF_SIGNED_CERT_IN_CHAIN: CHECK_CERTIFICATE,
  DEPTH_ZERO_SELF_SIGNED_CERT: CHECK_CERTIFICATE,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: CHECK_CERTIFICATE,
  UNABLE_TO_GET_ISSUER_CERT: CHECK_CERTIFICATE,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: CHECK_CERTIFICATE,
  CERT_HAS_EXPIRED: "Renew the server's certificate, which has expired.",
  CERT_NOT_YET_VALID: "Check this machine's clock: the server's certificate is not valid yet.",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "The server's certificate is for another host: use its name in DATABASE_URL, or sslmode=verify-ca.",
  ECONNREFUSED: CHECK_ADDRESS,
  ENOTFOUND: CHECK_ADDRESS,
  EAI_AGAIN: CHECK_ADDRESS,
  ENOENT: CHECK_ADDRESS,
  EHOSTUNREACH: CHECK_ADDRESS,
  ENETUNREACH: CHECK_ADDRESS,
};

/** Undefined if there is no advice for the error. */
export function databaseAdvice(error: unknown): string | undefined {
  for (const { code, message } of causes(error)) {
    if (code === '28000' && /no encryption|SSL off/.test(String(message)))
      return 'The server wants TLS: add sslmode=require, or better verify-full, to DATABASE_URL.';
    if (code === '08P01' && /startup parameter/.test(String(message))) return CHECK_SETTINGS;
    const advice = typeof code === 'string' && Object.hasOwn(ADVICE, code) ? ADVICE[code] : undefined;
    if (advice !== undefined) return advice;
  }
  return undefined;
}
