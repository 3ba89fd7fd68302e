/** When sockets are looked at again: on events, while events may be missed, and however unluckily things coincide. */
import t from 'tap';
import { AppError, serviceUnavailable } from '../../../src/lib/errors.js';
import { createSocketSessions, type SocketSession } from '../../../src/graphql/ws/socket-sessions.js';
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
  let tell: (event: AccountEvent) => void = () => undefined;
  let change: (connected: boolean) => void = () => undefined;
  const state = { connected, running: 0, most: 0 };
  /** What is said of an authorization that is not good, and each time that one was looked at. */
  const verdicts = new Map<string, () => Promise<unknown>>();
  const looked: string[] = [];
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
        tell = listener;
        return () => undefined;
      },
      onConnection: (listener) => {
        change = listener;
        return () => undefined;
      },
    },
    async authenticate({ authorization = '' }) {
      looked.push(authorization);
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
    const session = await socketSessions.open(socket, { authorization });
    return { session: session as SocketSession, closed, isOpen: socket.isOpen };
  }

  return {
    socketSessions,
    clock,
    looked,
    scopes,
    state,
    enter,
    end: (authorization: string) =>
      verdicts.set(authorization, () => Promise.reject(new AppError('INVALID_TOKEN', 'ended'))),
    verdicts,
    happens: (userId: string | null) => tell({ auditId: 'x', userId, sessionId: null }),
    connect(now: boolean) {
      state.connected = now;
      change(now);
    },
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

t.test("an event looks at its account's sockets alone", async (t) => {
  const { socketSessions, enter, end, happens, looked } = setup(t);
  const [one, two, other] = [await enter('u:1'), await enter('u:2'), await enter('v:1')];
  looked.length = 0;
  end('u:1');
  happens('u');
  happens(null);
  t.equal(await one.closed, ENDED);
  await turn();
  t.same(looked, ['u:1', 'u:2']);
  t.ok(two.isOpen() && other.isOpen());
  one.session.end();
  one.session.end();
  t.equal(socketSessions.count(), 2);
  looked.length = 0;
  happens('u');
  await turn();
  t.same(looked, ['u:2'], 'who has left is looked at no more');
});

t.test('events that come while sockets are looked at are looked into once more', async (t) => {
  const { enter, end, happens, verdicts, looked } = setup(t);
  const one = await enter('u:1');
  let answer: () => void = () => undefined;
  verdicts.set('u:1', () => new Promise<void>((resolve) => (answer = resolve)));
  looked.length = 0;
  happens('u');
  happens('u');
  happens('u');
  end('u:1');
  answer();
  t.equal(await one.closed, ENDED);
  t.same(looked, ['u:1', 'u:1']);
});

t.test('what happens between the look and the session is not missed', async (t) => {
  const { enter, end, happens, verdicts, connect } = setup(t);
  for (const miss of [() => happens('u'), () => connect(true)]) {
    let answer: () => void = () => undefined;
    verdicts.set('u:1', () => new Promise<void>((resolve) => (answer = resolve)));
    const issueAuthPayload = enter('u:1');
    miss();
    end('u:1');
    answer();
    t.equal(await (await issueAuthPayload).closed, ENDED);
  }
});

t.test('while events are missed all are looked at every few seconds, and at once when they come again', async (t) => {
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
});

t.test('now and then all are looked at, should an event be lost unnoticed', async (t) => {
  const { enter, end, looked } = setup(t, { tickMs: 1 });
  const one = await enter('u:1');
  end('u:1');
  t.equal(await one.closed, ENDED);
  t.equal(looked.length, 2);
});

t.test('a socket that cannot be looked at stays, and is looked at again until it is known', async (t) => {
  const { enter, verdicts, end, happens, looked } = setup(t, { tickMs: 1 });
  const one = await enter('u:1');
  let failures = 0;
  verdicts.set('u:1', () => {
    failures += 1;
    if (failures === 3) end('u:1');
    return Promise.reject(failures === 1 ? serviceUnavailable('away') : new Error('a bug'));
  });
  looked.length = 0;
  happens('u');
  t.equal(await one.closed, ENDED);
  t.equal(looked.length, 4);
});

t.test('thousands are looked at a few at a time, and what is urgent is not behind them', async (t) => {
  const { enter, end, happens, connect, state, looked } = setup(t);
  const sessions = [];
  for (let user = 0; user < 2000; user += 1) sessions.push(await enter(`${user}:1`));
  end('1999:1');
  looked.length = 0;
  connect(true);
  happens('1999');
  t.equal(await sessions[1999]!.closed, ENDED);
  t.ok(looked.length <= 401, `${looked.length} were before`);
  while (looked.length < 2001) await turn();
  t.ok(state.most <= 200, `${state.most} at a time`);
});

t.test(
  'a lost scope closes those that handle a subscription which needs it, also one that was just executionArgs',
  async (t) => {
    const { enter, scopes, happens } = setup(t);
    const [needing, released, executionArgs] = [await enter('u:1'), await enter('u:2'), await enter('u:3')];
    needing.session.begin().require([[['c'], ['a']], [['b']]]);
    const handle = released.session.begin();
    handle.require([[['a']]]);
    handle.release();
    const late = executionArgs.session.begin();
    scopes.delete('a');
    happens('u');
    t.equal(await needing.closed, ENDED);
    await turn();
    t.ok(released.isOpen() && executionArgs.isOpen());
    late.require([[['a']]]);
    t.equal(await executionArgs.closed, ENDED);
    t.ok(released.isOpen());
  },
);

t.test('a token that runs out closes with 4403, by the clock', async (t) => {
  const { enter, clock } = setup(t, { tickMs: 1 });
  const one = await enter('u:1');
  clock.advance(999);
  const later = await enter('u:2');
  t.ok(one.isOpen());
  clock.advance(1);
  t.equal(await one.closed, 4403);
  t.ok(later.isOpen());
});

t.test('who has gone while let in takes no session', async (t) => {
  const { socketSessions, verdicts } = setup(t);
  let answer: () => void = () => undefined;
  verdicts.set('u:1', () => new Promise<void>((resolve) => (answer = resolve)));
  const issueAuthPayload = socketSessions.open(
    { isOpen: () => false, close: () => undefined },
    { authorization: 'u:1' },
  );
  answer();
  t.equal(await issueAuthPayload, undefined);
  t.equal(socketSessions.count(), 0);
});

t.test('an account has so many sockets, each of which makes room when it closes', async (t) => {
  const { enter } = setup(t, { maxPerAccount: 2 });
  const one = await enter('a:1');
  await enter('a:2');
  t.equal(await (await enter('a:3')).closed, 4413);
  await enter('b:1');
  one.session.end();
  const again = await enter('a:4');
  t.ok(again.session);
});
