/** Second factors, passkeys and mailed codes on the provider's login page in Chromium, whose DevTools provide an authenticator. */
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { mailedCodes, wrongCode } from '../helpers/email-codes.js';
import { dataOf, FINISH_REGISTRATION, START_REGISTRATION } from '../helpers/passkeys.js';
import type { SeededUser } from '../helpers/seed.js';
import { enrollTotp, totpCode } from '../helpers/totp.js';
import { startOAuthSite, type Visit } from './oauth-site.js';

const CODE = 'Code of your authenticator app, or a recovery code';
const MINUTE = 60_000;

t.setTimeout(240_000);
const site = await startOAuthSite(t, { EMAIL_LOGIN: 'true' });
const { app, origin } = site;
const seeded = await site.client({ firstParty: true });

/** Runs a test with a visit, and asserts that its pages had no faults. */
const visiting = (title: string, run: (t: Test, visit: Visit) => Promise<void>) =>
  t.test(title, async (t) => {
    const visit = await site.visit(t);
    await run(t, visit);
    t.same(visit.problems, []);
  });

/** What the sign-in says of itself. */
async function factsOf(visit: Visit): Promise<Record<string, unknown>> {
  const { id_token: token } = await site.exchange(seeded, await visit.returned());
  return JSON.parse(Buffer.from(token!.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>;
}

async function enrolledUser() {
  const user = await app.user();
  const enrolled = await enrollTotp(user.client, () => app.clock.now());
  app.clock.advance(MINUTE);
  return { ...user, ...enrolled };
}

/** Adds an empty authenticator to the page, whose person touches it when they are asked to. */
async function addAuthenticator(page: Page, verifiesUser = true): Promise<void> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: verifiesUser,
      isUserVerified: verifiesUser,
      automaticPresenceSimulation: true,
    },
  });
}

/** Registers a passkey of a new authenticator of the page. */
async function registerPasskey({ page }: Visit, { client }: SeededUser, verifiesUser?: boolean): Promise<void> {
  await addAuthenticator(page, verifiesUser);
  await page.goto(`${origin}/device`);
  const options = await dataOf(client.send(START_REGISTRATION), 'startPasskeyRegistration');
  const response = await page.evaluate(`navigator.credentials
    .create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(${JSON.stringify(options)}) })
    .then((credential) => credential.toJSON())`);
  await dataOf(client.send(FINISH_REGISTRATION, { response }), 'finishPasskeyRegistration');
}

/** From now on, the browser suggests no passkeys in inputs, which the authenticator would answer at once. */
const suggestNothing = ({ page }: Visit) =>
  page.addInitScript('PublicKeyCredential.isConditionalMediationAvailable = () => Promise.resolve(false)');

visiting('signs in with a code of an authenticator app, after a wrong one', async (t, visit) => {
  const user = await enrolledUser();
  await visit.authorize(seeded, { scope: 'openid' });
  await visit.signIn(user);
  await visit.heading('Enter a code');
  await visit.press('Sign in');
  t.equal(await visit.page.locator('#code:invalid').count(), 1, 'the code is required');
  await visit.page.getByLabel(CODE).fill(user.recoveryCodes[0]!.replace(/^./, (first) => (first === 'Z' ? 'Y' : 'Z')));
  await visit.press('Sign in');
  await visit.page.getByRole('alert').waitFor();
  await visit.page.getByLabel(CODE).fill(totpCode(user.secret, app.clock.now()));
  await visit.press('Sign in');
  t.match(await factsOf(visit), { sub: user.id, amr: ['pwd', 'otp', 'mfa'], acr: '2' });
});

visiting('signs in with a recovery code, once', async (t, visit) => {
  const user = await enrolledUser();
  const enter = async () => {
    await visit.authorize(seeded, { scope: 'openid', prompt: 'login' });
    await visit.signIn(user);
    await visit.page.getByLabel(CODE).fill(` ${user.recoveryCodes[0]!.toLowerCase()} `);
    await visit.press('Sign in');
  };
  await enter();
  t.match(await factsOf(visit), { sub: user.id, acr: '2' });
  await enter();
  await visit.page.getByRole('alert').waitFor();
});

visiting('signs in with a passkey alone, as two factors', async (t, visit) => {
  const user = await app.user();
  await registerPasskey(visit, user);
  await suggestNothing(visit);
  await visit.authorize(seeded, { scope: 'openid' });
  await visit.press('Use a passkey');
  t.match(await factsOf(visit), { sub: user.id, acr: '2' });
});

visiting('suggests the passkey in the first input', async (t, visit) => {
  const user = await app.user();
  await registerPasskey(visit, user);
  await visit.authorize(seeded, { scope: 'openid' });
  t.match(await factsOf(visit), { sub: user.id, acr: '2' });
});

visiting('signs in with a password and a passkey as the second factor', async (t, visit) => {
  const user = await app.user();
  // The suggestion of the first step requires user verification.
  await registerPasskey(visit, user, false);
  await visit.authorize(seeded, { scope: 'openid' });
  await visit.signIn(user);
  await visit.page.getByText('Use the passkey of your account.').waitFor();
  t.equal(await visit.page.getByLabel(CODE).count(), 0);
  await visit.press('Use a passkey');
  t.match(await factsOf(visit), { sub: user.id, acr: '2' });
});

visiting('offers the password if the browser has no passkey', async (t, visit) => {
  const user = await app.user();
  await addAuthenticator(visit.page);
  await visit.authorize(seeded, { scope: 'openid' });
  await visit.press('Use a passkey');
  await visit.signIn(user);
  t.match(await factsOf(visit), { sub: user.id, amr: ['pwd'], acr: '1' });
});

visiting('signs in with a mailed code, after a wrong one', async (t, visit) => {
  const user = await app.user();
  await visit.authorize(seeded, { scope: 'openid' });
  await visit.page.getByLabel('Email address or username').fill(user.email);
  await visit.press('Email me a code');
  await visit.heading('Enter the code');
  const { code } = (await mailedCodes(app, user.email)).at(-1)!;
  await visit.page.getByLabel('Code from the email').fill(wrongCode(code));
  await visit.press('Sign in');
  await visit.page.getByRole('alert').waitFor();
  await visit.page.getByLabel('Code from the email').fill(code.toLowerCase());
  await visit.press('Sign in');
  t.match(await factsOf(visit), { sub: user.id, acr: '1' });
});
