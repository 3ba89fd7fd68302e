/**
 * Stores only the page's appearance across reloads. Documents, variables and history contain passwords and tokens,
 * so they stay in memory (OWASP HTML5 Security Cheat Sheet: nothing sensitive in local storage).
 */
import type { Storage } from '@graphiql/toolkit';

const LASTING: ReadonlySet<string> = new Set(
  ['theme', 'visiblePlugin', 'docExplorerFlex', 'editorFlex', 'secondaryEditorFlex'].map((name) => `graphiql:${name}`),
);

/** GraphiQL's storage: preferences in `localStorage`, all else in memory. */
export function createStorage(): Storage {
  const memory = new Map<string, string>();
  return {
    getItem: (key) => (LASTING.has(key) ? localStorage.getItem(key) : (memory.get(key) ?? null)),
    setItem: (key, value) => void (LASTING.has(key) ? localStorage.setItem(key, value) : memory.set(key, value)),
    removeItem: (key) => void (LASTING.has(key) ? localStorage.removeItem(key) : memory.delete(key)),
    clear() {
      memory.clear();
      for (const key of LASTING) localStorage.removeItem(key);
    },
    get length() {
      return memory.size;
    },
  };
}
