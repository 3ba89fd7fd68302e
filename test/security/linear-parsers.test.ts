/**
 * Parsers of client input take linear time: twice the input runs at most twice as many blocks of code. Their patterns
 * are checked in `linear-patterns.test.ts`. Node's text functions are linear.
 */
import t from 'tap';
import { startStepCounter } from '../helpers/steps.js';

/** Repeated parts of an input: separators, quotes, escapes, and texts that the parsers search for. */
const PARTS = [
  ...[
    'a',
    ' ',
    ',',
    ';',
    ', a',
    ';q=0.1',
    '; charset=utf-8',
    '"',
    '"a"',
    '\\',
    '\\"',
    '%',
    '%41',
    '@',
    'a@',
    '.',
    'a.',
  ],
  ...[':', '::', '1:', '[', ']', '/', '=', 'a=b; ', '\n', '\r\n', '\nparams: ', 'password="', 'password: a', 'Bearer '],
  ...[
    'eyJ',
    '$argon2',
    'http://',
    ' is not valid JSON',
    '    at a\n',
    'ß',
    '\u0301',
    '\u200d',
    '😀',
    'ab',
    'aab',
    '-_',
  ],
];
const LENGTH = 2000;
/** The constant work, measured with a short input. */
const CONSTANT = 400;

t.test('doubles the work at most when the input doubles', async (t) => {
  const counter = await startStepCounter(t, (url) => url.includes('/src/'));
  const { bearerToken } = await import('../../src/authn/bearer.js');
  const { clientAddress, clientNetworks } = await import('../../src/lib/client-address.js');
  const { clientInfo } = await import('../../src/lib/client-info.js');
  const { cleanEmail, emailError, identifierKey, searchPrefix, usernameError } =
    await import('../../src/users/identifiers.js');
  const { displayNameError } = await import('../../src/users/display-name.js');
  const { blocklistError } = await import('../../src/passwords/blocklist.js');
  const { isJson } = await import('../../src/graphql/http/json-body.js');
  const { negotiate } = await import('../../src/graphql/http/media-type.js');
  const { redactText, serializeError } = await import('../../src/fastify/redaction.js');
  const { refreshTokenCandidates } = await import('../../src/fastify/refresh-token-candidates.js');
  const { readParams } = await import('../../src/graphql/http/request-params.js');
  const { locationsOf } = await import('../../src/graphql/documents/detach.js');

  const get = (query: object) => ({ method: 'GET', headers: { 'x-requested-with': 'a' }, query }) as never;
  const parsers: Record<string, (text: string) => unknown> = {
    'an Authorization header': bearerToken,
    'an address': (text) => [clientAddress(text), clientNetworks(text)],
    'a User-Agent': (text) => clientInfo('::1', text),
    'a Content-Type': isJson,
    'an Accept header': negotiate,
    'the query of a GET': (text) => readParams(get({ query: text, variables: text })),
    'the variables of a GET': (text) => readParams(get({ query: 'a', variables: JSON.stringify({ a: text }) })),
    'a document that may hold a refresh token': (query) =>
      refreshTokenCandidates({ body: { query, variables: { query } }, cookies: {} } as never, 'a'),
    'an email address': (text) => [emailError(text), cleanEmail(text), emailError(`a@${text}.com`)],
    'a name': (text) => [usernameError(text), displayNameError(text), identifierKey(text), searchPrefix(text)],
    'a password': (text) => blocklistError(text, ['ada@example.com', text.slice(0, 300), 'Latchkey']),
    'a text for the log': redactText,
    'an error for the log': (text) => serializeError(new SyntaxError(text)),
    'the places of an error': (text) =>
      locationsOf({ locations: [{ line: 1, column: text.length }], source: { body: '', text } } as never),
  };
  for (const [what, parse] of Object.entries(parsers)) {
    for (const part of PARTS) {
      const inputOf = (length: number) => part.repeat(Math.ceil(length / part.length));
      const [short, long] = [inputOf(LENGTH), inputOf(2 * LENGTH)];
      await counter.count(() => parse(part));
      const once = await counter.count(() => parse(short));
      const twice = await counter.count(() => parse(long));
      const isLinear = twice <= 2 * once + CONSTANT;
      if (!isLinear) t.fail(`${what} of ${JSON.stringify(part)}: ${once} steps, then ${twice}`);
    }
    t.pass(what);
  }
});

t.test('reports a pattern that is not linear', async (t) => {
  const counter = await startStepCounter(t, (url) => url.includes('/test/security/'));
  const slow = (text: string) => {
    let found = 0;
    for (const a of text) for (const b of text) if (a === b) found += 1;
    return found;
  };
  const once = await counter.count(() => slow('a'.repeat(100)));
  const twice = await counter.count(() => slow('a'.repeat(200)));
  t.ok(twice > 3 * once);
});
