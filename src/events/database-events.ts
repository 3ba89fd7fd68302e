/** Events through LISTEN/NOTIFY: Postgres delivers a transaction's notifications after its commit, in commit order. */
import type { Database } from '../db/database.js';
import type { Events } from './events.js';
import { createEventDispatcher, type EventsLog } from './dispatcher.js';
import { encodeEvent } from './message.js';
import { createEventsRepository } from './repository.js';

const CHANNEL = 'latchkey_events';

/** Starts listening immediately. `onConnection` reports when the connection is established. */
export function createDatabaseEvents({ db, log }: { db: Database; log: EventsLog }): Events {
  const dispatcher = createEventDispatcher(log);
  let lost = false;
  let closing = false;
  const listening = db.listen(CHANNEL, {
    onMessage: dispatcher.receive,
    onConnection(connected) {
      if (!connected && !closing) log.warn({}, 'Event connection lost; reconnecting');
      else if (lost) log.info('Event connection restored');
      lost = !connected;
      dispatcher.setConnected(connected);
    },
  });
  return {
    publish: (tx, event) => createEventsRepository(tx).notify(CHANNEL, encodeEvent(event)),
    listen: dispatcher.listen,
    connected: dispatcher.connected,
    onConnection: dispatcher.onConnection,
    // Not signed: a client that can notify can also change the tables.
    rejected: () => 0,
    close() {
      closing = true;
      return listening.close();
    },
  };
}
