/** The provider's pages without a form: errors, each with its status. */
import type { LogoutProblem } from '../../oauth/authorization/logout.js';
import type { Problem } from '../../oauth/authorization/step.js';
import type { DeviceDecision } from '../../oauth/device/service.js';
import { messagePage } from '../html.js';
import type { Html } from '../layout.js';

export interface ErrorPage {
  readonly status: number;
  readonly html: Html;
}

const error = (status: number, title: string, text: string): ErrorPage => ({
  status,
  html: messagePage(title, text, true),
});

export const PROBLEMS: Readonly<Record<Problem | LogoutProblem, ErrorPage>> = {
  client: error(
    400,
    'The application is not known here',
    'The link that brought you here names an application that is not registered, or is turned off. Tell its operator.',
  ),
  redirect_uri: error(
    400,
    'The application made a mistake',
    'The link that brought you here does not lead back to an address that the application has registered. Tell its operator.',
  ),
  logout_hint: error(
    400,
    'The application made a mistake',
    'It asked to sign you out with a token that is not its own. You are still signed in. Tell its operator.',
  ),
  logout_uri: error(
    400,
    'The application made a mistake',
    'It asked to sign you out, and to return to an address that it has not registered. You are still signed in. Tell its operator.',
  ),
  logout_request: error(
    400,
    'The application made a mistake',
    'It asked to sign you out with a parameter that is repeated or malformed. You are still signed in. Tell its operator.',
  ),
  expired: error(
    400,
    'This page is no longer valid',
    'It has expired, or it was answered before. Return to the application and sign in there again.',
  ),
  other_browser: error(
    403,
    'This page belongs to another browser',
    'It was opened in another browser, or this browser keeps no cookies. Nothing was changed. Return to the application and sign in there again.',
  ),
};

export const CROSS_SITE = error(
  403,
  'Something went wrong',
  'The form was sent from another site. Nothing was changed.',
);
export const OTHER_FORM = error(
  403,
  'This form is no longer valid',
  'It belongs to another page, somebody else has signed in with this browser, or your account has changed. Nothing was changed. Return to the application and sign in there again.',
);
export const UNCLEAR = error(400, 'Something went wrong', 'The form has no answer. Nothing was changed.');
export const ENROLL = error(
  403,
  'A second factor is needed',
  'Your account must have a second factor, such as an authenticator app or a passkey, and has none. Add one in the settings of your account. Then return to the application and sign in there again.',
);
export const NO_SCOPES = error(
  403,
  'Your account cannot use this device',
  'It has none of the permissions that the device asks for. Nothing was changed. Start again on the device, and sign in with another account.',
);
/** What the person sees after the answer to a device. */
export const DEVICE_ANSWERED: Readonly<Record<DeviceDecision, Html>> = {
  approved: messagePage(
    'The device is connected',
    'Return to your device. It continues within a few seconds. Stay signed in here until then.',
  ),
  denied: messagePage('The device was denied', 'It got no access to your account. You can close this page.'),
};

export const SIGNED_OUT = messagePage(
  'You are signed out',
  'You are signed out in this browser. You can close this page.',
);
