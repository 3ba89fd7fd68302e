/** Finds misspelt names among settings that an application passes in code. */

/**
 * One issue for each name that is no setting, with the nearest setting if there is one.
 * @param inherited names to accept: an application may copy its whole environment
 */
export function unknownNames(
  names: readonly string[],
  known: ReadonlySet<string>,
  inherited: (name: string) => boolean,
): string[] {
  return names
    .filter((name) => !known.has(name) && !inherited(name))
    .map((name) => {
      const nearest = nearestName(name, known);
      return `${name}: is not a setting${nearest === undefined ? '' : `; did you mean ${nearest}?`}`;
    });
}

/** Also finds `publicUrl` for PUBLIC_URL. */
const folded = (name: string): string => name.replace(/\W|_/g, '').toUpperCase();

/** The known name with the fewest edits, at most one for three characters. */
function nearestName(name: string, known: ReadonlySet<string>): string | undefined {
  const wanted = folded(name);
  const [nearest] = [...known]
    .map((each) => ({ each, edits: editDistance(wanted, folded(each)) }))
    .filter(({ edits }) => edits <= wanted.length / 3)
    .sort((a, b) => a.edits - b.edits);
  return nearest?.each;
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}
