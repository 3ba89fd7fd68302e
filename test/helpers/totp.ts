/** An authenticator app for tests (RFC 6238): written from the RFC, independent of the library that the product uses. */
import { createHmac } from 'node:crypto';
import type { AnyData, TestClient } from './client.js';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** @param secret in base32 @param now in milliseconds */
export function totpCode(secret: string, now: number): string {
  const bits = [...secret.replace(/=+$/, '')].map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, '0'));
  const bytes = bits.join('').match(/.{8}/g)!;
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(now / 30_000)));
  const key = Buffer.from(bytes.map((byte) => parseInt(byte, 2)));
  const mac = createHmac('sha1', key).update(counter).digest();
  const offset = mac.at(-1)! & 15;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

/** A code of no step near `now`. */
export function wrongCode(secret: string, now: number): string {
  const right = [-2, -1, 0, 1, 2].map((steps) => totpCode(secret, now + steps * 30_000));
  return ['000000', '111111', '222222', '333333', '444444', '555555'].find((code) => !right.includes(code))!;
}

export const START_TOTP = 'mutation { startTotpEnrollment { secret uri expiresAt } }';
export const CONFIRM_TOTP = 'mutation ($code: String!) { confirmTotpEnrollment(code: $code) { codes } }';
export const LOGIN_WITH_FACTOR = `mutation ($input: SecondFactorInput!) { loginWithSecondFactor(input: $input) {
  accessToken refreshToken user { id secondFactors { recoveryCodesLeft } } } }`;

export interface EnrolledTotp {
  readonly secret: string;
  readonly recoveryCodes: readonly string[];
}

/** Enrols an app with the present code, which then does not work again. @param client bears a recent login */
export async function enrollTotp(client: TestClient, now: () => number): Promise<EnrolledTotp> {
  const started = await client.send(START_TOTP);
  const { secret } = dataOf(started.data, 'startTotpEnrollment', started.code);
  const confirmed = await client.send(CONFIRM_TOTP, { code: totpCode(secret, now()) });
  if (confirmed.code) throw new Error(`The enrolment was refused: ${confirmed.code}`);
  return { secret, recoveryCodes: confirmed.data!['confirmTotpEnrollment']?.codes ?? [] };
}

function dataOf(data: AnyData | null | undefined, field: string, code: string | undefined): AnyData {
  if (!data) throw new Error(`The enrolment was refused: ${code}`);
  return data[field] as AnyData;
}
