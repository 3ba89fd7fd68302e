/** One sign-in at two instances of a deployment, with all requests at the same time. */
import t from 'tap';
import { openTestDatabase } from '../helpers/database.js';
import {
  comeBack,
  FINISH,
  FINISH_LINK,
  flowBrowser,
  goToProvider,
  identityCode,
  linkCode,
  newPerson,
  startIdentityApp,
} from '../helpers/identities.js';
import { VERIFIER } from '../helpers/pkce.js';

const db = await openTestDatabase(t);
const [first, second] = [await startIdentityApp(t, {}, { db }), await startIdentityApp(t, {}, { db })];
const both = [first, second];
const finish = (app: typeof first, code: string) =>
  app.client().send(FINISH, { input: { code, codeVerifier: VERIFIER } });

t.test('any instance serves any step', async (t) => {
  const person = newPerson();
  first.provider.person = second.provider.person = person;
  const browser = flowBrowser(first.server);
  const { state } = await goToProvider(first, 'idp', browser);
  const elsewhere = flowBrowser(second.server);
  for (const [name, value] of browser.cookies) elsewhere.cookies.set(name, value);
  const back = await comeBack(elsewhere, state);
  const { code } = await finish(first, back.location!.searchParams.get('code')!);
  t.equal(code, undefined);
});

t.test('one of the callbacks at both instances goes to the provider', async (t) => {
  first.provider.person = second.provider.person = newPerson();
  for (let round = 0; round < 5; round += 1) {
    const asked = () => first.provider.callbacks.length + second.provider.callbacks.length;
    const before = asked();
    const browser = flowBrowser(first.server);
    const { state } = await goToProvider(first, 'idp', browser);
    const browsers = both.map(({ server }) => {
      const copy = flowBrowser(server);
      for (const [name, value] of browser.cookies) copy.cookies.set(name, value);
      return copy;
    });
    const answers = await Promise.all([...browsers, ...browsers].map((each) => comeBack(each, state)));
    t.same(answers.map(({ status }) => status).sort(), [303, 400, 400, 400]);
    t.equal(asked(), before + 1);
  }
});

t.test('one code at both instances opens one session', async (t) => {
  first.provider.person = newPerson();
  for (let round = 0; round < 5; round += 1) {
    const code = await identityCode(first);
    const answers = await Promise.all([...both, ...both].map((app) => finish(app, code)));
    t.equal(answers.filter(({ data }) => data).length, 1);
  }
});

t.test('first sign-ins at both instances create one account', async (t) => {
  for (let round = 0; round < 5; round += 1) {
    first.provider.person = second.provider.person = newPerson({
      username: 'racing',
      email: `racing${round}@mail.test`,
    });
    const codes = await Promise.all([...both, ...both].map((app) => identityCode(app)));
    const answers = await Promise.all(codes.map((code, at) => finish(both[at % 2]!, code)));
    const ids = answers.map(({ data, code }) => (data?.['finishIdentityLogin']?.user.id as string | undefined) ?? code);
    t.equal(new Set(ids).size, 1);
    t.match(ids[0], /^[\da-f-]{36}$/);
  }
});

t.test('two accounts that link one identity at the same time: one has it', async (t) => {
  for (let round = 0; round < 5; round += 1) {
    first.provider.person = second.provider.person = newPerson();
    const users = [await first.user(), await second.user()];
    const codes = [await linkCode(first, users[0]!), await linkCode(second, users[1]!)];
    const answers = await Promise.all(users.map((user, at) => user.client.send(FINISH_LINK, { code: codes[at]! })));
    t.same(answers.map(({ code }) => code ?? 'linked').sort(), ['IDENTITY_NOT_LINKED', 'linked']);
  }
});
