/** The device authorization endpoint (RFC 8628 section 3.1). */
import t from 'tap';
import { oauthDeviceCodes } from '../../../src/db/schema/index.js';
import { startTestApp } from '../../helpers/app.js';
import { seedClient } from '../../helpers/oauth.js';
import { basic, postForm, withSecret } from '../../helpers/oauth-requests.js';

const app = await startTestApp(t);
const PATH = '/oauth/device_authorization';
const rows = () => app.db.executor.select().from(oauthDeviceCodes);

t.test('asks for all scopes of the client by default', async (t) => {
  const seeded = await seedClient(app, { grantTypes: ['DEVICE_CODE'], scopes: ['openid', 'read:content'] });
  const answer = await postForm(app, PATH, withSecret(seeded));
  t.equal(answer.status, 200);
  t.equal(answer.headers['cache-control'], 'no-store');
  const [row] = (await rows()).filter(({ clientId }) => clientId === seeded.client.id);
  t.match(row, { scopes: ['openid', 'read:content'], resources: [], status: 'pending' });
});

t.test('authenticates clients as the token endpoint does', async (t) => {
  const confidential = await seedClient(app, { grantTypes: ['DEVICE_CODE'] });
  const tv = await seedClient(app, { type: 'PUBLIC', authMethod: 'NONE', grantTypes: ['DEVICE_CODE'] });
  const { id } = confidential.client;
  t.equal((await postForm(app, PATH, {}, basic(id, confidential.secret))).status, 200);
  t.equal((await postForm(app, PATH, { client_id: tv.client.id })).status, 200);
  const before = (await rows()).length;
  for (const form of [{ client_id: id }, { client_id: id, client_secret: 'wrong' }, { client_id: 'unknown' }, {}])
    t.match(await postForm(app, PATH, form), { status: 401, body: { error: 'invalid_client' } });
  t.equal((await rows()).length, before);
});

t.test('refuses other clients, scopes and resources, and issues nothing', async (t) => {
  const seeded = await seedClient(app, { grantTypes: ['DEVICE_CODE'], scopes: ['read:content'] });
  const without = await seedClient(app);
  const before = (await rows()).length;
  const errorOf = async (form: Record<string, string>, by = seeded) => {
    const { status, body } = await postForm(app, PATH, { ...withSecret(by), ...form });
    return `${status} ${String(body['error'])}`;
  };
  t.equal(await errorOf({}, without), '400 unauthorized_client');
  t.equal(await errorOf({ scope: 'read:content admin' }), '400 invalid_scope');
  t.equal(await errorOf({ scope: 'read:content unknown' }), '400 invalid_scope');
  t.equal(await errorOf({ scope: '__proto__' }), '400 invalid_scope');
  t.equal(await errorOf({ scope: '"' }), '400 invalid_scope');
  t.equal(await errorOf({ resource: 'not a URI' }), '400 invalid_target');
  t.equal(await errorOf({ resource: 'https://api.example.com/#part' }), '400 invalid_target');
  const doubled = new URLSearchParams([
    ...Object.entries(withSecret(seeded)),
    ['scope', 'read:content'],
    ['scope', ''],
  ]);
  t.match(await postForm(app, PATH, doubled.toString()), { status: 400, body: { error: 'invalid_request' } });
  const json = { 'content-type': 'application/json' };
  t.match(await postForm(app, PATH, '{}', json), { status: 400, body: { error: 'invalid_request' } });
  t.equal((await rows()).length, before);
});
