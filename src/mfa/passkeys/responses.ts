/**
 * Reads what a browser sends after a WebAuthn ceremony: RegistrationResponseJSON and AuthenticationResponseJSON of WebAuthn
 * Level 3, section 5.1. Takes any value, and keeps only the members that are verified.
 */
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server';

/** A response with the challenge that it claims to answer. */
export interface ClientResponse<Json> {
  readonly json: Json;
  /** Not verified yet. */
  readonly challenge: string;
}

export type ClientRegistration = ClientResponse<RegistrationResponseJSON>;
export type ClientAssertion = ClientResponse<AuthenticationResponseJSON>;

/** Credential ids have at most 1023 bytes (WebAuthn Level 3, section 4). */
const MAX_ID = Math.ceil((1023 * 4) / 3);
/** More than the largest attestation object. Bodies are limited as well. */
const MAX_PART = 65_536;
const BASE64URL = /^[\w-]+$/;
/** AuthenticatorTransport of WebAuthn Level 3, section 5.8.4. */
const TRANSPORTS = ['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb'] as const;

/** Undefined if the value is not a registration response. */
export function readRegistration(value: unknown): ClientRegistration | undefined {
  const read = readCredential(value);
  const attestationObject = binary(read?.response['attestationObject']);
  if (!read || attestationObject === undefined) return undefined;
  const { id, rawId, clientDataJSON, challenge } = read;
  const transports = knownTransports(read.response['transports']);
  const response = { clientDataJSON, attestationObject, transports };
  return { challenge, json: { id, rawId, type: 'public-key', clientExtensionResults: {}, response } };
}

/** Undefined if the value is not an authentication response. */
export function readAssertion(value: unknown): ClientAssertion | undefined {
  const read = readCredential(value);
  const authenticatorData = binary(read?.response['authenticatorData']);
  const signature = binary(read?.response['signature']);
  if (!read || authenticatorData === undefined || signature === undefined) return undefined;
  const { id, rawId, clientDataJSON, challenge } = read;
  const userHandle = binary(read.response['userHandle']);
  const response = {
    clientDataJSON,
    authenticatorData,
    signature,
    ...(userHandle === undefined ? {} : { userHandle }),
  };
  return { challenge, json: { id, rawId, type: 'public-key', clientExtensionResults: {}, response } };
}

/** The transports that the standard knows. Others may be left out: they are hints. */
export function knownTransports(value: unknown): (typeof TRANSPORTS)[number][] {
  return TRANSPORTS.filter((transport) => Array.isArray(value) && value.includes(transport));
}

/** The members that both responses have. */
function readCredential(value: unknown) {
  if (!isObject(value) || value['type'] !== 'public-key' || !isObject(value['response'])) return undefined;
  const [id, rawId] = [binary(value['id'], MAX_ID), binary(value['rawId'], MAX_ID)];
  const clientDataJSON = binary(value['response']['clientDataJSON']);
  if (id === undefined || rawId === undefined || clientDataJSON === undefined) return undefined;
  const challenge = challengeIn(clientDataJSON);
  return challenge === undefined ? undefined : { id, rawId, clientDataJSON, challenge, response: value['response'] };
}

/** The challenge in the client data. Undefined for a page in a frame of another origin, which Latchkey does not support. */
function challengeIn(clientDataJSON: string): string | undefined {
  try {
    const data: unknown = JSON.parse(Buffer.from(clientDataJSON, 'base64url').toString());
    if (!isObject(data) || data['crossOrigin'] === true || typeof data['challenge'] !== 'string') return undefined;
    return data['challenge'];
  } catch {
    return undefined;
  }
}

function binary(value: unknown, maxLength = MAX_PART): string | undefined {
  return typeof value === 'string' && value.length <= maxLength && BASE64URL.test(value) ? value : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
