import { readFileSync } from 'node:fs';
import { buildSchema } from 'graphql';
import t from 'tap';
import { credentialFieldsOf } from '../../../src/graphql/directives/credential-fields.js';
import { SCHEMA_FILE } from '../../../src/graphql/schema.js';

t.test('reads the mutations with @oneCredentialAttempt from the schema', async (t) => {
  const fields = credentialFieldsOf(buildSchema(readFileSync(SCHEMA_FILE, 'utf8')));
  for (const name of ['register', 'login', 'refresh', 'updateMe', 'deleteMe', 'changePassword', 'resetPassword'])
    t.ok(fields.has(name), name);
  t.notOk(fields.has('logout'));
});

t.test('returns nothing for a schema without mutations', async (t) => {
  t.equal(credentialFieldsOf(buildSchema('type Query { a: Int }')).size, 0);
});
