/** The pages that only say something, by what happened. */
import { messagePage, type Html } from './page-html.js';

/** What using a token did. */
export type LinkOutcome = 'password_reset' | 'email_verified' | 'email_rejected' | 'email_change_cancelled';

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
  email_change_cancelled: messagePage(
    'The change was cancelled',
    'Your e-mail address stays as it was, and everybody was signed out of the account. Sign in and change your password; you can close this page.',
  ),
};
export const ALREADY_DONE: Readonly<Record<LinkOutcome, Html>> = {
  password_reset: messagePage(
    'Already done',
    'The password was already changed with this link. If that was not you, ask for a new link.',
  ),
  email_verified: messagePage('Already done', 'The e-mail address was already confirmed with this link.'),
  email_rejected: messagePage('Already done', 'The e-mail address was already removed with this link.'),
  email_change_cancelled: messagePage('Already done', 'The change was already cancelled with this link.'),
};
