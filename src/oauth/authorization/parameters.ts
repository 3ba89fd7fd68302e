/** The parameters of an authorization request as they arrive (RFC 6749 section 3.1). */
import { MAY_REPEAT } from '../parameters.js';

/** Values by name. A parameter without a value counts as omitted, but its repetition as a repetition. */
export interface AuthorizationParameters {
  /** The value; undefined if it is omitted or repeated. */
  get(name: string): string | undefined;
  /** The values of a parameter that may repeat. */
  all(name: string): readonly string[];
  /** Whether the parameter is repeated. */
  isRepeated(name: string): boolean;
  /** The names of parameters that are repeated although they must not be. */
  readonly repeated: readonly string[];
  /** Whether a value is too long, or has a control character, which neither databases nor URLs keep. */
  readonly isMalformed: boolean;
}

/** In UTF-16 units: enough for the state of every client in use, and far below what a URL may have. */
const MAX_VALUE = 4096;
const CONTROL = /[\u0000-\u001f\u007f\ufffd]/;

/** Whether a value can be stored and sent back as it came. */
export function isPlain(value: string): boolean {
  return value.length <= MAX_VALUE && !CONTROL.test(value);
}

/** @param search a query string without `?`, or the text of a form */
export function parseAuthorizationParameters(search: string): AuthorizationParameters {
  const values = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(search)) {
    const former = values.get(name);
    if (former) former.push(value);
    else values.set(name, [value]);
  }
  const isRepeated = (name: string) => (values.get(name)?.length ?? 0) > 1;
  const present = (name: string) => (values.get(name) ?? []).filter((value) => value !== '');
  return {
    get: (name) => (isRepeated(name) ? undefined : present(name)[0]),
    all: present,
    isRepeated,
    repeated: [...values.keys()].filter((name) => isRepeated(name) && !MAY_REPEAT.has(name)),
    isMalformed: [...values.values()].flat().some((value) => !isPlain(value)),
  };
}
