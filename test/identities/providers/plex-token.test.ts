/** Tokens of Plex that a client hands over (`loginWithPlex`), against the stand-in for plex.tv. */
import { inspect } from 'node:util';
import t from 'tap';
import { ACCOUNT, MANAGED, NONSENSE, PLAYER, SERVER } from '../../helpers/plex.js';
import { failureOf, PROFILE, setUpPlex } from '../../helpers/plex-provider.js';

const CHECKED = { serverId: SERVER.clientIdentifier, trustEmail: true };

t.test('reads the account of a token, with the same checks as a PIN', async (t) => {
  const { plex, provider } = await setUpPlex(t, CHECKED);
  t.same(await provider.verifyPlexToken(plex.login()), { ...PROFILE, email: 'ada@mail.test' });
  for (const token of [plex.login(ACCOUNT, [PLAYER]), plex.login(MANAGED)])
    t.equal(await failureOf(provider.verifyPlexToken(token)), 'not_allowed');
});

t.test('accepts tokens that are JWTs', async (t) => {
  const { plex, provider } = await setUpPlex(t, CHECKED);
  const jwt = `eyJhbGciOiJFZERTQSJ9.${'a_-9'.repeat(200)}.c2ln`;
  t.match(await provider.verifyPlexToken(plex.login(ACCOUNT, [SERVER], jwt)), { subject: '23248710' });
});

t.test('a token is invalid if Plex answers 401, whatever the route and the content', async (t) => {
  const { plex, provider } = await setUpPlex(t, CHECKED);
  t.equal(await provider.verifyPlexToken('unknown-token'), undefined);
  for (const route of ['GET user', 'GET resources'] as const) {
    plex.misbehave(route, (response) => void response.writeHead(401, { 'content-type': 'text/html' }).end('<html>'));
    t.equal(await provider.verifyPlexToken(plex.login()), undefined, route);
    plex.behave();
  }
});

t.test('any other answer says nothing about the token', async (t) => {
  const { plex, provider } = await setUpPlex(t, CHECKED);
  const token = plex.login();
  for (const route of ['GET user', 'GET resources'] as const) {
    for (const [name, misbehaviour] of Object.entries(NONSENSE)) {
      plex.misbehave(route, misbehaviour);
      t.equal(await failureOf(provider.verifyPlexToken(token)), 'failed', `${route}: ${name}`);
    }
    plex.behave();
  }
  t.match(await provider.verifyPlexToken(token), { subject: '23248710' });
});

t.test('refuses what can be no token without a request', async (t) => {
  const { plex, provider } = await setUpPlex(t, CHECKED);
  const invalid = [
    '',
    ' ',
    'a token',
    ' token',
    'token\n',
    'a\r\nx-plex-client-identifier: other',
    'a\0b',
    'tökén',
    '令牌',
    '"token"',
    'a,b',
    '{}',
    'a'.repeat(4097),
  ];
  for (const token of invalid) t.equal(await provider.verifyPlexToken(token), undefined, inspect(token));
  t.same(plex.requests, []);
  t.match(await provider.verifyPlexToken(plex.login(ACCOUNT, [SERVER], 'a'.repeat(4096))), { subject: '23248710' });
});
