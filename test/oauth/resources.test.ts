/** Resource indicators (RFC 8707): requests for several resource servers, and for this deployment. */
import t from 'tap';
import { startTestApp } from '../helpers/app.js';
import { issueCode, seedClient } from '../helpers/oauth.js';
import { claimsOf, exchangeForm, postForm, refreshForm, withSecret } from '../helpers/oauth-requests.js';
import { authorizeUrl, responseOf, visitorOf } from '../helpers/oauth-browser.js';

const app = await startTestApp(t);
const [FILMS, MUSIC, BOOKS] = ['https://films.example/', 'https://music.example/api', 'https://books.example'];
const ISSUER = 'http://auth.test';

/** The text of a form with a parameter that repeats. */
const withResources = (form: Record<string, string>, resources: readonly string[]) =>
  [new URLSearchParams(form), ...resources.map((resource) => new URLSearchParams({ resource }))].join('&');
const token = (form: Record<string, string>, ...resources: string[]) =>
  postForm(app, '/oauth/token', withResources(form, resources));

async function setUp(resources: readonly string[]) {
  const [user, seeded] = [await app.user(), await seedClient(app)];
  const code = await issueCode(app, user.id, seeded, { resources: [...resources] });
  return { user, seeded, form: exchangeForm(seeded, code) };
}

t.test('issues a token for several of the granted resources, at the exchange and at a refresh', async (t) => {
  const { seeded, form } = await setUp([FILMS, MUSIC, BOOKS]);
  const { body } = await token(form, FILMS, BOOKS, FILMS);
  t.same(claimsOf(body['access_token'])['aud'], [FILMS, BOOKS]);
  const again = await token(refreshForm(seeded, body['refresh_token']), MUSIC, FILMS);
  t.same(claimsOf(again.body['access_token'])['aud'], [MUSIC, FILMS], 'any of those that were granted');
});

t.test('refuses a resource that was not granted among granted ones, and spends nothing', async (t) => {
  const { seeded, form } = await setUp([FILMS, MUSIC]);
  const refused = { status: 400, body: { error: 'invalid_target' } };
  t.match(await token(form, FILMS, BOOKS), refused);
  t.match(await token(form, FILMS, 'films'), refused);
  const { body } = await token(form);
  t.match(await token(refreshForm(seeded, body['refresh_token']), MUSIC, BOOKS), refused);
  t.equal((await token(refreshForm(seeded, body['refresh_token']))).status, 200);
});

t.test('keeps other parameters unique', async (t) => {
  const { form } = await setUp([FILMS]);
  const body = `${withResources(form, [FILMS])}&scope=read%3Acontent&scope=read%3Acontent`;
  t.match(await postForm(app, '/oauth/token', body), { status: 400, body: { error: 'invalid_request' } });
});

t.test('takes the issuer with a trailing slash for this deployment', async (t) => {
  const { seeded, user } = await setUp([]);
  const browser = await visitorOf(app, user, seeded);
  const { code } = responseOf(await browser.open(authorizeUrl(seeded, { resource: `${ISSUER}/` })));
  const { body } = await token(exchangeForm(seeded, code!), `${ISSUER}/`);
  t.equal(claimsOf(body['access_token'])['aud'], ISSUER);
  const { code: refusal } = await app.client().send('{ me { id } }', {}, { token: body['access_token'] });
  t.equal(refusal, undefined);
});

t.test('gives a device tokens for several resources', async (t) => {
  const seeded = await seedClient(app, { grantTypes: ['DEVICE_CODE'] });
  const ask = (...resources: string[]) =>
    postForm(app, '/oauth/device_authorization', withResources(withSecret(seeded), resources));
  t.equal((await ask(FILMS, MUSIC)).status, 200);
  const many = Array.from({ length: 11 }, (_, at) => `https://r${at}.example`);
  for (const [name, resources] of [
    ['too many', many],
    ['a relative one', [FILMS, 'music']],
    ['a line break', ['https://films\n.example']],
  ] as const)
    t.match(await ask(...resources), { status: 400, body: { error: 'invalid_target' } }, name);
});
