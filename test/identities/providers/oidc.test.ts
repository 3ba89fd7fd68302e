/** OpenID providers: what is asked of them, and what is believed. */
import { createHash, generateKeyPairSync } from 'node:crypto';
import { importSPKI, jwtVerify } from 'jose';
import t from 'tap';
import { failureOf } from '../../helpers/plex-provider.js';
import { CALLBACK, CLIENT, json, oidcProviderOf, startFakeIssuer } from '../../helpers/fake-issuer.js';

const PROFILE = {
  subject: 'ada-1',
  email: 'ada@example.com',
  username: 'ada',
  displayName: 'Ada L.',
  avatarUrl: 'https://idp.test/ada.png',
};

t.test('signs in with state, nonce and PKCE', async (t) => {
  const issuer = await startFakeIssuer(t);
  const provider = oidcProviderOf(issuer);
  t.match(provider, { id: 'idp', name: 'IdP', kind: 'oidc', postsCallback: false });
  const { url, parameters } = await provider.start(CALLBACK, 'a-state');
  const { origin, pathname, searchParams } = new URL(url);
  t.equal(origin + pathname, `${issuer.url}/authorize`);
  t.same(Object.fromEntries(searchParams), {
    response_type: 'code',
    client_id: CLIENT.clientId,
    redirect_uri: CALLBACK,
    scope: 'openid profile email',
    state: 'a-state',
    nonce: parameters['nonce'],
    code_challenge: createHash('sha256').update(parameters['codeVerifier']!).digest('base64url'),
    code_challenge_method: 'S256',
  });
  t.same(await issuer.signIn(provider), { ...PROFILE, issuer: issuer.url });
  t.notMatch(
    issuer.requests.map(({ path }) => path),
    ['/userinfo'],
    'the ID token has everything',
  );
});

t.test('makes a new nonce and verifier for each flow', async (t) => {
  const provider = oidcProviderOf(await startFakeIssuer(t));
  const [first, second] = [await provider.start(CALLBACK, 'a'), await provider.start(CALLBACK, 'b')];
  t.not(first.parameters['nonce'], second.parameters['nonce']);
  t.not(first.parameters['codeVerifier'], second.parameters['codeVerifier']);
  t.match(first.parameters, { nonce: /^[\w-]{43}$/, codeVerifier: /^[\w-]{43}$/ });
});

t.test('authenticates as the entry says', async (t) => {
  const issuer = await startFakeIssuer(t);
  const basic = `Basic ${Buffer.from(`${CLIENT.clientId}:${CLIENT.clientSecret}`).toString('base64')}`;
  for (const [entry, authorization, secret] of [
    [{}, basic, null],
    [{ clientAuthentication: 'client_secret_post' }, undefined, CLIENT.clientSecret],
    [{ clientAuthentication: 'none', clientSecret: undefined }, undefined, null],
  ] as const) {
    await issuer.signIn(oidcProviderOf(issuer, entry));
    const { headers, form } = issuer.requests.findLast(({ path }) => path === '/token')!;
    t.equal(headers.authorization, authorization, JSON.stringify(entry));
    t.equal(form.get('client_secret'), secret);
  }
});

t.test('believes an address only if provider and entry say so', async (t) => {
  const issuer = await startFakeIssuer(t);
  const emailWith = async (claims: object, entry: object = {}) => {
    Object.assign(issuer.claims, { email: 'ada@example.com', email_verified: true }, claims);
    return (await issuer.signIn(oidcProviderOf(issuer, entry))).email;
  };
  t.equal(await emailWith({}), 'ada@example.com');
  for (const email_verified of [false, 'true', 'false', 1, null, {}, [true]])
    t.equal(await emailWith({ email_verified }), null, JSON.stringify(email_verified));
  for (const email of [1, null, ['ada@example.com'], { a: 1 }])
    t.equal(await emailWith({ email }), null, JSON.stringify(email));
  t.equal(await emailWith({}, { trustEmail: false }), null);
});

t.test('hands an address over as it is, so that none becomes that of somebody else', async (t) => {
  const issuer = await startFakeIssuer(t);
  for (const email of [
    'аda@example.com',
    'ada＠example.com',
    'ADA@example.com',
    'ada@example.com\u200b',
    'ａda@example.com',
  ]) {
    issuer.claims['email'] = email;
    t.equal((await issuer.signIn(oidcProviderOf(issuer))).email, email);
  }
});

t.test('asks the userinfo endpoint for what the ID token lacks', async (t) => {
  const issuer = await startFakeIssuer(t);
  Object.assign(issuer.claims, {
    name: undefined,
    preferred_username: undefined,
    email: undefined,
    email_verified: undefined,
    picture: undefined,
  });
  Object.assign(issuer.userinfo, { email: 'ada@example.com', email_verified: true, name: 'Ada L.', nickname: 'ada' });
  issuer.userinfo['picture'] = 'https://idp.test/ada.png';
  t.same(await issuer.signIn(oidcProviderOf(issuer)), { ...PROFILE, issuer: issuer.url });
  t.equal(issuer.requests.at(-1)?.headers.authorization, 'Bearer the-access-token');

  issuer.metadata['userinfo_endpoint'] = undefined;
  const bare = {
    issuer: issuer.url,
    subject: 'ada-1',
    email: null,
    username: null,
    displayName: null,
    avatarUrl: null,
  };
  t.same(await issuer.signIn(oidcProviderOf(issuer)), bare);
});

t.test('takes an address and its verification from one source', async (t) => {
  const issuer = await startFakeIssuer(t);
  const signIn = async () => (await issuer.signIn(oidcProviderOf(issuer))).email;
  Object.assign(issuer.userinfo, { email: 'ada@example.com', email_verified: true });
  Object.assign(issuer.claims, { email: 'eve@example.com', email_verified: undefined });
  t.equal(await signIn(), 'ada@example.com');
  Object.assign(issuer.claims, { email: undefined, email_verified: true });
  Object.assign(issuer.userinfo, { email: 'eve@example.com', email_verified: undefined });
  t.equal(await signIn(), null);
  Object.assign(issuer.claims, {
    email: 'eve@example.com',
    email_verified: false,
    name: undefined,
    preferred_username: undefined,
  });
  Object.assign(issuer.userinfo, { email: 'eve@example.com', email_verified: true });
  t.equal(await signIn(), null, 'the signed claim counts');
});

t.test('refuses a userinfo answer of another person, and one that is none', async (t) => {
  const issuer = await startFakeIssuer(t);
  issuer.claims['email'] = undefined;
  for (const sub of ['ada-2', 'ADA-1', undefined, 1]) {
    issuer.userinfo['sub'] = sub;
    t.equal(await failureOf(issuer.signIn(oidcProviderOf(issuer))), 'failed', String(sub));
  }
  for (const answer of [
    json('<html>', 200, 'text/html'),
    json({}, 500),
    json('[]'),
    json({ error: 'invalid_token' }, 401),
  ]) {
    issuer.answers.set('/userinfo', answer);
    t.equal(await failureOf(issuer.signIn(oidcProviderOf(issuer))), 'failed');
  }
});

t.test('signs in at Apple with a form and a signed secret', async (t) => {
  const issuer = await startFakeIssuer(t);
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  const key = { clientId: CLIENT.clientId, teamId: 'A1B2C3D4E5', keyId: 'F6G7H8I9J0', privateKey: pem };
  const entry = { kind: 'oidc', clientSecret: undefined, preset: 'apple', trustEmail: true, ...key };
  const provider = oidcProviderOf(issuer, entry);
  t.equal(provider.postsCallback, true);
  t.match(Object.fromEntries(new URL((await provider.start(CALLBACK, 's')).url).searchParams), {
    response_mode: 'form_post',
    scope: 'openid name email',
  });

  Object.assign(issuer.claims, {
    name: undefined,
    preferred_username: undefined,
    picture: undefined,
    email_verified: 'true',
  });
  issuer.metadata['userinfo_endpoint'] = undefined;
  issuer.callback['user'] = JSON.stringify({
    name: { firstName: 'Ada', lastName: 'Lovelace' },
    email: 'eve@example.com',
  });
  t.match(await issuer.signIn(provider), { email: 'ada@example.com', username: null, displayName: 'Ada Lovelace' });
  const { headers, form } = issuer.requests.findLast(({ path }) => path === '/token')!;
  t.equal(headers.authorization, undefined);
  const spki = publicKey.export({ format: 'pem', type: 'spki' }).toString();
  const { payload, protectedHeader } = await jwtVerify(form.get('client_secret')!, await importSPKI(spki, 'ES256'), {
    issuer: key.teamId,
    subject: key.clientId,
    audience: issuer.url,
  });
  t.same(protectedHeader, { alg: 'ES256', kid: key.keyId });
  t.equal(payload.exp! - payload.iat!, 300);

  for (const user of ['', '{', 'null', '[]', '{"name":"Ada"}', '{"name":{"firstName":5}}']) {
    issuer.callback['user'] = user;
    t.equal((await issuer.signIn(provider)).displayName, null, user);
  }
  issuer.claims['email_verified'] = 'yes';
  t.equal((await issuer.signIn(provider)).email, null);
});

t.test('uses the last of members with the same name, as RFC 7519 section 4 says', async (t) => {
  const issuer = await startFakeIssuer(t);
  issuer.claims['email'] = undefined;
  issuer.answers.set(
    '/userinfo',
    json('{"sub":"ada-1","sub":"ada-2","email":"ada@example.com","email_verified":true}'),
  );
  t.equal(await failureOf(issuer.signIn(oidcProviderOf(issuer))), 'failed');
  const members =
    '"sub":"ada-1","email":"ada@example.com","email_verified":true,"email_verified":false,"__proto__":{"email":"x"}';
  issuer.answers.set('/userinfo', json(`{${members}}`));
  t.equal((await issuer.signIn(oidcProviderOf(issuer))).email, null);
});
