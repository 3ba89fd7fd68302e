/** The provider's pages in Chromium: sign-in, consent, denial, device, logout and errors. Each page must be without faults. */
import t, { type Test } from 'tap';
import { DEVICE_CODE } from '../helpers/device-codes.js';
import { postForm, withSecret } from '../helpers/oauth-requests.js';
import { startOAuthSite, type Visit } from './oauth-site.js';

t.setTimeout(240_000);
const site = await startOAuthSite(t);
const { app, origin, goodbye } = site;
const seeded = await site.client({ postLogoutRedirectUris: [goodbye] });

/** Runs a test with a visit, and asserts that its pages had no faults. */
const visiting = (title: string, run: (t: Test, visit: Visit) => Promise<void>, options = {}) =>
  t.test(title, async (t) => {
    const visit = await site.visit(t, options);
    await run(t, visit);
    t.same(visit.problems, []);
  });

visiting('signs in with a password, asks for consent, and remembers both', async (t, visit) => {
  const user = await app.user();
  await visit.authorize(seeded);
  await visit.heading('Sign in to Latchkey');
  await visit.signIn({ ...user, password: 'not the password' });
  await visit.page.getByRole('alert').waitFor();
  t.equal(await visit.page.getByLabel('Email address or username').inputValue(), user.username);
  await visit.signIn(user);
  await visit.heading('Allow access?');
  await visit.page.getByText('Bayit+ for TV', { exact: true }).waitFor();
  t.match(await visit.page.locator('main').innerText(), `You are signed in as ${user.username}`);
  await visit.page.reload();
  await visit.press('Allow');
  const response = await visit.returned();
  t.match(response, { state: 'a state', iss: origin, code: /^[\w-]{43}$/ });
  const tokens = await site.exchange(seeded, response);
  t.match(tokens, { token_type: 'Bearer', scope: 'read:content read:profile' });

  await visit.page.goBack();
  t.notOk(await visit.page.getByRole('button', { name: 'Allow' }).count(), 'the form is not shown again');
  await visit.authorize(seeded);
  t.match(await visit.returned(), { code: /./ });
  await visit.authorize(seeded, { scope: 'read:history' });
  await visit.heading('Allow access?');
});

visiting('returns a denial to the client', async (t, visit) => {
  await visit.authorize(seeded);
  await visit.signIn(await app.user());
  await visit.press('Deny');
  t.match(await visit.returned(), { error: 'access_denied', state: 'a state', iss: origin, code: undefined });
});

visiting('lets another account sign in at the consent', async (t, visit) => {
  const [first, second] = [await app.user(), await app.user()];
  await visit.authorize(seeded);
  await visit.signIn(first);
  await visit.press('Use another account');
  await visit.signIn(second);
  await visit.page.getByText(second.email).waitFor();
  await visit.press('Allow');
  t.match(await visit.returned(), { code: /./ });
});

visiting('asks for the password again with prompt=login', async (t, visit) => {
  const user = await app.user();
  const firstParty = await site.client({ firstParty: true });
  await visit.authorize(firstParty);
  await visit.signIn(user);
  t.match(await visit.returned(), { code: /./ }, 'a first-party client needs no consent');
  await visit.authorize(firstParty, { prompt: 'login' });
  await visit.signIn(user);
  t.match(await visit.returned(), { code: /./ });
});

visiting('signs in, and allows, with the keyboard alone', async (t, visit) => {
  const user = await app.user();
  const { keyboard } = visit.page;
  await visit.authorize(seeded);
  await keyboard.press('Tab');
  await keyboard.type(user.username);
  await keyboard.press('Tab');
  await keyboard.type(user.password);
  await keyboard.press('Enter');
  await visit.heading('Allow access?');
  await keyboard.press('Tab');
  const focused = visit.page.locator(':focus-visible');
  t.equal(await focused.innerText(), 'Allow');
  t.not(await focused.evaluate('(element) => getComputedStyle(element).outlineStyle'), 'none');
  await keyboard.press('Enter');
  t.match(await visit.returned(), { code: /./ });
});

visiting(
  'signs in, and allows, without JavaScript',
  async (t, visit) => {
    await visit.authorize(seeded);
    t.notOk(await visit.page.getByRole('button', { name: 'Use a passkey' }).isVisible());
    await visit.signIn(await app.user());
    await visit.press('Allow');
    t.match(await visit.returned(), { code: /./ });
  },
  { javaScriptEnabled: false },
);

visiting('connects a device with the code that it shows', async (t, visit) => {
  const device = await site.client({ grantTypes: ['DEVICE_CODE', 'REFRESH_TOKEN'], name: 'A television' });
  const { body } = await postForm(app, '/oauth/device_authorization', { ...withSecret(device), scope: 'read:content' });
  const poll = () =>
    postForm(app, '/oauth/token', { grant_type: DEVICE_CODE, device_code: body['device_code'], ...withSecret(device) });
  await visit.page.goto(body['verification_uri'] as string);
  await visit.page.getByLabel('Code on the device').fill('BBBB-BBBB');
  await visit.press('Continue');
  await visit.page.getByRole('alert').waitFor();
  await visit.page.getByLabel('Code on the device').fill((body['user_code'] as string).toLowerCase());
  await visit.press('Continue');
  await visit.signIn(await app.user());
  await visit.heading('Allow this device?');
  t.match((await poll()).body, { error: 'authorization_pending' });
  await visit.press('Allow');
  await visit.heading('The device is connected');
  app.clock.advance(10_000);
  t.match((await poll()).body, { scope: 'read:content' });
});

visiting('signs out at the request of the client, with a question unless it sends the ID token', async (t, visit) => {
  const user = await app.user();
  const signedOut = async () => {
    await visit.authorize(seeded, { prompt: 'none' });
    return (await visit.returned())['error'] === 'login_required';
  };
  await visit.authorize(seeded, { scope: 'openid' });
  await visit.signIn(user);
  await visit.press('Allow');
  const { id_token: hint } = await site.exchange(seeded, await visit.returned());
  const logout = (parameters: Record<string, string>) =>
    visit.page.goto(`${origin}/oauth/logout?${new URLSearchParams(parameters).toString()}`);
  const toSite = { post_logout_redirect_uri: goodbye, state: 'a & b' };

  await logout({ client_id: seeded.client.id, ...toSite });
  await visit.heading('Sign out?');
  await visit.press('Sign out');
  await visit.page.waitForURL(`${goodbye}?state=a%20%26%20b`);
  t.ok(await signedOut());

  await visit.authorize(seeded, { scope: 'openid' });
  await visit.signIn(user);
  const again = await site.exchange(seeded, await visit.returned());
  await logout({ id_token_hint: hint!, ...toSite });
  await visit.heading('Sign out?');
  t.notOk(await signedOut(), 'the ID token is of another session');
  await logout({ id_token_hint: again['id_token']!, ...toSite });
  await visit.page.waitForURL(`${goodbye}?state=a%20%26%20b`);
  t.ok(await signedOut());
  await logout({});
  await visit.heading('You are signed out');
});

visiting('shows an error page instead of a redirect for what the client did wrong', async (t, visit) => {
  const { client } = seeded;
  const shows = async (name: string) => {
    await visit.heading(name);
    t.equal(new URL(visit.page.url()).origin, origin);
    t.notOk(await visit.page.locator('form, script').count());
  };
  await visit.authorize({ ...seeded, client: { ...client, id: 'unknown' } });
  await shows('The application is not known here');
  await visit.authorize(seeded, { redirect_uri: `${goodbye}/elsewhere` });
  await shows('The application made a mistake');
  await visit.page.goto(`${origin}/oauth/logout?id_token_hint=a.b.c`);
  await shows('The application made a mistake');
});

visiting('shows an error page for a form that is late, or of another browser', async (t, visit) => {
  const stranger = await site.visit(t);
  await visit.authorize(seeded);
  await stranger.page.goto(visit.page.url());
  await stranger.heading('This page belongs to another browser');
  app.clock.advance(11 * 60_000);
  await visit.signIn(await app.user());
  await visit.heading('This page is no longer valid');
  t.same(stranger.problems, []);
});
