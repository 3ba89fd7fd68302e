import { readFileSync } from 'node:fs';
import { buildSchema } from 'graphql';
import t from 'tap';
import { credentialFieldsOf } from '../../../src/graphql/directives/credential-fields.js';
import { SCHEMA_FILE } from '../../../src/graphql/schema.js';

t.test('the mutations that carry the directive are those that prove or renew credentials', async (t) => {
  const fields = credentialFieldsOf(buildSchema(readFileSync(SCHEMA_FILE, 'utf8')));
  for (const name of ['register', 'login', 'refresh', 'updateMe', 'deleteMe', 'changePassword', 'resetPassword'])
    t.ok(fields.has(name), name);
  t.notOk(fields.has('logout'));
});

t.test('a schema without mutations has none', async (t) => {
  t.equal(credentialFieldsOf(buildSchema('type Query { a: Int }')).size, 0);
});
