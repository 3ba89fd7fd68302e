/** Parallel use of one code or refresh token, at two instances on one database. */
import t from 'tap';
import { eq } from 'drizzle-orm';
import { sessions } from '../../src/db/schema/index.js';
import { startTestApp } from '../helpers/app.js';
import { issueCode, seedClient } from '../helpers/oauth.js';
import { exchangeForm, postForm, refreshForm } from '../helpers/oauth-requests.js';

const app = await startTestApp(t);
const second = await startTestApp(t, {}, app.db, app.clock);
const instances = [app, second, app, second, app];

async function setUp() {
  const user = await app.user();
  const seeded = await seedClient(app);
  const code = await issueCode(app, user.id, seeded);
  const grants = async () => {
    const rows = await app.db.executor.select().from(sessions).where(eq(sessions.userId, user.id));
    return rows.filter(({ clientId }) => clientId !== null);
  };
  return { seeded, code, grants };
}

t.test('lets one of five exchanges of a code win, and keeps its grant', async (t) => {
  for (let round = 0; round < 5; round += 1) {
    const { seeded, code, grants } = await setUp();
    const answers = await Promise.all(
      instances.map((each) => postForm(each, '/oauth/token', exchangeForm(seeded, code))),
    );
    t.same(answers.map(({ status }) => status).sort(), [200, 400, 400, 400, 400]);
    t.match(await grants(), [{ endedAt: null }]);
  }
});

t.test('gives five refreshes of one token the same successor', async (t) => {
  for (let round = 0; round < 5; round += 1) {
    const { seeded, code, grants } = await setUp();
    const { body } = await postForm(app, '/oauth/token', exchangeForm(seeded, code));
    const answers = await Promise.all(
      instances.map((each) => postForm(each, '/oauth/token', refreshForm(seeded, body['refresh_token']))),
    );
    t.same(
      answers.map(({ status }) => status),
      [200, 200, 200, 200, 200],
    );
    t.equal(new Set(answers.map((answer) => answer.body['refresh_token'])).size, 1);
    t.match(await grants(), [{ endedAt: null, generation: 1 }]);
  }
});
