/** The parameters of OAuth requests, whatever their transport. */

/** Values by name. A parameter without a value counts as omitted (RFC 6749 section 3.1). */
export interface Parameters {
  /** The value; undefined without one. Not for parameters that may repeat. */
  get(name: string): string | undefined;
  /** The values of a parameter that may repeat. */
  all(name: string): readonly string[];
}

/** The parameters that a request may repeat (RFC 8707 section 2). */
export const MAY_REPEAT: ReadonlySet<string> = new Set(['resource']);
