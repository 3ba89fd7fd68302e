/** REQUIRE_SECOND_FACTOR and WebSockets. */
import t from 'tap';
import { startLiveApp } from '../helpers/live.js';
import { registerAdmin } from '../helpers/seed.js';
import { enrollTotp } from '../helpers/totp.js';
import { subscribeMessage } from '../helpers/websocket.js';

const SUBSCRIPTIONS = ['meUpdated { id }', 'securityEvents { id }', 'auditEvents { id }'];
const UPDATE = 'mutation { updateMe(input: { displayName: "Ada" }) { id } }';
const PROMOTE = 'mutation ($id: ID!) { updateUser(id: $id, input: { role: ADMIN }) { id } }';

t.test(
  'a session that must enrol opens no subscription, and can after the enrolment',
  { timeout: 60_000 },
  async (t) => {
    const app = await startLiveApp(t, { REQUIRE_SECOND_FACTOR: 'all' });
    const user = await app.user();
    const socket = await app.session(user.accessToken);
    for (const field of SUBSCRIPTIONS) {
      socket.send(subscribeMessage(`subscription { ${field} }`));
      t.match(
        await socket.next(),
        { type: 'error', payload: [{ extensions: { code: 'SECOND_FACTOR_ENROLLMENT_REQUIRED' } }] },
        field,
      );
    }
    t.equal(await app.count('subscriptions_open'), 0);

    await enrollTotp(user.client, app.clock.now);
    await app.untilSubscribed(() => socket.send(subscribeMessage('subscription { meUpdated { displayName } }')));
    t.equal((await user.client.send(UPDATE)).code, undefined);
    t.match(await socket.next(), { type: 'next', payload: { data: { meUpdated: { displayName: 'Ada' } } } });
    socket.ws.terminate();
  },
);

t.test('an open socket closes with 4401 when its account must enrol from now on', { timeout: 60_000 }, async (t) => {
  const app = await startLiveApp(t, { REQUIRE_SECOND_FACTOR: 'admin' });
  const admin = await registerAdmin(app);
  await enrollTotp(admin.client, app.clock.now);
  const [user, other] = [await app.user(), await app.user()];
  const socket = await app.follow(user.accessToken, 'subscription { meUpdated { role } }');
  const unconcerned = await app.follow(other.accessToken, 'subscription { meUpdated { displayName } }');
  t.equal((await admin.client.send(PROMOTE, { id: user.id })).code, undefined);
  t.equal((await socket.closed).code, 4401);
  t.same(socket.unread, [], 'without a last event');
  t.equal((await user.client.send('{ me { id } }')).code, 'SECOND_FACTOR_ENROLLMENT_REQUIRED');

  await other.client.send(UPDATE);
  t.match(await unconcerned.next(), { type: 'next', payload: { data: { meUpdated: { displayName: 'Ada' } } } });
  unconcerned.ws.terminate();
});
