/** The pages without a form: results and errors. */
import { messagePage } from './html.js';
import type { Html } from './layout.js';

/** The effect of a used token. */
export type LinkOutcome = 'password_reset' | 'email_verified' | 'email_rejected' | 'signed_in';

/** The result of cancelling a change. */
export interface CancelledChange {
  readonly kind: 'email' | 'username';
  /** The link was used before, so this request changed nothing. */
  readonly alreadyDone: boolean;
  /** The password was voided, and a link to choose a new one was mailed. */
  readonly passwordVoided: boolean;
}

export const INCOMPLETE = messagePage(
  'This link is incomplete',
  'Part of the link is missing. Open the link in the email again, or copy the complete link.',
  true,
);
export const NO_COOKIE = messagePage(
  'Open the link again',
  'This page needs cookies and expires 15 minutes after you open the link. Open the link in the email again.',
  true,
);
export const OTHER_LINK = messagePage(
  'Another link was opened',
  'You opened another link in this browser after this page. Nothing was changed. Open the link that you want to use again.',
  true,
);
export const CROSS_SITE = messagePage(
  'Something went wrong',
  'The form was sent from another site. Nothing was changed. Open the link in the email again.',
  true,
);
export const NOT_VALID = messagePage(
  'This link is no longer valid',
  'It has expired, or a newer link was sent. Request a new link.',
  true,
);

/** For a second step that was finished, took too long or had too many wrong codes. */
export const CHALLENGE_NOT_VALID = messagePage(
  'This page is no longer valid',
  'The sign-in was finished, took too long, or had too many wrong codes. If you are not signed in, request a new link.',
  true,
);

export const DONE: Readonly<Record<Exclude<LinkOutcome, 'signed_in'>, Html>> = {
  password_reset: messagePage(
    'Your password was changed',
    'All devices were signed out. Sign in with the new password. You can close this page.',
  ),
  email_verified: messagePage('Your email address is confirmed', 'You can close this page.'),
  email_rejected: messagePage(
    'Your email address was removed',
    'The account no longer has your email address. You can use it for your own account. You can close this page.',
  ),
};
/** After a reset of the password of an account whose only second factor is a passkey. */
export const PASSKEY_NEXT = messagePage(
  'Your password was changed',
  'All devices were signed out. Sign in with the new password and your passkey where you usually sign in. You can close this page.',
);
export const ALREADY_DONE: Readonly<Record<LinkOutcome, Html>> = {
  password_reset: messagePage(
    'Already done',
    'The password was already changed with this link. If that was not you, request a new link.',
  ),
  email_verified: messagePage('Already done', 'The email address was already confirmed with this link.'),
  signed_in: messagePage(
    'Already done',
    'Somebody signed in with this link or its code. If that was not you, request a link to choose a new password.',
  ),
  email_rejected: messagePage('Already done', 'The email address was already removed with this link.'),
};

/** The page after a sign-in. @param email the address of the account */
export function signedIn(email: string): Html {
  return messagePage('You are signed in', `You are signed in as ${email} in this browser. You can close this page.`);
}

export const SECOND_FACTOR_NEEDED = messagePage(
  'A second factor is needed',
  'The account has a passkey as its second factor, and nobody was signed in. Request a new code and enter it where you want to sign in.',
  true,
);

/** The page after a cancelled change. */
export function changeCancelled({ kind, alreadyDone, passwordVoided }: CancelledChange): Html {
  if (alreadyDone) return messagePage('Already done', 'The change was already cancelled with this link.');
  const what = kind === 'email' ? 'email address' : 'username';
  const next = passwordVoided
    ? 'The password was changed after that, so it no longer works. We sent you an email with a link to choose a new one.'
    : 'If somebody else may know your password, request a link to choose a new one.';
  return messagePage(
    'The change was cancelled',
    `Your account has its previous ${what} again, and all devices were signed out. ${next} You can close this page.`,
  );
}
