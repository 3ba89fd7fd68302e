/** Sign-in by mailed codes, as people do it. */
import type { TestApp } from './app.js';

export const REQUEST_CODE = 'mutation ($email: String!) { requestEmailCode(email: $email) }';
export const LOGIN_BY_CODE = `mutation ($input: EmailCodeInput!) { loginWithEmailCode(input: $input) {
  accessToken refreshToken user { id email isVerified pendingEmail updatedAt lastLoginAt } } }`;

/** A mail with a code. */
export interface MailedCode {
  readonly code: string;
  readonly link: string;
  readonly linkToken: string;
}

/** The code in a mail; undefined if it has none. */
export function codeIn({ text }: { readonly text: string }): MailedCode | undefined {
  const code = /^([0-9A-Z]{4}-[0-9A-Z]{4})$/m.exec(text)?.[1];
  const [link, linkToken] = /http\S+\/email-code\?token=(\S+)/.exec(text) ?? [];
  return code && link && linkToken ? { code, link, linkToken } : undefined;
}

/** All codes that were mailed to an address, the newest last. */
export async function mailedCodes(app: Pick<TestApp, 'mailTo'>, address: string): Promise<MailedCode[]> {
  return (await app.mailTo(address)).flatMap((mail) => codeIn(mail) ?? []);
}

/** Requests a code and reads the mail. */
export async function requestCode(app: TestApp, email: string): Promise<MailedCode> {
  const { code } = await app.client().send(REQUEST_CODE, { email });
  const mailed = (await mailedCodes(app, email)).at(-1);
  if (code !== undefined || !mailed) throw new Error(`No code was mailed: ${code}`);
  return mailed;
}

/** A code of the same form that differs from this one in every character. */
export function wrongCode(code: string): string {
  const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
  return code.replace(/\w/g, (character) => alphabet[(alphabet.indexOf(character) + 1) % alphabet.length]!);
}
