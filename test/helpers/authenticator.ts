/** A software authenticator for tests (WebAuthn Level 3, ES256): written from the standard, without the library under test. */
import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import type { AnyData } from './client.js';

/** What one ceremony does differently from a right one. */
export interface Ceremony {
  readonly origin?: string;
  readonly rpId?: string;
  readonly challenge?: string;
  readonly type?: string;
  readonly crossOrigin?: boolean;
  readonly userPresent?: boolean;
  readonly userVerified?: boolean;
  /** The counter to send; the next one by default. */
  readonly counter?: number;
  /** Null: none. */
  readonly userHandle?: string | null;
  /** Signed with a key of another credential. */
  readonly wrongKey?: boolean;
  /** The attestation statement, with its format. */
  readonly attestation?: readonly [string, CborMap];
  readonly credentialId?: Buffer;
}

export interface AuthenticatorOptions {
  readonly origin?: string;
  /** Whether its passkeys are synced: their counter then stays at 0. */
  readonly synced?: boolean;
  /** Whether it counts signatures; by default if it does not sync. */
  readonly counts?: boolean;
}

interface Credential {
  readonly id: Buffer;
  readonly key: KeyObject;
  readonly userHandle: string;
  counter: number;
}

export interface Authenticator {
  /** The response to creation options. It keeps the credential. */
  register(options: AnyData, ceremony?: Ceremony): AnyData;
  /** The response to request options, with the newest credential that they allow. */
  assert(options: AnyData, ceremony?: Ceremony): AnyData;
  /** A copy with the same credentials and counters. */
  clone(): Authenticator;
}

export const TEST_ORIGIN = 'http://auth.test';
const AAGUID = Buffer.alloc(16);

export function createAuthenticator(
  { origin = TEST_ORIGIN, synced = false, counts = !synced }: AuthenticatorOptions = {},
  credentials: Credential[] = [],
): Authenticator {
  function clientData(type: string, { challenge }: AnyData, ceremony: Ceremony): Buffer {
    return Buffer.from(
      JSON.stringify({
        type: ceremony.type ?? type,
        challenge: ceremony.challenge ?? challenge,
        origin: ceremony.origin ?? origin,
        crossOrigin: ceremony.crossOrigin ?? false,
      }),
    );
  }

  /** Authenticator data without extensions (section 6.1). */
  function authenticatorData(rpId: string, counter: number, ceremony: Ceremony, attested: Buffer = Buffer.alloc(0)) {
    const { userPresent = true, userVerified = true } = ceremony;
    const flags = Number(userPresent) | (Number(userVerified) << 2) | (synced ? 0b11000 : 0);
    const head = Buffer.alloc(5);
    head.writeUInt8(flags | (attested.length > 0 ? 0b1000000 : 0));
    head.writeUInt32BE(counter, 1);
    return Buffer.concat([sha256(ceremony.rpId ?? rpId), head, attested]);
  }

  return {
    register(options, ceremony = {}) {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const id = ceremony.credentialId ?? randomBytes(32);
      const length = Buffer.alloc(2);
      length.writeUInt16BE(id.length);
      const attested = Buffer.concat([AAGUID, length, id, cbor(coseKey(publicKey))]);
      const authData = authenticatorData(options['rp'].id, ceremony.counter ?? 0, ceremony, attested);
      const [fmt, attStmt] = ceremony.attestation ?? ['none', new Map()];
      const attestationObject = cbor(
        new Map<string, Cbor>([
          ['fmt', fmt],
          ['attStmt', attStmt],
          ['authData', authData],
        ]),
      );
      credentials.push({ id, key: privateKey, userHandle: options['user'].id, counter: ceremony.counter ?? 0 });
      return credentialJson(id, {
        clientDataJSON: base64url(clientData('webauthn.create', options, ceremony)),
        attestationObject: base64url(attestationObject),
        transports: ['internal', 'hybrid'],
      });
    },

    assert(options, ceremony = {}) {
      const allowed = (options['allowCredentials'] as AnyData[] | undefined)?.map(({ id }) => id as string);
      const credential = credentials.findLast(({ id }) => allowed?.includes(base64url(id)) ?? true);
      if (!credential) throw new Error('The authenticator has none of the credentials');
      if (counts) credential.counter += 1;
      const counter = ceremony.counter ?? credential.counter;
      const authData = authenticatorData(options['rpId'], counter, ceremony);
      const data = clientData('webauthn.get', options, ceremony);
      const key = ceremony.wrongKey ? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey : credential.key;
      const { userHandle = credential.userHandle } = ceremony;
      return credentialJson(credential.id, {
        clientDataJSON: base64url(data),
        authenticatorData: base64url(authData),
        signature: base64url(sign('sha256', Buffer.concat([authData, sha256(data)]), key)),
        ...(userHandle === null ? {} : { userHandle }),
      });
    },

    clone: () =>
      createAuthenticator(
        { origin, synced, counts },
        credentials.map((credential) => ({ ...credential })),
      ),
  };
}

/** PublicKeyCredentialJSON, with members that the server ignores. */
function credentialJson(id: Buffer, response: AnyData): AnyData {
  return {
    id: base64url(id),
    rawId: base64url(id),
    type: 'public-key',
    authenticatorAttachment: 'platform',
    clientExtensionResults: { credProps: { rk: true } },
    response,
  };
}

/** The COSE key of ES256 (RFC 9053 section 7.1.1). */
function coseKey(publicKey: KeyObject): CborMap {
  const { x, y } = publicKey.export({ format: 'jwk' });
  return new Map<number, Cbor>([
    [1, 2],
    [3, -7],
    [-1, 1],
    [-2, Buffer.from(x!, 'base64url')],
    [-3, Buffer.from(y!, 'base64url')],
  ]);
}

export type Cbor = number | string | Buffer | readonly Cbor[] | CborMap;
export type CborMap = ReadonlyMap<number | string, Cbor>;

/** Encodes CBOR (RFC 8949), as far as authenticators need it. */
export function cbor(value: Cbor): Buffer {
  if (typeof value === 'number') return value < 0 ? cborHead(1, -1 - value) : cborHead(0, value);
  if (typeof value === 'string') return Buffer.concat([cborHead(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (Buffer.isBuffer(value)) return Buffer.concat([cborHead(2, value.length), value]);
  if (value instanceof Map) {
    const members = [...(value as CborMap)].flatMap(([key, member]) => [cbor(key), cbor(member)]);
    return Buffer.concat([cborHead(5, value.size), ...members]);
  }
  const items = value as readonly Cbor[];
  return Buffer.concat([cborHead(4, items.length), ...items.map(cbor)]);
}

function cborHead(major: number, value: number): Buffer {
  if (value < 24) return Buffer.from([(major << 5) | value]);
  if (value < 256) return Buffer.from([(major << 5) | 24, value]);
  return Buffer.from([(major << 5) | 25, value >> 8, value & 255]);
}

const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest();
const base64url = (data: Buffer) => data.toString('base64url');
