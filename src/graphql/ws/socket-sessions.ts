/**
 * Closes a socket when its credentials become invalid. An event of an account, on any instance, re-authenticates the sockets of
 * that account. All sockets are re-authenticated every few seconds while events may be missed, and every 30 seconds otherwise.
 */
import type { Clock } from '../../lib/clock.js';
import { subjectOfEvent, type Events } from '../../events/events.js';
import { satisfies } from '../../authz/scopes.js';
import type { Authenticate } from '../../authn/authenticate.js';
import type { AccountPrincipal, RequestCredentials } from '../../authn/strategy.js';
import { subjectFields, subjectRef } from '../../authz/principal.js';
import { translateError } from '../error-format.js';
import type { ScopeRequirement } from '../directives/gates.js';
import type { ClosableSocket, SocketSessions, SubscriptionHandle } from './socket-session.js';
import {
  closeReasonFor,
  isRefusal,
  NOT_AUTHENTICATED,
  TOKEN_EXPIRED,
  TOO_MANY_OF_ACCOUNT,
  type CloseReason,
} from './close-codes.js';
import { assertRoomForRows } from './event-rows.js';

export interface SocketSessionsOptions {
  readonly authenticate: Authenticate;
  readonly events: Pick<Events, 'listen' | 'connected' | 'onConnection'>;
  /** Sockets of one account, on this instance. */
  readonly maxPerAccount: number;
  readonly clock: Clock;
  readonly log: { warn(fields: object, message: string): void };
  /** The interval of all timers, in milliseconds; only tests change it. */
  readonly tickMs?: number;
}

interface TrackedSession {
  readonly socket: ClosableSocket;
  readonly credentials: RequestCredentials;
  readonly ipAddress: string;
  readonly userId: string;
  readonly expiresAt: number;
  /** For the expiry: an access token can be renewed, an API key cannot. */
  readonly whenExpired: CloseReason;
  readonly requirements: Map<object, readonly ScopeRequirement[]>;
  /** Of its open subscriptions, at each event. */
  rows: number;
  /** The tick of the last check. */
  checkedAt: number;
  /** The last check; undefined once a newer event has arrived. */
  latest: Promise<AccountPrincipal> | undefined;
  /** The last check failed without an answer, for example because the database was unavailable. */
  isUnsure: boolean;
}

const TICK_MS = 1000;
/** In case an event is lost although the bus is connected. */
const CHECK_EVERY_TICKS = 30;
/** While events may be missed, or after a check without an answer. */
const UNSURE_EVERY_TICKS = 3;
/** Sockets per statement. Urgent checks run before the next batch of due ones. */
const BATCH = 200;

export function createSocketSessions(options: SocketSessionsOptions): SocketSessions {
  const { authenticate, events, clock, log, maxPerAccount, tickMs = TICK_MS } = options;
  const sessions = new Map<string, Set<TrackedSession>>();
  // To be checked after an event of the account, and because the interval has passed.
  const urgent = new Set<TrackedSession>();
  const due = new Set<TrackedSession>();
  let size = 0;
  let ticks = 0;
  /** Counts everything that may have ended a session. */
  let news = 0;
  let isChecking = false;

  function isAuthorized({ requirements }: TrackedSession, scopes: ReadonlySet<string>): boolean {
    return [...requirements.values()].flat().every((requirement) => satisfies(scopes, requirement));
  }

  /** Reads the principal, at most once per tick unless an event arrives. */
  function principalOf(session: TrackedSession): Promise<AccountPrincipal> {
    if (session.checkedAt !== ticks) session.latest = undefined;
    session.checkedAt = ticks;
    return (session.latest ??= authenticate(session.credentials, session.ipAddress));
  }

  async function check(session: TrackedSession): Promise<void> {
    try {
      const { scopes } = await principalOf(session);
      session.isUnsure = false;
      if (!isAuthorized(session, scopes)) session.socket.close(NOT_AUTHENTICATED);
    } catch (error) {
      const { error: failure } = translateError(error, '');
      const closing = closeReasonFor(failure);
      session.isUnsure = !isRefusal(closing);
      if (!session.isUnsure) session.socket.close(closing);
      else log.warn({ err: failure.cause ?? failure }, 'Re-authentication of a WebSocket failed; it is tried again');
    }
  }

  async function checkAll(): Promise<void> {
    if (isChecking) return;
    isChecking = true;
    while (urgent.size + due.size > 0) {
      const queue = urgent.size > 0 ? urgent : due;
      const batch = [...queue].slice(0, BATCH);
      for (const session of batch) queue.delete(session);
      await Promise.all(batch.map(check));
    }
    isChecking = false;
  }

  /** Queues a check; the last one no longer counts. */
  function mark(session: TrackedSession, queue: Set<TrackedSession>): void {
    session.latest = undefined;
    queue.add(session);
  }

  function* all(): Generator<TrackedSession> {
    for (const set of sessions.values()) yield* set;
  }

  const stopListening = events.listen((event) => {
    news += 1;
    const subject = subjectOfEvent(event);
    if (subject === null) return;
    for (const session of sessions.get(subject) ?? []) mark(session, urgent);
    void checkAll();
  });
  const stopWatching = events.onConnection((isConnected) => {
    if (!isConnected) return;
    // Events of the meantime are lost: the database has the state.
    news += 1;
    for (const session of all()) mark(session, due);
    void checkAll();
  });
  const timer = setInterval(() => {
    ticks += 1;
    const now = clock.now();
    const mayMissEvents = !events.connected();
    for (const session of all()) {
      if (session.expiresAt <= now) session.socket.close(session.whenExpired);
      const interval = mayMissEvents || session.isUnsure ? UNSURE_EVERY_TICKS : CHECK_EVERY_TICKS;
      if (ticks - session.checkedAt >= interval) due.add(session);
    }
    void checkAll();
  }, tickMs);
  timer.unref();

  function add(session: TrackedSession): void {
    size += 1;
    const set = sessions.get(session.userId);
    if (set) set.add(session);
    else sessions.set(session.userId, new Set([session]));
  }

  function remove(session: TrackedSession): void {
    const set = sessions.get(session.userId);
    if (!set?.delete(session)) return;
    size -= 1;
    if (set.size === 0) sessions.delete(session.userId);
    urgent.delete(session);
    due.delete(session);
  }

  /** Checks again if an event arrived since a read began: it may concern this session. */
  function checkAgain(session: TrackedSession, newsBefore: number): void {
    if (news === newsBefore) return;
    urgent.add(session);
    void checkAll();
  }

  function begin(session: TrackedSession, rows: number): SubscriptionHandle {
    assertRoomForRows(sessions.get(session.userId) ?? [], rows);
    session.rows += rows;
    const newsBefore = news;
    const subscription = {};
    return {
      require(requirements) {
        session.requirements.set(subscription, requirements);
        checkAgain(session, newsBefore);
      },
      release() {
        session.requirements.delete(subscription);
        session.rows -= rows;
      },
    };
  }

  return {
    async open(socket, credentials, ipAddress) {
      const newsBefore = news;
      try {
        const principal = await authenticate(credentials, ipAddress);
        if (!socket.isOpen()) return undefined;
        const subject = subjectRef(principal);
        if ((sessions.get(subject.id)?.size ?? 0) >= maxPerAccount) {
          log.warn(
            { ...subjectFields(subject), maxPerAccount },
            'A WebSocket was closed: too many of its account are open',
          );
          socket.close(TOO_MANY_OF_ACCOUNT);
          return undefined;
        }
        const { kind, expiresAt } = principal.credential;
        const whenExpired = kind === 'api-key' ? NOT_AUTHENTICATED : TOKEN_EXPIRED;
        const state = { requirements: new Map(), rows: 0, checkedAt: ticks, latest: undefined, isUnsure: false };
        const known = { socket, credentials, ipAddress, userId: subject.id, expiresAt, whenExpired };
        const session: TrackedSession = { ...state, ...known };
        add(session);
        checkAgain(session, newsBefore);
        return {
          subject,
          credentials,
          authenticate: () => principalOf(session),
          begin: (rows) => begin(session, rows),
          end: () => remove(session),
        };
      } catch (error) {
        const { error: failure } = translateError(error, '');
        const closing = closeReasonFor(failure);
        if (!isRefusal(closing)) log.warn({ err: failure.cause ?? failure }, 'Authentication of a WebSocket failed');
        socket.close(closing);
        return undefined;
      }
    },

    count: () => size,

    close() {
      clearInterval(timer);
      stopListening();
      stopWatching();
    },
  };
}
