/** One code at two instances of a deployment, with all requests at the same time. */
import { eq } from 'drizzle-orm';
import t from 'tap';
import { emailCodes, sessions, users } from '../../src/db/schema/index.js';
import { startTestApp } from '../helpers/app.js';
import { LOGIN_BY_CODE, requestCode, wrongCode } from '../helpers/email-codes.js';
import { mailedPage } from '../helpers/mailed-page.js';

const ENV = { EMAIL_LOGIN: 'true' };
const first = await startTestApp(t, ENV);
const second = await startTestApp(t, ENV, first.db);
const instances = [first, second];
/** Sends to both instances in turn, each request from a network of its own. */
const all = (count: number, input: { email: string; code: string }) =>
  Promise.all(
    Array.from({ length: count }, (_, index) => instances[index % 2]!.client().send(LOGIN_BY_CODE, { input })),
  );
const sessionsByCode = async (userId: string) =>
  (await first.db.executor.select().from(sessions).where(eq(sessions.userId, userId))).filter(
    ({ amr }) => amr[0] === 'email',
  );

t.test('a code opens one session', async (t) => {
  const user = await first.user();
  const { code } = await requestCode(first, user.email);
  // Five tries: each of these may verify the code.
  const answers = await all(5, { email: user.email, code });
  t.same(answers.map((answer) => answer.code ?? 'session').sort(), [
    ...Array<string>(4).fill('INVALID_CODE'),
    'session',
  ]);
  t.equal((await sessionsByCode(user.id)).length, 1);
});

t.test('a code and its link open one session', async (t) => {
  const user = await first.user();
  const { code, link, linkToken } = await requestCode(first, user.email);
  const pages = instances.map(({ server }) => mailedPage(server));
  for (const page of pages) await page.open(link);
  await Promise.all([
    all(4, { email: user.email, code }),
    all(4, { email: user.email, code: linkToken }),
    ...pages.map((page) => page.press()),
  ]);
  t.equal((await sessionsByCode(user.id)).length, 1);
});

t.test('five wrong codes are verified, however many are tried', async (t) => {
  const user = await first.user();
  const { code } = await requestCode(first, user.email);
  await all(12, { email: user.email, code: wrongCode(code) });
  const [row] = await first.db.executor.select().from(emailCodes).where(eq(emailCodes.userId, user.id));
  t.equal(row?.tries, 5);
  t.same(
    (await all(2, { email: user.email, code })).map((answer) => answer.code),
    ['INVALID_CODE', 'INVALID_CODE'],
  );
  t.same(await sessionsByCode(user.id), []);
});

t.test('parallel first proofs void the earlier password once', async (t) => {
  const user = await first.user();
  const { code } = await requestCode(first, user.email);
  await all(4, { email: user.email, code });
  const [row] = await first.db.executor.select().from(users).where(eq(users.id, user.id));
  t.match(row, { passwordHash: null, isVerified: true });
  // The instance that served the login sends the notice.
  const mails = [...(await first.mailTo(user.email)), ...(await second.mailTo(user.email))];
  const notices = mails.filter(({ subject }) => subject.includes('no longer works'));
  t.equal(notices.length, 1);
});
