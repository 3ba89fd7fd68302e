/**
 * Sockets are let in once but must not outlive what let them in. The hub knows them by account: told of an event of an
 * account, on whichever instance it happened, it authenticates that account's sockets anew and closes those that may not go
 * on. While events may be missed it looks at all of them every few seconds, and otherwise now and then.
 */
import type { Clock } from '../../lib/clock.js';
import type { Events } from '../../events/events.js';
import { satisfies } from '../../authz/scopes.js';
import type { Authenticate } from '../../authn/authenticate.js';
import type { RequestCredentials } from '../../authn/strategy.js';
import { subjectId } from '../../authz/principal.js';
import { translateError } from '../error-format.js';
import type { ScopeDemand } from '../directives/gates.js';
import {
  closingFor,
  isRefusal,
  NOT_AUTHENTICATED,
  TOKEN_EXPIRED,
  TOO_MANY_OF_ACCOUNT,
  type Closing,
} from './closings.js';

/** What the hub needs of a socket. */
export interface Door {
  isOpen(): boolean;
  close(closing: Closing): void;
}

/** A socket that was let in. */
export interface Seat {
  readonly userId: string;
  readonly credentials: RequestCredentials;
  /** To be called before a subscription's gate is passed. */
  begin(): Hold;
  /** To be called when the socket has closed. */
  leave(): void;
}

/** What an open subscription demands; once the credentials hold that no more, the socket closes. */
export interface Hold {
  demand(demands: readonly ScopeDemand[]): void;
  release(): void;
}

export interface Hub {
  /** Lets a socket in, or closes it: 4401, 4403, 4413 over the limit of the account, 1013 when that cannot be found out. */
  enter(door: Door, credentials: RequestCredentials): Promise<Seat | undefined>;
  /** How many are in. */
  count(): number;
  close(): void;
}

export interface HubOptions {
  readonly authenticate: Authenticate;
  readonly events: Pick<Events, 'listen' | 'connected' | 'onConnection'>;
  /** Sockets of one account, on this instance. */
  readonly maxPerAccount: number;
  /** Tells when tokens expire. */
  readonly clock: Clock;
  readonly log: { warn(fields: object, message: string): void };
  /** The beat of everything here, in milliseconds; a second, but for tests. */
  readonly tickMs?: number;
}

interface Occupied {
  readonly door: Door;
  readonly credentials: RequestCredentials;
  readonly userId: string;
  readonly expiresAt: number;
  readonly demands: Map<object, readonly ScopeDemand[]>;
  /** In ticks. */
  checkedAt: number;
  /** The last look at it failed for reasons of ours. */
  isUnsure: boolean;
}

const TICK_MS = 1000;
/** A net under the events, should one be lost although the bus seems connected. */
const CHECK_EVERY_TICKS = 30;
/** While events are known to be lost, or the database did not answer. */
const UNSURE_EVERY_TICKS = 3;
/** As many as one statement reads; between two, what is urgent goes first. */
const BATCH = 200;

export function createHub(options: HubOptions): Hub {
  const { authenticate, events, clock, log, maxPerAccount, tickMs = TICK_MS } = options;
  const seats = new Map<string, Set<Occupied>>();
  /** To be looked at because something happened to their accounts, and because it is time. */
  const urgent = new Set<Occupied>();
  const due = new Set<Occupied>();
  let size = 0;
  let ticks = 0;
  /** Grows with all that may have ended a session. */
  let news = 0;
  let isChecking = false;

  function mayGoOn({ demands }: Occupied, scopes: ReadonlySet<string>): boolean {
    return [...demands.values()].flat().every((demand) => satisfies(scopes, demand));
  }

  async function check(seat: Occupied): Promise<void> {
    seat.checkedAt = ticks;
    try {
      const { scopes } = await authenticate(seat.credentials);
      seat.isUnsure = false;
      if (!mayGoOn(seat, scopes)) seat.door.close(NOT_AUTHENTICATED);
    } catch (error) {
      const { fault } = translateError(error, '');
      const closing = closingFor(fault);
      seat.isUnsure = !isRefusal(closing);
      if (!seat.isUnsure) seat.door.close(closing);
      else log.warn({ err: fault.cause ?? fault }, 'Re-authentication of a WebSocket failed; it is tried again');
    }
  }

  async function checkAll(): Promise<void> {
    if (isChecking) return;
    isChecking = true;
    while (urgent.size + due.size > 0) {
      const queue = urgent.size > 0 ? urgent : due;
      const batch = [...queue].slice(0, BATCH);
      for (const seat of batch) queue.delete(seat);
      await Promise.all(batch.map(check));
    }
    isChecking = false;
  }

  function* everyone(): Generator<Occupied> {
    for (const set of seats.values()) yield* set;
  }

  const stopListening = events.listen(({ userId }) => {
    news += 1;
    if (userId === null) return;
    for (const seat of seats.get(userId) ?? []) urgent.add(seat);
    void checkAll();
  });
  const stopWatching = events.onConnection((isConnected) => {
    if (!isConnected) return;
    // What happened meanwhile is known from the database alone.
    news += 1;
    for (const seat of everyone()) due.add(seat);
    void checkAll();
  });
  const timer = setInterval(() => {
    ticks += 1;
    const now = clock.now();
    const isBlind = !events.connected();
    for (const seat of everyone()) {
      if (seat.expiresAt <= now) seat.door.close(TOKEN_EXPIRED);
      const interval = isBlind || seat.isUnsure ? UNSURE_EVERY_TICKS : CHECK_EVERY_TICKS;
      if (ticks - seat.checkedAt >= interval) due.add(seat);
    }
    void checkAll();
  }, tickMs);
  timer.unref();

  function sit(seat: Occupied): void {
    size += 1;
    const set = seats.get(seat.userId);
    if (set) set.add(seat);
    else seats.set(seat.userId, new Set([seat]));
  }

  function leave(seat: Occupied): void {
    const set = seats.get(seat.userId);
    if (!set?.delete(seat)) return;
    size -= 1;
    if (set.size === 0) seats.delete(seat.userId);
    urgent.delete(seat);
    due.delete(seat);
  }

  /** What was told since a read began may have been about this seat. */
  function lookAgain(seat: Occupied, newsBefore: number): void {
    if (news === newsBefore) return;
    urgent.add(seat);
    void checkAll();
  }

  function begin(seat: Occupied): Hold {
    const newsBefore = news;
    const subscription = {};
    return {
      demand(demands) {
        seat.demands.set(subscription, demands);
        lookAgain(seat, newsBefore);
      },
      release: () => void seat.demands.delete(subscription),
    };
  }

  return {
    async enter(door, credentials) {
      const newsBefore = news;
      try {
        const principal = await authenticate(credentials);
        if (!door.isOpen()) return undefined;
        const userId = subjectId(principal);
        if ((seats.get(userId)?.size ?? 0) >= maxPerAccount) {
          log.warn({ userId, maxPerAccount }, 'A WebSocket was closed: too many of its account are open');
          door.close(TOO_MANY_OF_ACCOUNT);
          return undefined;
        }
        const { expiresAt } = principal.credential;
        const demands = new Map<object, readonly ScopeDemand[]>();
        const seat = { door, credentials, userId, expiresAt, demands, checkedAt: ticks, isUnsure: false };
        sit(seat);
        lookAgain(seat, newsBefore);
        return { userId, credentials, begin: () => begin(seat), leave: () => leave(seat) };
      } catch (error) {
        const { fault } = translateError(error, '');
        const closing = closingFor(fault);
        if (!isRefusal(closing)) log.warn({ err: fault.cause ?? fault }, 'Authentication of a WebSocket failed');
        door.close(closing);
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
