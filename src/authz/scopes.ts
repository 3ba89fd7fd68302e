/** Scopes: their names, those of each role, and whether a set satisfies a requirement. Pure functions. */

export type Role = 'USER' | 'ADMIN';

const USER_SCOPES = ['read:content', 'read:profile', 'write:profile', 'read:history'] as const;
const ADMIN_SCOPES = ['admin'] as const;

/**
 * Scopes of OpenID Connect Core 1.0 (sections 5.4 and 11). They select claims of ID tokens and userinfo, and admit to no field.
 */
export const IDENTITY_SCOPES: ReadonlySet<string> = new Set(['openid', 'profile', 'email', 'offline_access']);

/** Scopes that a deployment adds to the built-in ones, by the lowest role that has them. */
export interface DeclaredScopes {
  readonly USER: readonly string[];
  readonly ADMIN: readonly string[];
}

/** The scopes of this deployment, and those of each role. */
export interface ScopeCatalogue {
  readonly all: ReadonlySet<string>;
  /** The scopes of accounts with the role, in declaration order. */
  granted(role: Role): readonly string[];
}

/** RFC 6749 section 3.3: printable ASCII without space, quote and backslash. */
export const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]{1,64}$/;

/** Joins the built-in scopes with those that the configuration declares; an administrator has a user's too. */
export function createScopeCatalogue(declared: DeclaredScopes = { USER: [], ADMIN: [] }): ScopeCatalogue {
  const user = unique([...USER_SCOPES, ...declared.USER]);
  const admin = unique([...user, ...ADMIN_SCOPES, ...declared.ADMIN]);
  return {
    all: new Set(admin),
    granted: (role) => (role === 'ADMIN' ? admin : user),
  };
}

/** Whether `held` satisfies one of the AND-groups of `required` (OR of ANDs, as in Apollo Federation). */
export function satisfies(held: ReadonlySet<string>, required: readonly (readonly string[])[]): boolean {
  return required.some((group) => group.every((scope) => held.has(scope)));
}

function unique(scopes: readonly string[]): readonly string[] {
  return Object.freeze([...new Set(scopes)]);
}
