/**
 * The words of every mail. None of them is a user's own, such as a username or a new address: whoever registers with
 * somebody else's address would write to its owner in our name.
 */
import { setLetter, type Content, type Link } from './layout.js';

export type { Content } from './layout.js';

/** Composers; pure functions of their arguments. */
export interface Messages {
  /** With a link that is good for 1 hour. */
  passwordReset(token: string): Content;
  /** With a link that is good for 24 hours; of a new account's address as of a changed one. */
  emailVerification(token: string): Content;
  /** To the old address, which stays in use until the new one is confirmed. */
  emailChangeRequested(): Content;
  /** To the old address, which is no longer the account's. */
  emailChanged(): Content;
  /** Changed by its owner, or reset. */
  passwordChanged(): Content;
  /** @param restoreDays for how many days the account can be restored, 1 or more */
  accountDeleted(restoreDays: number): Content;
}

/** @param appUrl where links point, without trailing slash, e.g. `https://app.example.com/auth` */
export function createMessages({ appUrl }: { appUrl: string }): Messages {
  const { host } = new URL(appUrl);
  const link = (label: string, path: string, token: string): Link => ({
    label,
    url: `${appUrl}/${path}?token=${encodeURIComponent(token)}`,
  });
  const ofTheAccount = `You receive this message because this is the e-mail address of an account at ${host}.`;
  const ofTheOldAddress = `You receive this message because this was the e-mail address of an account at ${host}.`;

  return {
    passwordReset: (token) =>
      setLetter({
        subject: `Reset your password for ${host}`,
        body: [
          `A new password was asked for, for your account at ${host}.`,
          link('Choose a new password', 'reset-password', token),
          'The link works once, within 1 hour. It signs you out everywhere.',
          'If it was not you who asked, ignore this message: your password stays as it is.',
        ],
        reason: `You receive this message because somebody asked to reset the password of the account with this e-mail address at ${host}.`,
      }),

    emailVerification: (token) =>
      setLetter({
        subject: `Confirm your e-mail address for ${host}`,
        body: [
          `Please confirm that this e-mail address is yours, for your account at ${host}.`,
          link('Confirm this address', 'verify-email', token),
          'The link works once, within 24 hours.',
          'If it was not you who gave this address, ignore this message: without the link nothing is confirmed.',
        ],
        reason: `You receive this message because this e-mail address was given for an account at ${host}.`,
      }),

    emailChangeRequested: () =>
      setLetter({
        subject: `A new e-mail address was given for your account at ${host}`,
        body: [
          `The e-mail address of your account at ${host} is to become another one.`,
          'The change takes effect when it is confirmed from the new address. Until then, this address stays in use.',
          'If it was not you, somebody else may be signed in to your account: change your password now, which takes this back and signs out everybody else.',
        ],
        reason: ofTheAccount,
      }),

    emailChanged: () =>
      setLetter({
        subject: `The e-mail address of your account at ${host} was changed`,
        body: [
          `The e-mail address of your account at ${host} is now another one. This address no longer belongs to it.`,
          `If it was not you, somebody else has access to your account: tell those who run ${host} at once.`,
        ],
        reason: ofTheOldAddress,
      }),

    passwordChanged: () =>
      setLetter({
        subject: `Your password for ${host} was changed`,
        body: [
          `The password of your account at ${host} was changed. Every other device was signed out, and access that was granted before the change has ended.`,
          `If it was not you, somebody else has access to your account: ask ${host} to reset your password now. The link for it comes to this address.`,
        ],
        reason: ofTheAccount,
      }),

    accountDeleted: (restoreDays) =>
      setLetter({
        subject: `Your account at ${host} was deleted`,
        body: [
          `Your account at ${host} was deleted, and you were signed out everywhere.`,
          `If it was not you, or you have changed your mind, tell those who run ${host}: they can restore it within ${restoreDays} ${restoreDays === 1 ? 'day' : 'days'}.`,
        ],
        reason: ofTheOldAddress,
      }),
  };
}
