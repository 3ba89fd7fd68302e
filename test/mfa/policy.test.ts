/** REQUIRE_SECOND_FACTOR: what a session may do whose account must enrol a second factor. */
import { readFileSync } from 'node:fs';
import { eq } from 'drizzle-orm';
import { buildSchema, type GraphQLField } from 'graphql';
import t from 'tap';
import { totpFactors } from '../../src/db/schema/index.js';
import { SCHEMA_FILE } from '../../src/graphql/schema.js';
import { startTestApp } from '../helpers/app.js';
import { argumentsOf, selectionOf } from '../helpers/root-fields.js';
import { LOGIN, PASSWORD, REFRESH, setAccount } from '../helpers/seed.js';
import { claimsOf } from '../helpers/tokens.js';
import { enrollTotp, START_TOTP } from '../helpers/totp.js';

const ALL_SCOPES = 'read:content read:profile write:profile read:history';
const app = await startTestApp(t, { REQUIRE_SECOND_FACTOR: 'all' });
const now = () => app.clock.now();

t.test('lets a session without a second factor run only the fields that the schema marks', async (t) => {
  const { client, id } = await app.user();
  await setAccount(app.db, id, 'role');
  const schema = buildSchema(readFileSync(SCHEMA_FILE, 'utf8'));
  const fields = [
    ...Object.values(schema.getQueryType()!.getFields()).map((field) => ({ kind: 'query', field })),
    ...Object.values(schema.getMutationType()!.getFields()).map((field) => ({ kind: 'mutation', field })),
  ];
  const allowed: string[] = [];
  for (const { kind, field } of fields) {
    if (carries(field, 'public') || field.name === 'logout') continue;
    const { code } = await client.send(`${kind} { ${field.name}${argumentsOf(field)} ${selectionOf(field)} }`);
    if (code !== 'SECOND_FACTOR_ENROLLMENT_REQUIRED') allowed.push(field.name);
  }
  const marked = fields.filter(({ field }) => carries(field, 'allowedDuringEnrollment')).map(({ field }) => field.name);
  t.same(allowed.sort(), marked.filter((name) => name !== 'logout').sort());
  t.equal((await client.send('mutation { logout }')).data?.['logout'], true);
});

t.test('issues tokens without scopes, and the same token has them on Latchkey after the enrolment', async (t) => {
  const { client, accessToken } = await app.user();
  t.match(claimsOf(accessToken), { scope: '', enroll: true });
  t.equal((await client.send('{ me { id } }')).code, 'SECOND_FACTOR_ENROLLMENT_REQUIRED');
  await enrollTotp(client, now);
  t.equal((await client.send('{ me { id } }')).code, undefined);
});

t.test('issues all scopes with the next refresh', async (t) => {
  const user = await app.user();
  await enrollTotp(user.client, now);
  const { data } = await app.client().send(REFRESH, { refreshToken: user.refreshToken });
  t.equal(data!['refresh'].scope, ALL_SCOPES);
  t.notMatch(claimsOf(data!['refresh'].accessToken as string), { enroll: true });
});

t.test('lets a person without a recent login authenticate again in order to enrol', async (t) => {
  const user = await app.user();
  app.clock.advance(16 * 60_000);
  const refreshed = await app.client().send(REFRESH, { refreshToken: user.refreshToken });
  const client = app.client({ token: refreshed.data!['refresh'].accessToken as string });
  t.equal((await client.send(START_TOTP)).code, 'STEP_UP_REQUIRED');
  const again = await client.send(
    'mutation ($input: ReauthenticateInput!) { reauthenticate(input: $input) { accessToken } }',
    { input: { password: PASSWORD } },
  );
  const token = again.data!['reauthenticate'].accessToken as string;
  t.equal((await app.client({ token }).send(START_TOTP)).code, undefined);
});

t.test('refuses to remove the last second factor', async (t) => {
  const user = await app.user();
  await enrollTotp(user.client, now);
  t.equal((await user.client.send('{ me { secondFactors { required } } }')).data!['me'].secondFactors.required, true);
  t.equal((await user.client.send('mutation { removeTotp }')).code, 'VALIDATION_ERROR');
  t.equal((await app.db.executor.select().from(totpFactors).where(eq(totpFactors.userId, user.id))).length, 1);
});

t.test('with `admin`, demands a second factor of administrators only, from the promotion on', async (t) => {
  const admins = await startTestApp(t, { REQUIRE_SECOND_FACTOR: 'admin' });
  const user = await admins.user();
  t.match((await user.client.send('{ me { id secondFactors { required } } }')).data, {
    me: { secondFactors: { required: false } },
  });
  await setAccount(admins.db, user.id, 'role');
  t.equal((await user.client.send('{ me { id } }')).code, 'SECOND_FACTOR_ENROLLMENT_REQUIRED');
  const input = { identifier: user.username, password: PASSWORD };
  t.equal((await admins.client().send(LOGIN, { input })).data!['login'].scope, '');
});

function carries({ astNode }: GraphQLField<unknown, unknown>, name: string): boolean {
  return astNode?.directives?.some((directive) => directive.name.value === name) ?? false;
}
