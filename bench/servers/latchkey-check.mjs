// Latchkey's own token check and read, from its build, for other GraphQL servers: so that they differ in nothing else.
import { loadConfig } from '../../dist/config.js';
import { createPasswordHasher } from '../../dist/crypto/password-hasher.js';
import { createSharedClock } from '../../dist/db/clock.js';
import { openDatabase } from '../../dist/db/open.js';
import { createServices } from '../../dist/services.js';
import { createAccessTokens } from '../../dist/tokens/access-tokens.js';
import { createSigningKeys } from '../../dist/tokens/signing-keys.js';

/** `authenticate(authorization)` as Latchkey's directives call it. */
export async function latchkeyCheck() {
  const config = loadConfig();
  const db = await openDatabase(config);
  const clock = await createSharedClock(db);
  const { publicUrl, authSecrets: secrets, jwt } = config;
  const keys = await createSigningKeys({ db, clock, secrets, issuer: publicUrl, ...jwt });
  const accessTokens = createAccessTokens({ keys, clock, issuer: publicUrl, accessTtlMs: jwt.accessTtlMs });
  const { authenticate } = createServices({
    config,
    db,
    clock,
    secrets,
    publicUrl,
    accessTokens,
    hasher: createPasswordHasher(config.argon2),
    mailTransport: { send: async () => undefined, close: () => undefined },
    log: console,
  });
  return authenticate;
}

/** As much schema as the measured query needs. */
export const typeDefs = /* GraphQL */ `
  type User {
    id: ID!
    email: String!
    username: String!
  }
  type Query {
    me: User!
  }
`;

/** The one resolver: the principal's account, with `read:profile`. */
export const resolvers = {
  Query: {
    async me(_source, _args, { authenticate, authorization }) {
      const { user, scopes } = await authenticate(authorization);
      if (!scopes.has('read:profile')) throw new Error('INSUFFICIENT_PERMISSIONS');
      return user;
    },
  },
};
