import t from 'tap';
import { auditFaults } from '../helpers/audit.js';
import { startGraphqlServer } from '../helpers/graphql-server.js';
import { listen } from '../helpers/server.js';

t.test("passes graphql-http's audit without errors and warnings", async (t) => {
  const { app } = await startGraphqlServer(t);
  t.same(await auditFaults(`http://127.0.0.1:${await listen(app)}/graphql`), []);
});
