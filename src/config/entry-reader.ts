/** Reads the fields of a JSON object in a setting. Collects issues, which never contain a value. */
import { isJsonObject, type JsonObject } from '../lib/json.js';

/** Notes an issue. @param name the setting with the path of the field */
export type Report = <T>(name: string, expected: string, fallback: T) => T;

export interface EntryReader {
  /** Notes an issue of a field. */
  invalid<T>(field: string, expected: string, fallback: T): T;
  has(field: string): boolean;
  /** @param fallback the value of a missing field; undefined if the field is required */
  text(field: string, expected: string, isValid: (text: string) => boolean, fallback?: string): string;
  /** Undefined if the field is missing or has another value. */
  optionalOneOf<const T extends string>(field: string, allowed: readonly T[]): T | undefined;
  flag(field: string, fallback: boolean): boolean;
  texts(
    field: string,
    expected: string,
    isValid: (text: string) => boolean,
    fallback: readonly string[],
  ): readonly string[];
  /** The reader of a nested object; undefined if the field is missing or something else. */
  object(field: string, expected: string): EntryReader | undefined;
  /** Notes the fields that were not asked for. */
  refuseOthers(): void;
}

/** @param where the path of the object, such as `IDENTITY_PROVIDERS[google]` */
export function entryReader(where: string, entry: JsonObject, report: Report): EntryReader {
  const known = new Set<string>();
  const invalid = <T>(field: string, expected: string, fallback: T): T =>
    report(`${where}.${field}`, expected, fallback);
  const valueOf = (field: string): unknown => {
    known.add(field);
    return Object.hasOwn(entry, field) ? entry[field] : undefined;
  };

  return {
    invalid,
    has: (field) => valueOf(field) !== undefined,

    text(field, expected, isValid, fallback) {
      const value = valueOf(field);
      if (value === undefined && fallback !== undefined) return fallback;
      return typeof value === 'string' && isValid(value) ? value : invalid(field, expected, '');
    },

    optionalOneOf(field, allowed) {
      const value = valueOf(field);
      if (value === undefined) return undefined;
      return allowed.find((each) => each === value) ?? invalid(field, `one of ${allowed.join(', ')}`, undefined);
    },

    flag(field, fallback) {
      const value = valueOf(field) ?? fallback;
      return typeof value === 'boolean' ? value : invalid(field, 'true or false', fallback);
    },

    texts(field, expected, isValid, fallback) {
      const value = valueOf(field);
      if (value === undefined) return fallback;
      const isValidItem = (item: unknown): item is string => typeof item === 'string' && isValid(item);
      return Array.isArray(value) && value.every(isValidItem) ? [...value] : invalid(field, expected, fallback);
    },

    object(field, expected) {
      const value = valueOf(field);
      if (isJsonObject(value)) return entryReader(`${where}.${field}`, value, report);
      return invalid(field, expected, undefined);
    },

    refuseOthers() {
      for (const field of Object.keys(entry))
        if (!known.has(field)) invalid(field, `one of the fields ${[...known].join(', ')}`, undefined);
    },
  };
}
