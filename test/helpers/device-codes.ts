/** The service of device codes on a test app's database, and people who answer. */
import { createAudit } from '../../src/audit/audit.js';
import { createScopeCatalogue } from '../../src/authz/scopes.js';
import type { ClientInfo } from '../../src/lib/client-info.js';
import { createDeviceCodes, type DeviceApprover, type DeviceCodes } from '../../src/oauth/device/service.js';
import { createRateLimits } from '../../src/rate-limits/service.js';
import type { TestApp } from './app.js';
import { noEvents } from './events.js';
import type { SeededUser } from './seed.js';
import { claimsOf } from './tokens.js';

export const HERE: ClientInfo = { ipAddress: '192.0.2.1', network: '192.0.2.1', userAgent: null };
export const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';
const DAY_MS = 86_400_000;

/** An instance of the service. */
export function testDeviceCodes({ db, clock }: Pick<TestApp, 'db' | 'clock'>): DeviceCodes {
  const audit = createAudit({ db, clock, events: noEvents, retentionMs: DAY_MS });
  const rateLimits = createRateLimits({ db, clock, audit });
  return createDeviceCodes({
    db,
    clock,
    audit,
    rateLimits,
    scopes: createScopeCatalogue(),
    publicUrl: 'http://127.0.0.1',
  });
}

/** The session of a user as the one that answers. */
export function approverOf(
  app: Pick<TestApp, 'clock'>,
  user: SeededUser,
  scopes = ['openid', 'read:content'],
): DeviceApprover {
  return {
    userId: user.id,
    browserSessionId: String(claimsOf(user.accessToken)['sid']),
    authenticatedAt: new Date(app.clock.now() - 60_000),
    amr: ['pwd'],
    scopes,
    client: HERE,
  };
}
