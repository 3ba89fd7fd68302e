/** Re-authentication of sockets: on events, while events may be missed, and under races. */
import t from 'tap';
import { AppError, serviceUnavailable } from '../../../src/lib/errors.js';
import { createSocketSessions } from '../../../src/graphql/ws/socket-sessions.js';
import type { SocketSession } from '../../../src/graphql/ws/socket-session.js';
import type { CloseReason } from '../../../src/graphql/ws/close-codes.js';
import type { AccountEvent } from '../../../src/events/events.js';
import { testClock } from '../../helpers/clock.js';
import { userPrincipal } from '../../helpers/principal.js';

/** Long enough for nothing to happen by itself. */
const NEVER_MS = 1_000_000;
const ENDED = 4401;
/** The socketSessions's beat keeps no process alive; this one is to live. */
const alive = setInterval(() => undefined, 1000);
t.teardown(() => clearInterval(alive));

function setup(
  t: { teardown(work: () => unknown): void },
  { tickMs = NEVER_MS, connected = true, maxPerAccount = 5000 } = {},
) {
  let dispatch: (event: AccountEvent) => void = () => undefined;
  let change: (connected: boolean) => void = () => undefined;
  const state = { connected, running: 0, most: 0 };
  /** The result of each authorization that is not valid, and every authorization that was checked. */
  const verdicts = new Map<string, () => Promise<unknown>>();
  const checked: string[] = [];
  const scopes = new Set(['a', 'b']);
  const clock = testClock();
  const socketSessions = createSocketSessions({
    tickMs,
    maxPerAccount,
    clock,
    log: { warn: () => undefined },
    events: {
      connected: () => state.connected,
      listen: (listener) => {
        dispatch = listener;
        return () => undefined;
      },
      onConnection: (listener) => {
        change = listener;
        return () => undefined;
      },
    },
    async authenticate({ authorization = '' }) {
      checked.push(authorization);
      state.running += 1;
      state.most = Math.max(state.most, state.running);
      const verdict = verdicts.get(authorization);
      await (verdict ? verdict() : Promise.resolve()).finally(() => (state.running -= 1));
      return userPrincipal({ id: authorization.split(':')[0]!, scopes, expiresAt: clock.now() + 1000 });
    },
  });
  t.teardown(() => socketSessions.close());

  async function enter(authorization: string) {
    let closing: CloseReason | undefined;
    let tellClosed: (code: number) => void;
    const closed = new Promise<number>((resolve) => (tellClosed = resolve));
    const socket = {
      isOpen: () => closing === undefined,
      close(reason: CloseReason) {
        closing ??= reason;
        tellClosed(closing.code);
      },
    };
    const session = await socketSessions.open(socket, { authorization }, '192.0.2.1');
    return { session: session as SocketSession, closed, isOpen: socket.isOpen };
  }

  return {
    socketSessions,
    clock,
    checked,
    scopes,
    state,
    enter,
    end: (authorization: string) =>
      verdicts.set(authorization, () => Promise.reject(new AppError('INVALID_TOKEN', 'ended'))),
    verdicts,
    happens: (userId: string | null) => dispatch({ auditId: 'x', userId, sessionId: null }),
    connect(now: boolean) {
      state.connected = now;
      change(now);
    },
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

t.test("re-authenticates only the sockets of the event's account", async (t) => {
  const { socketSessions, enter, end, happens, checked } = setup(t);
  const [one, two, other] = [await enter('u:1'), await enter('u:2'), await enter('v:1')];
  checked.length = 0;
  end('u:1');
  happens('u');
  happens(null);
  t.equal(await one.closed, ENDED);
  await turn();
  t.same(checked, ['u:1', 'u:2']);
  t.ok(two.isOpen() && other.isOpen());
  one.session.end();
  one.session.end();
  t.equal(socketSessions.count(), 2);
  checked.length = 0;
  happens('u');
  await turn();
  t.same(checked, ['u:2'], 'does not check a socket that has ended');
});

t.test('shares the check of an event with its delivery, and checks again after the next event', async (t) => {
  const { enter, happens, end, checked } = setup(t);
  const { session } = await enter('u:1');
  checked.length = 0;
  happens('u');
  await Promise.all([session.authenticate(), session.authenticate()]);
  t.same(checked, ['u:1']);
  happens('u');
  await session.authenticate();
  t.same(checked, ['u:1', 'u:1']);
  end('u:1');
  happens('u');
  await t.rejects(session.authenticate(), { code: 'INVALID_TOKEN' });
});

t.test('checks once more for events that arrive during a check', async (t) => {
  const { enter, end, happens, verdicts, checked } = setup(t);
  const one = await enter('u:1');
  let answer: () => void = () => undefined;
  verdicts.set('u:1', () => new Promise<void>((resolve) => (answer = resolve)));
  checked.length = 0;
  happens('u');
  happens('u');
  happens('u');
  end('u:1');
  answer();
  t.equal(await one.closed, ENDED);
  t.same(checked, ['u:1', 'u:1']);
});

t.test('checks again when an event arrives while a socket opens', async (t) => {
  const { enter, end, happens, verdicts, connect } = setup(t);
  for (const miss of [() => happens('u'), () => connect(true)]) {
    let answer: () => void = () => undefined;
    verdicts.set('u:1', () => new Promise<void>((resolve) => (answer = resolve)));
    const opening = enter('u:1');
    miss();
    end('u:1');
    answer();
    t.equal(await (await opening).closed, ENDED);
  }
});

t.test(
  'checks all sockets every few seconds while events are missed, and at once when they arrive again',
  async (t) => {
    const blind = setup(t, { tickMs: 1, connected: false });
    const one = await blind.enter('u:1');
    blind.end('u:1');
    t.equal(await one.closed, ENDED);

    const back = setup(t);
    const two = await back.enter('u:1');
    back.connect(false);
    back.end('u:1');
    await turn();
    t.ok(two.isOpen());
    back.connect(true);
    t.equal(await two.closed, ENDED);
  },
);

t.test('checks all sockets periodically, in case an event was lost', async (t) => {
  const { enter, end, checked } = setup(t, { tickMs: 1 });
  const one = await enter('u:1');
  end('u:1');
  t.equal(await one.closed, ENDED);
  t.equal(checked.length, 2);
});

t.test('keeps a socket whose check fails without an answer, and checks it again', async (t) => {
  const { enter, verdicts, end, happens, checked } = setup(t, { tickMs: 1 });
  const one = await enter('u:1');
  let failures = 0;
  verdicts.set('u:1', () => {
    failures += 1;
    if (failures === 3) end('u:1');
    return Promise.reject(failures === 1 ? serviceUnavailable('away') : new Error('a bug'));
  });
  checked.length = 0;
  happens('u');
  t.equal(await one.closed, ENDED);
  t.equal(checked.length, 4);
});

t.test('checks thousands of sockets in batches, urgent ones first', async (t) => {
  const { enter, end, happens, connect, state, checked } = setup(t);
  const sessions = [];
  for (let user = 0; user < 2000; user += 1) sessions.push(await enter(`${user}:1`));
  end('1999:1');
  checked.length = 0;
  connect(true);
  happens('1999');
  t.equal(await sessions[1999]!.closed, ENDED);
  t.ok(checked.length <= 401, `${checked.length} were before`);
  while (checked.length < 2000) await turn();
  t.ok(state.most <= 200, `${state.most} at a time`);
});

t.test('closes sockets with a subscription that requires a lost scope, also one that is being opened', async (t) => {
  const { enter, scopes, happens } = setup(t);
  const [needing, released, opening] = [await enter('u:1'), await enter('u:2'), await enter('u:3')];
  needing.session.begin(1).require([[['c'], ['a']], [['b']]]);
  const handle = released.session.begin(1);
  handle.require([[['a']]]);
  handle.release();
  const late = opening.session.begin(1);
  scopes.delete('a');
  happens('u');
  t.equal(await needing.closed, ENDED);
  await turn();
  t.ok(released.isOpen() && opening.isOpen());
  late.require([[['a']]]);
  t.equal(await opening.closed, ENDED);
  t.ok(released.isOpen());
});

t.test('closes with 4403 when the token expires', async (t) => {
  const { enter, clock } = setup(t, { tickMs: 1 });
  const one = await enter('u:1');
  clock.advance(999);
  const later = await enter('u:2');
  t.ok(one.isOpen());
  clock.advance(1);
  t.equal(await one.closed, 4403);
  t.ok(later.isOpen());
});

t.test('does not track a socket that closed during authentication', async (t) => {
  const { socketSessions, verdicts } = setup(t);
  let answer: () => void = () => undefined;
  verdicts.set('u:1', () => new Promise<void>((resolve) => (answer = resolve)));
  const opening = socketSessions.open(
    { isOpen: () => false, close: () => undefined },
    { authorization: 'u:1' },
    '192.0.2.1',
  );
  answer();
  t.equal(await opening, undefined);
  t.equal(socketSessions.count(), 0);
});

t.test('limits the sockets of an account, and counts closed ones no more', async (t) => {
  const { enter } = setup(t, { maxPerAccount: 2 });
  const one = await enter('a:1');
  await enter('a:2');
  t.equal(await (await enter('a:3')).closed, 4413);
  await enter('b:1');
  one.session.end();
  const again = await enter('a:4');
  t.ok(again.session);
});
