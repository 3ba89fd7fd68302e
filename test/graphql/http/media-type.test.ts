import t from 'tap';
import { GRAPHQL_RESPONSE, JSON_RESPONSE, negotiate } from '../../../src/graphql/http/media-type.js';

const cases: readonly [accept: string | undefined, type: string | undefined][] = [
  [undefined, JSON_RESPONSE],
  ['', JSON_RESPONSE],
  ['  ', JSON_RESPONSE],
  ['*/*', JSON_RESPONSE],
  ['application/*', JSON_RESPONSE],
  ['application/json', JSON_RESPONSE],
  ['APPLICATION/JSON', JSON_RESPONSE],
  ['application/json; charset=utf-8', JSON_RESPONSE],
  ['application/json, text/plain, */*', JSON_RESPONSE],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', JSON_RESPONSE],
  [GRAPHQL_RESPONSE, GRAPHQL_RESPONSE],
  [`${GRAPHQL_RESPONSE}; charset="UTF-8"`, GRAPHQL_RESPONSE],
  [`${GRAPHQL_RESPONSE}, application/json`, GRAPHQL_RESPONSE],
  [`application/json, ${GRAPHQL_RESPONSE}`, GRAPHQL_RESPONSE],
  [`application/json;q=0.9, ${GRAPHQL_RESPONSE};q=0.8`, JSON_RESPONSE],
  [`application/json;q=0.8, ${GRAPHQL_RESPONSE};q=0.9`, GRAPHQL_RESPONSE],
  [
    `${GRAPHQL_RESPONSE}, application/graphql+json, application/json, text/event-stream, multipart/mixed`,
    GRAPHQL_RESPONSE,
  ],
  [`${GRAPHQL_RESPONSE};q=0, */*`, JSON_RESPONSE],
  ['application/json;q=0, */*;q=0.1', GRAPHQL_RESPONSE],
  ['application/json;q=0, application/*', GRAPHQL_RESPONSE],
  [`${GRAPHQL_RESPONSE};q=0.5, */*;q=0.5`, GRAPHQL_RESPONSE],
  ['text/html', undefined],
  ['text/html, application/*;q=0', undefined],
  ['application/json;q=0', undefined],
  ['application/json;q=2', undefined],
  ['application/json;q=high', undefined],
  ['application/json; charset=utf-16', undefined],
  [`${','.repeat(30)}application/json`, undefined],
  [',', undefined],
];

for (const [accept, type] of cases) {
  t.test(`Accept: ${accept ?? 'none'} gets ${type ?? 'nothing'}`, async (t) => {
    t.equal(negotiate(accept), type);
  });
}
