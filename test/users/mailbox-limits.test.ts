import t from 'tap';
import { createMailboxLimits, mailboxOf } from '../../src/users/mailbox-limits.js';
import { startTestApp } from '../helpers/app.js';
import { LOGIN, PASSWORD, registerUser } from '../helpers/seed.js';

const charged = { userId: null, client: { ipAddress: '', network: '', userAgent: null } };

t.test('counts plus-addresses as one mailbox', async (t) => {
  for (const address of ['a@mail.test', 'A@mail.test', 'a+b@mail.test', 'a+b+c@Mail.test'])
    t.equal(mailboxOf(address), 'a@mail.test', address);
  t.equal(mailboxOf('+b@mail.test'), '+b@mail.test', 'nothing would be left');
  t.equal(mailboxOf('a.b@mail.test'), 'a.b@mail.test', 'dots mean something to most servers');
});

t.test('stores only a hash of the address', async (t) => {
  const keys: string[] = [];
  const limits = createMailboxLimits({ count: async (key) => keys.push(key) > 0 });
  await limits.charge('notice mailbox', 'ada+x@mail.test', charged);
  await limits.charge('notice mailbox', 'ada@mail.test', charged);
  await limits.charge('verification mailbox', 'ada@mail.test', charged);
  t.equal(keys[0], keys[1]);
  t.notMatch(keys.join(), /ada|mail\.test/);
  t.equal(new Set(keys).size, 2, 'kinds are counted apart');
});

t.test('limits links and notices to one mailbox across accounts with plus-addresses', async (t) => {
  const app = await startTestApp(t, { RATE_LIMIT_FIELDS: 'register=1000/15m' });
  for (let index = 0; index < 8; index += 1)
    await registerUser(app.client({ ip: `203.0.113.${index}` }), {
      email: `eve+${index}@mail.test`,
      username: `eve${index}`,
    });
  const links = await Promise.all(Array.from({ length: 8 }, (_, index) => app.mailTo(`eve+${index}@mail.test`)));
  t.equal(links.flat().length, 6);

  const CHANGE = 'mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { accessToken } }';
  for (const username of ['eve0', 'eve1']) {
    const { data } = await app.client().send(LOGIN, { input: { identifier: username, password: PASSWORD } });
    let token = data!['login'].accessToken as string;
    let currentPassword = PASSWORD;
    for (let index = 0; index < 16; index += 1) {
      const newPassword = `${PASSWORD} ${index}`;
      const answer = await app.client({ token }).send(CHANGE, { input: { currentPassword, newPassword } });
      token = answer.data!['changePassword'].accessToken;
      currentPassword = newPassword;
      await app.runJob('send mail');
      app.clock.advance(1_000);
    }
  }
  const mails = [...(await app.mailTo('eve+0@mail.test')), ...(await app.mailTo('eve+1@mail.test'))];
  const notices = mails.filter(({ subject }) => /was changed/.test(subject));
  t.equal(notices.length, 30);
});
