/** A cache with a bounded number of entries, each with a bounded lifetime. If it is full, the entry that was unused longest goes. */

export interface Cache<Value> {
  /** Undefined without an entry, or with one that has expired. */
  get(name: string): Value | undefined;
  /**
   * Times are in milliseconds since the epoch.
   * @param since when the value was current. A clock that was set back behind it makes the entry invalid
   */
  set(name: string, value: Value, since: number, expiresAt: number): void;
}

interface Entry<Value> {
  readonly value: Value;
  readonly since: number;
  readonly expiresAt: number;
}

export function createCache<Value>(maxEntries: number): Cache<Value> {
  /** In the order of their last use. */
  const entries = new Map<string, Entry<Value>>();
  const isFresh = ({ since, expiresAt }: Entry<Value>, now: number) => since <= now && now < expiresAt;
  return {
    get(name) {
      const entry = entries.get(name);
      if (!entry) return undefined;
      entries.delete(name);
      if (!isFresh(entry, Date.now())) return undefined;
      entries.set(name, entry);
      return entry.value;
    },
    set(name, value, since, expiresAt) {
      entries.delete(name);
      const entry = { value, since, expiresAt };
      if (maxEntries === 0 || !isFresh(entry, Date.now())) return;
      for (const oldest of entries.keys()) {
        if (entries.size < maxEntries) break;
        entries.delete(oldest);
      }
      entries.set(name, entry);
    },
  };
}
