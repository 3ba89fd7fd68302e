/** Passkeys in an Android app, whose client data names the hash of its signing certificate as the origin. */
import t from 'tap';
import { startTestApp } from '../../helpers/app.js';
import { createAuthenticator } from '../../helpers/authenticator.js';
import {
  dataOf,
  FINISH_REGISTRATION,
  loginWithPasskey,
  registerPasskey,
  START_REGISTRATION,
} from '../../helpers/passkeys.js';

const PAGE = 'https://auth.test';
const ANDROID = `android:apk-key-hash:${'a'.repeat(43)}`;
const app = await startTestApp(t, { PUBLIC_URL: PAGE, WEBAUTHN_ORIGINS: `${PAGE},${ANDROID}` });

t.test('accepts a passkey of an app that is named in WEBAUTHN_ORIGINS', async (t) => {
  const { client } = await app.user();
  const { authenticator } = await registerPasskey(client, { origin: ANDROID });
  t.equal((await loginWithPasskey(app.client(), authenticator)).code, undefined);
  const onPage = await loginWithPasskey(app.client(), authenticator, { origin: PAGE });
  t.equal(onPage.code, undefined, 'the same passkey works on the pages');
});

t.test('rejects a passkey of another app', async (t) => {
  const { client } = await app.user();
  const other = `android:apk-key-hash:${'b'.repeat(43)}`;
  const options = await dataOf(client.send(START_REGISTRATION), 'startPasskeyRegistration');
  const response = createAuthenticator({ origin: other }).register(options);
  t.equal((await client.send(FINISH_REGISTRATION, { response })).code, 'VALIDATION_ERROR');
  const { authenticator } = await registerPasskey(client, { origin: ANDROID });
  t.equal((await loginWithPasskey(app.client(), authenticator, { origin: other })).code, 'INVALID_CREDENTIALS');
});
