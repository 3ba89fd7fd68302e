/** The example of second factors and passkeys, on a page in Chromium, whose DevTools provide an authenticator. */
import { build } from 'esbuild';
import { chromium, type CDPSession, type Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { startTestApp } from '../helpers/app.js';
import { reverseProxy } from '../helpers/reverse-proxy.js';
import { listen } from '../helpers/server.js';
import { enrollTotp, totpCode } from '../helpers/totp.js';
import { LAUNCH } from './playground.js';

const SCRIPT = `
  import { createCookieClient } from './cookie.js';
  import { createSecondFactorClient } from './second-factors.js';
  const client = createCookieClient('/graphql');
  Object.assign(globalThis, { client, factors: createSecondFactorClient(client) });`;
const ME = `client.request('{ me { username } }').then(({ me }) => me.username)`;
/** Keeps how the page asks for a passkey. */
const WATCH = `void (navigator.credentials.get = new Proxy(navigator.credentials.get, {
  apply: (get, self, args) => { globalThis.mediation = args[0].mediation; return Reflect.apply(get, self, args); } }))`;
const MINUTE = 60_000;

t.setTimeout(240_000);
const { outputFiles } = await build({
  stdin: { contents: SCRIPT, resolveDir: 'examples' },
  bundle: true,
  format: 'esm',
  write: false,
});
const browser = await chromium.launch(LAUNCH);
const proxy = await reverseProxy(t);
// Browsers accept no passkeys on an IP address.
const origin = `http://localhost:${proxy.port}`;
const app = await startTestApp(t, { PUBLIC_URL: origin, RATE_LIMIT_ANONYMOUS: '1000/1m' });
proxy.upstreamPort = await listen(app.server);
// Before the server's own teardown, which would wait for the connections that the browser holds open.
t.teardown(() => browser.close());

interface Visitor {
  readonly page: Page;
  readonly cdp: CDPSession;
  readonly authenticatorId: string;
  /** Runs an expression on the page. */
  run<Value>(expression: string): Promise<Value>;
}

/** A new browser profile with an empty authenticator, on a page with a login form. */
async function visit(t: Test, hasUserVerification = true): Promise<Visitor> {
  const context = await browser.newContext();
  t.teardown(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  await page.route(`${origin}/app`, (route) =>
    route.fulfill({
      contentType: 'text/html',
      body: `<!doctype html><title>App</title><input autocomplete="username webauthn">
        <script type="module">${outputFiles[0]!.text.replaceAll('</script', '<\\/script')}</script>`,
    }),
  );
  const cdp = await context.newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification,
      isUserVerified: hasUserVerification,
      automaticPresenceSimulation: true,
    },
  });
  await page.goto(`${origin}/app`);
  await page.waitForFunction('globalThis.factors !== undefined');
  return { page, cdp, authenticatorId, run: (expression) => page.evaluate(expression) };
}

/** A person who is logged in with a password and has registered a passkey. */
async function visitWithPasskey(t: Test, hasUserVerification?: boolean) {
  const [user, visitor] = [await app.user(), await visit(t, hasUserVerification)];
  const login = `factors.login('${user.username}', '${user.password}')`;
  t.equal(await visitor.run(login), undefined);
  t.match(await visitor.run(`factors.registerPasskey('Laptop')`), { name: 'Laptop' });
  return { ...visitor, user, login };
}

t.test('registers a discoverable passkey, and refuses a second one of the same authenticator', async (t) => {
  const { cdp, authenticatorId, run } = await visitWithPasskey(t);
  const { credentials } = await cdp.send('WebAuthn.getCredentials', { authenticatorId });
  t.match(credentials, [{ rpId: 'localhost', isResidentCredential: true }]);
  t.equal(await run(`factors.registerPasskey().catch(({ name }) => name)`), 'InvalidStateError');
});

t.test('logs in with a passkey alone', async (t) => {
  const { user, run } = await visitWithPasskey(t);
  await run('client.logout()');
  await run('factors.loginWithPasskey()');
  t.equal(await run(ME), user.username);
});

t.test('logs in with a password and a passkey without user verification, also after a reload', async (t) => {
  const { user, login, page, run } = await visitWithPasskey(t, false);
  await run('client.logout()');
  t.match(await run(`${login}.then((step) => (globalThis.step = step))`), { methods: ['PASSKEY'] });
  t.equal(await run(`${ME}.catch(({ code }) => code)`), 'MISSING_TOKEN');
  await run('factors.askForPasskey(step).then((factor) => factors.finishLogin(step, factor))');
  t.equal(await run(ME), user.username);

  await page.reload();
  await page.waitForFunction('globalThis.factors !== undefined');
  await run('client.resume()');
  t.equal(await run(ME), user.username);
});

t.test('logs in with a password and a code of an authenticator app', async (t) => {
  const [user, { run }] = [await app.user(), await visit(t)];
  const { secret } = await enrollTotp(user.client, app.clock.now);
  app.clock.advance(MINUTE);
  const login = `factors.login('${user.username}', '${user.password}')`;
  t.match(await run(`${login}.then((step) => (globalThis.step = step))`), { methods: ['TOTP', 'RECOVERY_CODE'] });
  await run(`factors.finishLogin(step, { totp: '${totpCode(secret, app.clock.now())}' })`);
  t.equal(await run(ME), user.username);
});

t.test('logs in with a recovery code, once', async (t) => {
  const [user, { run }] = [await app.user(), await visit(t)];
  const { recoveryCodes } = await enrollTotp(user.client, app.clock.now);
  const login = `factors.login('${user.username}', '${user.password}').then((step) => (globalThis.step = step))`;
  const finish = `factors.finishLogin(step, { recoveryCode: ' ${recoveryCodes[0]!.toLowerCase()} ' })`;
  await run(login);
  await run(finish);
  t.equal(await run(ME), user.username);
  await run('client.logout()');
  await run(login);
  t.equal(await run(`${finish}.catch(({ code }) => code)`), 'INVALID_CODE');
  t.equal(await run(`${ME}.catch(({ code }) => code)`), 'MISSING_TOKEN');
});

t.test('logs in with a passkey from the suggestions of an input', async (t) => {
  const { user, run } = await visitWithPasskey(t);
  await run('client.logout()');
  await run(WATCH);
  await run('factors.loginFromSuggestion()');
  t.equal(await run('mediation'), 'conditional');
  t.equal(await run(ME), user.username);
});

t.test('offers suggestions with a new challenge before the earlier one expires', async (t) => {
  const { user, page, cdp, authenticatorId, run } = await visitWithPasskey(t);
  await run('client.logout()');
  await page.clock.install();
  await run(WATCH);
  const presence = (enabled: boolean) =>
    cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled });
  await presence(false);
  await run('void (globalThis.login = factors.loginFromSuggestion())');
  await page.waitForFunction('globalThis.mediation !== undefined');
  await presence(true);
  app.clock.advance(5 * MINUTE);
  await page.clock.fastForward(4 * MINUTE);
  await run('login');
  t.equal(await run(ME), user.username);
});

t.test('proves the person with a passkey again where a recent login is required', async (t) => {
  const { run } = await visitWithPasskey(t);
  app.clock.advance(16 * MINUTE);
  const remove = `client.request('{ me { secondFactors { passkeys { id } } } }').then(({ me }) =>
    client.request('mutation ($id: ID!) { removePasskey(id: $id) }', { id: me.secondFactors.passkeys[0].id }))`;
  t.equal(await run(`${remove}.catch(({ code }) => code)`), 'STEP_UP_REQUIRED');
  await run('factors.reauthenticateWithPasskey()');
  t.same(await run(remove), { removePasskey: true });
});
