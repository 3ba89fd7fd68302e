/** The pages that only say something, by what happened. */
import { messagePage, type Html } from './html.js';

/** What using a token did. */
export type LinkOutcome = 'password_reset' | 'email_verified' | 'email_rejected';

/** What cancelling a change did. */
export interface CancelledChange {
  readonly kind: 'email' | 'username';
  /** The link was used before, and nothing was done this time. */
  readonly alreadyDone: boolean;
  /** The password no longer works, and a link to choose a new one was mailed. */
  readonly passwordVoided: boolean;
}

export const INCOMPLETE = messagePage(
  'This link is incomplete',
  'Part of the link is missing. Open it from the message again, or copy all of it.',
  true,
);
export const NO_COOKIE = messagePage(
  'Open the link again',
  'This page works for 15 minutes after you open the link in the message, and needs cookies. Open the link again.',
  true,
);
export const OTHER_LINK = messagePage(
  'Another link was opened',
  'You opened another link in this browser after this page was shown. Nothing was changed. Open the link that you want to use again.',
  true,
);
export const CROSS_SITE = messagePage(
  'That did not work',
  'The form was sent from another site. Nothing was changed. Open the link in the message again.',
  true,
);
export const NOT_VALID = messagePage(
  'This link is no longer valid',
  'It is too old, or a newer one was sent. Ask for a new link.',
  true,
);

export const DONE: Readonly<Record<LinkOutcome, Html>> = {
  password_reset: messagePage(
    'Your password was changed',
    'You were signed out everywhere. Sign in with the new password; you can close this page.',
  ),
  email_verified: messagePage('Your e-mail address is confirmed', 'You can close this page.'),
  email_rejected: messagePage(
    'Your e-mail address was removed',
    'The account no longer has your e-mail address, and you can use it for an account of your own. You can close this page.',
  ),
};
export const ALREADY_DONE: Readonly<Record<LinkOutcome, Html>> = {
  password_reset: messagePage(
    'Already done',
    'The password was already changed with this link. If that was not you, ask for a new link.',
  ),
  email_verified: messagePage('Already done', 'The e-mail address was already confirmed with this link.'),
  email_rejected: messagePage('Already done', 'The e-mail address was already removed with this link.'),
};

/** The page after a change was cancelled. */
export function changeCancelled({ kind, alreadyDone, passwordVoided }: CancelledChange): Html {
  if (alreadyDone) return messagePage('Already done', 'The change was already cancelled with this link.');
  const what = kind === 'email' ? 'e-mail address' : 'username';
  const next = passwordVoided
    ? 'The password was changed after that, so it no longer works: open the link in the message that you get now, and choose a new one.'
    : 'If somebody else may know your password, ask for a link to choose a new one.';
  return messagePage(
    'The change was cancelled',
    `The account has its former ${what}, and everybody was signed out of it. ${next} You can close this page.`,
  );
}
