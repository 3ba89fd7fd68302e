/** Which accounts of Plex may sign in, and what is known of them. */
import { inspect } from 'node:util';
import t from 'tap';
import { ACCOUNT, MANAGED, PLAYER, SERVER } from '../../helpers/plex.js';
import { failureOf, PROFILE, setUpPlex } from '../../helpers/plex-provider.js';

const SERVER_ID = SERVER.clientIdentifier;

t.test('reports the email address only if Plex says it is confirmed and the configuration believes Plex', async (t) => {
  for (const trustEmail of [false, true]) {
    const { plex, signIn } = await setUpPlex(t, { trustEmail });
    const emailOf = async (account: object) => (await signIn(plex.login({ ...account }))).email;
    t.equal(await emailOf(ACCOUNT), trustEmail ? 'ada@mail.test' : null);
    for (const confirmed of [false, null, undefined, 'true', 1])
      t.equal(await emailOf({ ...ACCOUNT, confirmed }), null, inspect(confirmed));
    for (const email of ['', null, 7]) t.equal(await emailOf({ ...ACCOUNT, email }), null, inspect(email));
  }
});

t.test('identifies accounts by their id, whatever else changes', async (t) => {
  const { plex, signIn } = await setUpPlex(t, { trustEmail: true });
  const changed = { ...ACCOUNT, username: 'other', title: 'Other', email: 'other@mail.test', uuid: 'ffff' };
  t.match(await signIn(plex.login(changed)), {
    issuer: 'https://plex.tv',
    subject: '23248710',
    email: 'other@mail.test',
  });
  t.match(await signIn(plex.login({ ...ACCOUNT, id: 7 })), { subject: '7', email: 'ada@mail.test' });
});

t.test('fails for an account without a usable id', async (t) => {
  const { plex, signIn } = await setUpPlex(t);
  for (const id of [undefined, null, 0, -1, 1.5, 1e21, '23248710', true, [23_248_710], {}])
    t.equal(await failureOf(signIn(plex.login({ ...ACCOUNT, id }))), 'failed', inspect(id));
});

t.test('reports only names and pictures that the account has', async (t) => {
  const { plex, signIn } = await setUpPlex(t);
  const bare = { id: 1, username: '', title: null, thumb: '', email: null };
  t.match(await signIn(plex.login(bare)), { username: null, displayName: null, avatarUrl: null, email: null });
  t.match(await signIn(plex.login({ ...bare, title: 'Kid' })), { username: 'Kid', displayName: 'Kid' });
  t.match(await signIn(plex.login({ ...bare, username: 'kid' })), { username: 'kid', displayName: 'kid' });
  for (const thumb of ['http://plex.tv/a', 'javascript:alert(1)', '/a', 1])
    t.equal((await signIn(plex.login({ ...bare, thumb }))).avatarUrl, null, inspect(thumb));
});

t.test('refuses managed accounts and the guest of a Plex Home, and no other member', async (t) => {
  const { plex, signIn } = await setUpPlex(t);
  t.equal(await failureOf(signIn(plex.login(MANAGED))), 'not_allowed');
  for (const flags of [{ restricted: true }, { restricted: '1' }, { guest: true }])
    t.equal(await failureOf(signIn(plex.login({ ...ACCOUNT, ...flags }))), 'not_allowed', inspect(flags));
  for (const flags of [{ restricted: undefined }, { guest: null }, { home: true, homeAdmin: false }])
    t.same(await signIn(plex.login({ ...ACCOUNT, ...flags })), PROFILE, inspect(flags));
});

t.test('admits only accounts that may use the server', async (t) => {
  const { plex, signIn } = await setUpPlex(t, { serverId: SERVER_ID });
  const admitted: Record<string, unknown>[][] = [
    [SERVER],
    [PLAYER, SERVER],
    [SERVER, SERVER],
    [{ ...SERVER, provides: 'player' }, SERVER],
    [{ ...SERVER, provides: 'client, server,player' }],
    [{ ...SERVER, owned: true, ownerId: null }],
  ];
  const refused: Record<string, unknown>[][] = [
    [],
    [PLAYER],
    [{ ...SERVER, clientIdentifier: 'another' }],
    [{ ...SERVER, clientIdentifier: ` ${SERVER_ID}` }],
    [{ ...SERVER, clientIdentifier: `${SERVER_ID}\n` }],
    [{ ...SERVER, clientIdentifier: SERVER_ID.toUpperCase() }],
    [{ ...SERVER, clientIdentifier: SERVER_ID.slice(0, -1) }],
    [{ ...SERVER, clientIdentifier: SERVER_ID.replace('a', 'а') }],
    [{ ...SERVER, clientIdentifier: [SERVER_ID] }],
    [{ ...SERVER, clientIdentifier: 'another', name: SERVER_ID, machineIdentifier: SERVER_ID }],
    [{ ...SERVER, provides: 'player' }],
    [{ ...SERVER, provides: 'media-server' }],
    [{ ...SERVER, provides: 'server-controller,pubsub-server' }],
    [{ ...SERVER, provides: 'Server' }],
    [{ ...SERVER, provides: '' }],
    [{ ...SERVER, provides: ['server'] }],
    [{ clientIdentifier: SERVER_ID }],
    [
      { ...SERVER, provides: 'player' },
      { ...SERVER, clientIdentifier: 'another' },
    ],
  ];
  for (const resources of admitted) t.same(await signIn(plex.login(ACCOUNT, resources)), PROFILE);
  for (const resources of refused)
    t.equal(await failureOf(signIn(plex.login(ACCOUNT, resources))), 'not_allowed', inspect(resources));
});

t.test('fails if the resources are no list, and refuses what is no resource', async (t) => {
  const { plex, signIn } = await setUpPlex(t, { serverId: SERVER_ID });
  plex.misbehave('GET resources', (response) => void response.end(JSON.stringify({ 0: SERVER, length: 1 })));
  t.equal(await failureOf(signIn()), 'failed');
  plex.misbehave('GET resources', (response) => void response.end(JSON.stringify([null, 1, SERVER_ID, [SERVER]])));
  t.equal(await failureOf(signIn()), 'not_allowed');
});

t.test('with the id of the owner, refuses devices that only pretend to be the server', async (t) => {
  const { plex, signIn } = await setUpPlex(t, { serverId: SERVER_ID, serverOwnerId: '31' });
  const own = [{ ...SERVER, owned: true, ownerId: null }];
  t.same(await signIn(), PROFILE);
  t.match(await signIn(plex.login({ ...ACCOUNT, id: 31 }, own)), { subject: '31' });
  t.equal(await failureOf(signIn(plex.login(ACCOUNT, own))), 'not_allowed', 'a device of the account');
  const disguised = [{ ...SERVER, owned: true, ownerId: 31 }];
  t.equal(await failureOf(signIn(plex.login(ACCOUNT, disguised))), 'not_allowed');
  for (const ownerId of [32, null, '31 ', [31]])
    t.equal(await failureOf(signIn(plex.login(ACCOUNT, [{ ...SERVER, ownerId }]))), 'not_allowed', inspect(ownerId));
});
