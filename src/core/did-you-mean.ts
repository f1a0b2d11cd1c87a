/** Up to this length two typing errors leave too little of a name to tell which was meant. */
const SHORT = 4;

/** The known name nearest to a typed one, by typing errors; undefined when none is near enough to be meant. */
export function nearest(typed: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  const most = typed.length <= SHORT ? 1 : Math.max(2, Math.floor(typed.length / 3));
  let bestDistance = Math.min(most, typed.length - 1) + 1;
  for (const name of known) {
    const distance = editDistance(typed.toLowerCase(), name.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  return best;
}

/**
 * `; did you mean "x"?`: all known names that begin with the typed text, else the nearest; where none is near, the
 * whole list.
 */
export function didYouMean(typed: string, known: readonly string[]): string {
  const begun = typed === '' ? [] : known.filter((name) => name.toLowerCase().startsWith(typed.toLowerCase()));
  if (begun.length > 0) return `; did you mean ${begun.map((name) => `"${name}"`).join(' or ')}?`;
  const near = nearest(typed, known);
  return near === undefined ? `; known: ${known.join(', ')}` : `; did you mean "${near}"?`;
}

/** Letters that are wrong, missing or too many, and neighbours that are swapped, each as one; by three rows. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = isSwapped ? (before[j - 2] ?? 0) + 1 : Infinity;
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, swap));
    }
    [before, row] = [row, next];
  }
  return row[b.length] ?? 0;
}
