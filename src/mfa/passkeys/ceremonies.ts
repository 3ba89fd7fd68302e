/** The WebAuthn ceremonies: the options that a browser gets, and the verification of its response. Keeps nothing. */
import { createHash } from 'node:crypto';
import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  type RegistrationResponseJSON,
} from '@simplewebauthn/server';
import { decodeAttestationObject, isoBase64URL, isoCBOR } from '@simplewebauthn/server/helpers';
import type { RelyingParty } from '../../config/relying-party.js';
import { knownTransports, type ClientAssertion, type ClientRegistration } from './responses.js';

/** A credential that an authenticator has created. */
export interface NewCredential {
  /** In base64url. */
  readonly credentialId: string;
  /** The COSE key, in base64url. */
  readonly publicKey: string;
  readonly counter: number;
  readonly transports: string[];
  /** Whether the authenticator syncs it between devices. */
  readonly synced: boolean;
}

/** A verified use of a credential. The counter has yet to be compared. */
export interface Assertion {
  readonly counter: number;
  readonly synced: boolean;
  /** Whether the authenticator verified its user, with a PIN or a fingerprint for instance. */
  readonly userVerified: boolean;
}

export interface StoredCredential {
  readonly credentialId: string;
  readonly publicKey: string;
  readonly transports: readonly string[];
}

export interface Ceremonies {
  registrationOptions(params: {
    readonly userId: string;
    /** What authenticators show. */
    readonly userName: string;
    readonly displayName: string;
    /** In base64url. */
    readonly challenge: string;
    /** Credentials of the account, so that no authenticator holds two. */
    readonly existing: readonly StoredCredential[];
  }): Promise<PublicKeyCredentialCreationOptionsJSON>;
  /** @param credentials the ones to choose from; undefined for every discoverable one, with user verification */
  authenticationOptions(
    challenge: string,
    credentials: readonly StoredCredential[] | undefined,
  ): Promise<PublicKeyCredentialRequestOptionsJSON>;
  /** Undefined if the response is wrong. */
  verifyRegistration(response: ClientRegistration): Promise<NewCredential | undefined>;
  /** Undefined if the response is wrong, or not of this credential. */
  verifyAssertion(
    response: ClientAssertion,
    credential: StoredCredential,
    requireUserVerification: boolean,
  ): Promise<Assertion | undefined>;
}

/** How long a ceremony may take, in milliseconds (WebAuthn Level 3, section 15.1: 300 s to 600 s). */
export const CEREMONY_MS = 300_000;
/** COSE algorithms (RFC 9053): Ed25519, ES256 and RS256, which Windows Hello needs. */
const ALGORITHMS = [-8, -7, -257];

export function createCeremonies({ id: rpID, origins }: RelyingParty, rpName: string): Ceremonies {
  const expected = { expectedOrigin: [...origins], expectedRPID: rpID };
  const describe = ({ credentialId, transports }: StoredCredential) => ({
    id: credentialId,
    transports: knownTransports(transports),
  });

  return {
    registrationOptions: ({ userId, userName, displayName, challenge, existing }) =>
      generateRegistrationOptions({
        rpID,
        rpName,
        userName,
        userDisplayName: displayName,
        userID: new Uint8Array(Buffer.from(userHandleOf(userId), 'base64url')),
        challenge: new Uint8Array(Buffer.from(challenge, 'base64url')),
        timeout: CEREMONY_MS,
        supportedAlgorithmIDs: ALGORITHMS,
        attestationType: 'none',
        authenticatorSelection: { residentKey: 'required', userVerification: 'preferred' },
        excludeCredentials: existing.map(describe),
      }),

    authenticationOptions: (challenge, credentials) =>
      generateAuthenticationOptions({
        rpID,
        challenge: new Uint8Array(Buffer.from(challenge, 'base64url')),
        timeout: CEREMONY_MS,
        userVerification: credentials ? 'preferred' : 'required',
        ...(credentials ? { allowCredentials: credentials.map(describe) } : {}),
      }),

    async verifyRegistration({ json, challenge }) {
      return refusedAsUndefined(async () => {
        const { registrationInfo } = await verifyRegistrationResponse({
          ...expected,
          response: { ...json, response: { ...json.response, attestationObject: withoutAttestation(json) } },
          expectedChallenge: challenge,
          requireUserVerification: false,
          supportedAlgorithmIDs: ALGORITHMS,
        });
        if (!registrationInfo || registrationInfo.credential.id !== json.id) return undefined;
        const { credential, credentialDeviceType } = registrationInfo;
        return {
          credentialId: credential.id,
          publicKey: isoBase64URL.fromBuffer(credential.publicKey),
          counter: credential.counter,
          transports: [...(json.response.transports ?? [])],
          synced: credentialDeviceType === 'multiDevice',
        };
      });
    },

    async verifyAssertion({ json, challenge }, { credentialId, publicKey }, requireUserVerification) {
      if (json.id !== credentialId) return undefined;
      return refusedAsUndefined(async () => {
        const { verified, authenticationInfo } = await verifyAuthenticationResponse({
          ...expected,
          response: json,
          expectedChallenge: challenge,
          requireUserVerification,
          // The library would compare the counter before it verifies the signature. The repository compares it afterwards.
          credential: { id: credentialId, publicKey: isoBase64URL.toBuffer(publicKey), counter: 0 },
        });
        if (!verified) return undefined;
        const { newCounter, credentialDeviceType, userVerified } = authenticationInfo;
        return { counter: newCounter, synced: credentialDeviceType === 'multiDevice', userVerified };
      });
    },
  };
}

/**
 * The user handle of an account (WebAuthn Level 3, section 14.6.1): opaque, the same for all of its passkeys. The id itself would
 * reveal when the account was created.
 */
export function userHandleOf(userId: string): string {
  return createHash('sha256').update(`passkey user handle|${userId}`).digest('base64url');
}

/**
 * The attestation object as with attestation `none`, which the options ask for. Some authenticators send a statement all the
 * same. Verifying it would parse certificates of strangers, and fetch the revocation lists that they name.
 */
function withoutAttestation({ response }: RegistrationResponseJSON): string {
  const authData = decodeAttestationObject(isoBase64URL.toBuffer(response.attestationObject)).get('authData');
  const attStmt = new Map<string, string>();
  const members = { fmt: 'none', attStmt, authData };
  return isoBase64URL.fromBuffer(isoCBOR.encode(new Map(Object.entries(members))));
}

/** The library throws an error for every reason to refuse a response, and for malformed CBOR. */
async function refusedAsUndefined<T>(verify: () => Promise<T | undefined>): Promise<T | undefined> {
  return verify().catch(() => undefined);
}
