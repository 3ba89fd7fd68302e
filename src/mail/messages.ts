/**
 * The text of every email. Emails contain no user input, such as a username or a new address: anybody can register with
 * another person's address and would then write to that person in the service's name.
 */
import { renderEmail, type EmailContent, type Link } from './layout.js';
import { API_KEY_CHANGES, type ApiKeyChange } from './api-key-changes.js';
import { IDENTITY_CHANGES, type IdentityChange } from './identity-changes.js';
import { SECOND_FACTOR_CHANGES, type SecondFactorChange } from './second-factor-changes.js';

export type { EmailContent } from './layout.js';

/** One pure function for each kind of email. */
export interface EmailTemplates {
  /** Contains a link that is valid for 1 hour. */
  passwordReset(token: string): EmailContent;
  /** Sent to the address of a new account or to a changed address. Contains a link that is valid for 24 hours. */
  emailVerification(token: string): EmailContent;
  /** Sent in place of `emailVerification` if another account has the address. */
  emailTaken(): EmailContent;
  /** Sent to the current address, which stays in use until the new one is confirmed. Contains a link that cancels the change. */
  emailChangeRequested(cancelToken: string): EmailContent;
  /** Sent to the former address. Contains a link that restores it. */
  emailChanged(cancelToken: string): EmailContent;
  /** Contains a link that restores the former username. */
  usernameChanged(cancelToken: string): EmailContent;
  /** Sent after a cancellation. @param resetToken adds a link to choose a new password, if the cancellation voided the current one */
  changeCancelled(resetToken: string | undefined): EmailContent;
  /** Contains a sign-in code, and a link that does the same, both valid for 10 minutes. @param code as people read it */
  emailCode(code: string, linkToken: string): EmailContent;
  /** Notifies the owner that signing in with a code confirmed the address and voided an earlier password. */
  passwordVoided(): EmailContent;
  /** Sent after a change and after a reset. */
  passwordChanged(): EmailContent;
  /** Sent after too many wrong passwords, or codes of the second step. Contains a link to choose a new password. */
  accountLocked(resetToken: string, isSecondStep: boolean): EmailContent;
  /** @param restoreDays days during which the account can be restored, at least 1 */
  accountDeleted(restoreDays: number): EmailContent;
  /** Sent after each change of the second factors, and after the use of a recovery code. */
  secondFactorChanged(change: SecondFactorChange): EmailContent;
  /** Sent after a key was created or rotated, and after an administrator revoked one. */
  apiKeyChanged(change: ApiKeyChange): EmailContent;
  /** Sent after an identity was linked or unlinked. */
  identityChanged(change: IdentityChange): EmailContent;
}

/** @param appUrl base of all links, without a trailing slash, e.g. `https://app.example.com/auth` */
export function createEmailTemplates({ appUrl }: { appUrl: string }): EmailTemplates {
  const { host } = new URL(appUrl);
  const link = (label: string, path: string, token: string): Link => ({
    label,
    url: `${appUrl}/${path}?token=${encodeURIComponent(token)}`,
  });
  const cancelLink = (token: string) => link('This was not me: cancel the change', 'cancel-email-change', token);
  const ofTheAccount = `You receive this message because this is the email address of an account at ${host}.`;
  const ofTheOldAddress = `You receive this message because this was the email address of an account at ${host}.`;

  return {
    passwordReset: (token) =>
      renderEmail({
        subject: `Reset your password for ${host}`,
        body: [
          `A new password was asked for, for your account at ${host}.`,
          link('Choose a new password', 'reset-password', token),
          'The link works once, within 1 hour. It signs you out everywhere.',
          'If it was not you who asked, ignore this message: your password stays as it is.',
        ],
        reason: `You receive this message because somebody asked to reset the password of the account with this email address at ${host}.`,
      }),

    emailVerification: (token) =>
      renderEmail({
        subject: `Confirm your email address for ${host}`,
        body: [
          `Please confirm that this email address is yours, for your account at ${host}.`,
          link('Confirm this address', 'verify-email', token),
          'The link works once, within 24 hours.',
          'If you did not open an account or give this address, open the link and choose “No, this was not me”: the account then loses your address. If you do nothing, nothing is confirmed.',
        ],
        reason: `You receive this message because this email address was given for an account at ${host}.`,
      }),

    emailTaken: () =>
      renderEmail({
        subject: `Your email address was given for another account at ${host}`,
        body: [
          `Somebody gave this email address for an account at ${host}. It belongs to your account there already, and nothing was changed.`,
          `If it was you: sign in at ${host} with your account. If you do not know its password, ask for a link to choose a new one.`,
          'If it was not you, ignore this message.',
        ],
        reason: ofTheAccount,
      }),

    emailChangeRequested: (cancelToken) =>
      renderEmail({
        subject: `A new email address was given for your account at ${host}`,
        body: [
          `The email address of your account at ${host} is to become another one.`,
          'The change takes effect when it is confirmed from the new address. Until then, this address stays in use.',
          'If it was not you, somebody else may be signed in to your account. This link cancels the change, also after it took effect, and signs out every device:',
          cancelLink(cancelToken),
          'The link works for 7 days.',
        ],
        reason: ofTheAccount,
      }),

    emailChanged: (cancelToken) =>
      renderEmail({
        subject: `The email address of your account at ${host} was changed`,
        body: [
          `The email address of your account at ${host} is now another one. This address no longer belongs to it.`,
          'If it was not you, somebody else has access to your account. This link restores this address, and signs out every device:',
          cancelLink(cancelToken),
          'The link works for 7 days. Until then nobody else can take this address.',
        ],
        reason: ofTheOldAddress,
      }),

    usernameChanged: (cancelToken) =>
      renderEmail({
        subject: `The username of your account at ${host} was changed`,
        body: [
          `Your account at ${host} has another username now.`,
          'If it was not you, somebody else has access to your account. This link restores the former username, and signs out every device:',
          cancelLink(cancelToken),
          'The link works for 7 days. Until then nobody else can take the former username.',
        ],
        reason: ofTheAccount,
      }),

    changeCancelled: (resetToken) =>
      renderEmail({
        subject: `A change of your account at ${host} was cancelled`,
        body:
          resetToken === undefined
            ? [
                `A change of your account at ${host} was cancelled with the link in an earlier message. Every device was signed out.`,
                'If somebody else made the change and may know your password, ask for a link to choose a new one.',
              ]
            : [
                `A change of your account at ${host} was cancelled with the link in an earlier message. Every device was signed out.`,
                'The password was changed after that change, so it no longer works. Choose a new one:',
                link('Choose a new password', 'reset-password', resetToken),
                'The link works once, within 1 hour. After that, ask for a new link to reset your password.',
              ],
        reason: ofTheAccount,
      }),

    emailCode: (code, linkToken) =>
      renderEmail({
        subject: `Your sign-in code for ${host}`,
        body: [
          `Enter this code to sign in to your account at ${host}:`,
          code,
          'Or open this link and press the button:',
          link('Sign in', 'email-code', linkToken),
          'The code and the link work once, within 10 minutes. Tell the code to nobody.',
          'If it was not you who asked, ignore this message: nobody can sign in without it.',
        ],
        reason: `You receive this message because somebody asked for a sign-in code for the account with this email address at ${host}.`,
      }),

    passwordVoided: () =>
      renderEmail({
        subject: `The password of your account at ${host} no longer works`,
        body: [
          `You signed in to your account at ${host} with a code, which confirmed this email address for the first time. A password that was set before that no longer works, because somebody else might have set it. Every other device was signed out.`,
          `To sign in with a password, ask ${host} to reset your password. The link for it comes to this address.`,
        ],
        reason: ofTheAccount,
      }),

    passwordChanged: () =>
      renderEmail({
        subject: `Your password for ${host} was changed`,
        body: [
          `The password of your account at ${host} was changed. Every other device was signed out, and access that was granted before the change has ended.`,
          `If it was not you, somebody else has access to your account: ask ${host} to reset your password now. The link for it comes to this address.`,
        ],
        reason: ofTheAccount,
      }),

    accountLocked: (resetToken, isSecondStep) =>
      renderEmail({
        subject: `Too many wrong ${isSecondStep ? 'codes' : 'passwords'} for your account at ${host}`,
        body: [
          ...(isSecondStep
            ? [
                `Somebody signed in to your account at ${host} with its password or its mail, and gave wrong codes of the second step 100 times in a row. Codes of your authenticator app now work only on devices that you signed in on before. Recovery codes and passkeys work.`,
                'To accept codes again, choose a new password:',
              ]
            : [
                `Wrong passwords were given for your account at ${host} 100 times in a row. Your password now works only on devices that you signed in on before.`,
                'To sign in elsewhere, choose a new password:',
              ]),
          link('Choose a new password', 'reset-password', resetToken),
          'The link works once, within 1 hour. After that, ask for a new link to reset your password.',
          'If it was not you, nobody has signed in: on a device that you signed in on before, you need not do anything.',
        ],
        reason: ofTheAccount,
      }),

    accountDeleted: (restoreDays) =>
      renderEmail({
        subject: `Your account at ${host} was deleted`,
        body: [
          `Your account at ${host} was deleted, and you were signed out everywhere.`,
          `If it was not you, or you have changed your mind, tell those who run ${host}: they can restore it within ${restoreDays} ${restoreDays === 1 ? 'day' : 'days'}.`,
        ],
        reason: ofTheOldAddress,
      }),

    secondFactorChanged: (change) => {
      const { subject, effect } = SECOND_FACTOR_CHANGES[change];
      return renderEmail({
        subject: `${subject} your account at ${host}`,
        body: [
          `${subject} your account at ${host}. ${effect}`,
          `If it was not you, somebody else has access to your account: ask ${host} to reset your password now, and tell those who run ${host}, who can remove every second factor.`,
        ],
        reason: ofTheAccount,
      });
    },

    identityChanged: (change) => {
      const { subject, effect } = IDENTITY_CHANGES[change];
      return renderEmail({
        subject: `${subject} your account at ${host}`,
        body: [
          `${subject} your account at ${host}. ${effect}`,
          `If it was not you, somebody else may have access to your account: ask ${host} to reset your password now, and remove the sign-ins that you do not know.`,
        ],
        reason: ofTheAccount,
      });
    },

    apiKeyChanged: (change) => {
      const { subject, effect } = API_KEY_CHANGES[change];
      return renderEmail({
        subject: `${subject} your account at ${host}`,
        body: [
          `${subject} your account at ${host}. ${effect}`,
          `If it was not you, somebody else may have access to your account: ask ${host} to reset your password now, and revoke the keys that you do not know.`,
        ],
        reason: ofTheAccount,
      });
    },
  };
}
