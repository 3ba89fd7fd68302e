// Clears expired sessions, like the job of an instance, until it is stopped. Reports the end of
// its first batch, and at the end the number of sessions and the time.
import { systemClock as clock } from '../../dist/lib/clock.js';
import { loadConfig } from '../../dist/config/config.js';
import { clearInBatches } from '../../dist/db/clear-in-batches.js';
import { openDatabase } from '../../dist/db/open.js';
import { createRevocation } from '../../dist/sessions/revocation.js';

const db = await openDatabase(loadConfig());
const revocation = createRevocation({ db, clock });
const stop = new AbortController();
process.once('message', () => stop.abort());
let begun = false;
const clear = async (tx, limit) => {
  const rows = await revocation.clear(tx, limit);
  if (!begun) process.send('begun');
  begun = true;
  return rows;
};
const startedAt = performance.now();
const rows = await clearInBatches(db, 'sessions', clear, { stop: stop.signal });
process.send({ rows, ms: performance.now() - startedAt });
await db.close();
