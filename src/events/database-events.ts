/** Events through the database: what a transaction notifies of is delivered when it commits, in the order of commits. */
import type { Database } from '../db/database.js';
import type { Events } from './events.js';
import { createEventDispatcher, type EventsLog } from './dispatcher.js';
import { encodeEvent } from './message.js';
import { createEventsRepository } from './repository.js';

const CHANNEL = 'latchkey_events';

/** Begins to listen at once; who starts while the connection is not there yet is told when it is. */
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
    // Whoever can notify can change the tables as well.
    rejected: () => 0,
    close() {
      closing = true;
      return listening.close();
    },
  };
}
