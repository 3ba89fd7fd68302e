/** REQUIRE_SECOND_FACTOR: the accounts that must have a second factor. Pure functions. */
import type { Config } from '../config/config.js';
import type { AccountRecord } from '../users/account.js';

export interface SecondFactorPolicy {
  /** Whether the account must have a second factor. */
  isRequired(account: Pick<AccountRecord, 'role'>): boolean;
  /** Whether the account must have a second factor and has none: its sessions may only enrol one. */
  mustEnroll(account: Pick<AccountRecord, 'role' | 'hasSecondFactor'>): boolean;
}

export function createSecondFactorPolicy(required: Config['requireSecondFactor']): SecondFactorPolicy {
  const isRequired: SecondFactorPolicy['isRequired'] = ({ role }) =>
    required === 'all' || (required === 'admin' && role === 'ADMIN');
  return {
    isRequired,
    mustEnroll: (account) => isRequired(account) && !account.hasSecondFactor,
  };
}
