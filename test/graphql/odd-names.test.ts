/** Names that JavaScript objects give a meaning to, in every place where a client chooses a name. */
import t from 'tap';
import { startLiveApp } from '../helpers/live.js';
import { subscribeMessage, type Message } from '../helpers/websocket.js';

const NAMES = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__'];

const app = await startLiveApp(t);
const user = await app.user();
const headers = {
  authorization: `Bearer ${user.accessToken}`,
  'content-type': 'application/json',
  accept: 'application/graphql-response+json',
};

const bodies = (name: string): string[] => {
  const own = `{"${name}":{"a":1},"v":"x"}`;
  return [
    `{"query":"{ me { id } }","variables":${own}}`,
    `{"query":"query ($v: String) { users(search: $v) { pageInfo { hasNextPage } } }","variables":${own}}`,
    `{"query":"query ($${name}: ID!) { user(id: $${name}) { id } }","variables":${own}}`,
    `{"query":"query ($${name}: ID!) { user(id: $${name}) { id } }","variables":{}}`,
    `{"query":"mutation ($i: UpdateMeInput!) { updateMe(input: $i) { id } }","variables":{"i":${own}}}`,
    `{"query":"mutation ($${name}: UpdateMeInput!) { updateMe(input: $${name}) { id } }","variables":{"${name}":{"displayName":"x"}}}`,
    `{"query":"mutation { updateMe(input: { ${name}: 1 }) { id } }"}`,
    `{"query":"{ ${name}: me { ${name}: id } }"}`,
    `{"query":"{ ${name} }"}`,
    `{"query":"{ me { id @${name} } }"}`,
    `{"query":"{ me { ...${name} } } fragment ${name} on User { id }"}`,
    `{"query":"{ me { ... on ${name} { id } } }"}`,
    `{"query":"query ($v: ${name}) { me { id } }"}`,
    `{"query":"query ${name} { me { id } }","operationName":"${name}"}`,
    `{"query":"{ me { id } }","operationName":"${name}"}`,
    `{"query":"{ me { id } }","extensions":${own}}`,
    `{"query":"{ me { id } }","extensions":{"persistedQuery":${own}}}`,
    `{"query":"{ user(id: ${name}) { id } }"}`,
    `{"query":"{ me { id } }","${name}":{"query":"x"}}`,
  ];
};

t.test('answers no name over HTTP with a server error', async (t) => {
  for (const name of NAMES) {
    for (const payload of bodies(name)) {
      const { statusCode } = await app.server.inject({ method: 'POST', url: '/graphql', headers, payload });
      t.ok(statusCode < 500, `${statusCode} to ${payload}`);
    }
    for (const variables of [`{"${name}":"x"}`, `{"v":{"${name}":{"a":1}}}`, `{"i":{"${name}":null}}`]) {
      for (const query of [
        'query ($v: String) { users(search: $v) { pageInfo { hasNextPage } } }',
        `query ($${name}: ID!) { user(id: $${name}) { id } }`,
      ]) {
        const url = `/graphql?${new URLSearchParams({ query, variables, extensions: variables }).toString()}`;
        const { statusCode } = await app.server.inject({ url, headers });
        t.ok(statusCode < 500, `${statusCode} to GET ${query} ${variables}`);
      }
    }
  }
  t.equal(({} as Record<string, unknown>)['a'], undefined, 'no prototype was changed');
});

t.test('accepts any name as an alias', async (t) => {
  const payload = JSON.stringify({ query: '{ __proto__: me { constructor: id } }' });
  const { body } = await app.server.inject({ method: 'POST', url: '/graphql', headers, payload });
  t.equal(body, `{"data":{"__proto__":{"constructor":"${user.id}"}}}`);
});

t.test('keeps the socket open for every name but __proto__, without internal errors', async (t) => {
  for (const name of NAMES.filter((each) => each !== '__proto__')) {
    const socket = await app.session(user.accessToken);
    const messages = [
      subscribeMessage(`subscription ($${name}: Boolean!) { meUpdated { id @include(if: $${name}) } }`, '2'),
      subscribeMessage(`subscription ${name} { unknown }`, name),
      { ...subscribeMessage('subscription { unknown }', '3') },
    ];
    for (const message of messages) {
      const payload = message['payload'] as Message;
      // A text, as an object literal would set its prototype.
      const text = JSON.stringify({ ...message, payload: { ...payload, variables: 0 } });
      socket.send(text.replace('"variables":0', `"variables":{"${name}":{"${name}":1}}`));
      const answer = await socket.next();
      t.equal(answer['type'], 'error');
      t.notMatch(JSON.stringify(answer), /INTERNAL_ERROR/);
    }
    socket.ws.close();
  }
});
