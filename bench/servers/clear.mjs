// Clears sessions that have run out, as an instance does every ten minutes; tells how many, and how long it took.
import { systemClock as clock } from '../../dist/clock.js';
import { loadConfig } from '../../dist/config.js';
import { clearInBatches } from '../../dist/db/exclusive.js';
import { openDatabase } from '../../dist/db/open.js';
import { createRevocation } from '../../dist/sessions/revocation.js';

const db = await openDatabase(loadConfig());
const revocation = createRevocation({ db, clock });
const startedAt = performance.now();
const rows = await clearInBatches(db, 'sessions', revocation.clear);
process.send({ rows, ms: performance.now() - startedAt });
await db.close();
