/** The service of device codes on a test app's database, and people who answer. */
import { createAudit } from '../../src/audit/audit.js';
import { createScopeCatalogue } from '../../src/authz/scopes.js';
import { createRefreshTokens } from '../../src/crypto/refresh-token.js';
import type { ClientInfo } from '../../src/lib/client-info.js';
import { createChallenges } from '../../src/mfa/challenges/service.js';
import { createDeviceCodes, type DeviceApprover, type DeviceCodes } from '../../src/oauth/device/service.js';
import { createRateLimits } from '../../src/rate-limits/service.js';
import { createSessions } from '../../src/sessions/service.js';
import { createSecondFactorGate } from '../../src/sessions/sign-in.js';
import type { TestApp } from './app.js';
import { noEvents } from './events.js';
import type { SeededUser } from './seed.js';
import { claimsOf } from './tokens.js';

export const HERE: ClientInfo = { ipAddress: '192.0.2.1', network: '192.0.2.1', userAgent: null };
const DAY_MS = 86_400_000;

/** An instance of the service. */
export function testDeviceCodes({ db, clock, config }: TestApp): DeviceCodes {
  const audit = createAudit({ db, clock, events: noEvents, retentionMs: DAY_MS });
  const sessions = createSessions({
    db,
    clock,
    audit,
    refreshTokens: createRefreshTokens(config.authSecrets),
    grantTokens: createRefreshTokens(config.authSecrets, 'oauth-refresh-token'),
    scopes: createScopeCatalogue(),
    secondFactorGate: createSecondFactorGate(createChallenges({ clock })),
    secondFactorPolicy: { mustEnroll: () => false },
    lifetimes: { ...config.sessions, grants: { ttlMs: 30 * DAY_MS, maxTtlMs: 365 * DAY_MS } },
  });
  return createDeviceCodes({ db, clock, audit, sessions, rateLimits: createRateLimits({ db, clock, audit }) });
}

/** The session of a user as the one that answers. */
export function approverOf(app: Pick<TestApp, 'clock'>, user: SeededUser): DeviceApprover {
  return {
    userId: user.id,
    browserSessionId: String(claimsOf(user.accessToken)['sid']),
    authenticatedAt: new Date(app.clock.now() - 60_000),
    amr: ['pwd'],
    client: HERE,
  };
}
