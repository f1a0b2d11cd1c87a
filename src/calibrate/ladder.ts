/** What a trial says of the load that was offered. */
export type TrialVerdict = 'within' | 'late' | 'server_bound';

/** The loads of a ladder: `first` times whole powers of a step, up to `most`. */
export interface Ladder {
  readonly first: number;
  readonly most: number;
  /** The step is 2^(1/2^fineness): 2 at 0, 1.41 at 1, 1.19 at 2. */
  readonly fineness: number;
  /** Trials of the two loads between which the limit lies. */
  readonly repetitions: number;
}

/** The verdicts of the trials by the rung at which they were made, from 0. */
export type Tried = ReadonlyMap<number, readonly TrialVerdict[]>;

export function loadAt({ first, fineness }: Ladder, rung: number): number {
  return Math.round(first * 2 ** (rung / 2 ** fineness));
}

/** The highest rung. */
export function topRung({ first, most, fineness }: Ladder): number {
  return Math.max(0, Math.floor(Math.log2(most / first) * 2 ** fineness + 1e-9));
}

/** The verdict of most trials; of as many for and against, the one against. */
export function majority(verdicts: readonly TrialVerdict[]): TrialVerdict {
  const count = (of: TrialVerdict): number => verdicts.filter((verdict) => verdict === of).length;
  if (count('within') * 2 > verdicts.length) return 'within';
  return count('late') >= count('server_bound') ? 'late' : 'server_bound';
}

/**
 * The rung to try next, by what was found: upwards by doubling, then halfway between the highest load within the limit and
 * the lowest above it, until they are neighbours, then both again; null: the limit is known.
 */
export function nextRung(ladder: Ladder, tried: Tried): number | null {
  const top = topRung(ladder);
  const { within, beyond } = bracket(tried);
  const isSettled = (rung: number): boolean => (tried.get(rung)?.length ?? 0) >= ladder.repetitions;
  if (beyond === null) {
    if (within === null) return 0;
    if (within < top) return Math.min(top, within + 2 ** ladder.fineness);
    return isSettled(top) ? null : top;
  }
  const below = within ?? -1;
  if (below === -1 && beyond === 0) return isSettled(0) ? null : 0;
  if (beyond - below > 1) return Math.floor((below + beyond) / 2);
  return [below, beyond].find((rung) => !isSettled(rung)) ?? null;
}

/** The lowest rung beyond the limit, and the highest below it that is within. */
function bracket(tried: Tried): { readonly within: number | null; readonly beyond: number | null } {
  const rungs = [...tried.keys()].toSorted((a, b) => a - b);
  const of = (rung: number): TrialVerdict => majority(tried.get(rung) ?? []);
  const beyond = rungs.find((rung) => of(rung) !== 'within') ?? null;
  const within = rungs.findLast((rung) => of(rung) === 'within' && (beyond === null || rung < beyond)) ?? null;
  return { within, beyond };
}

/** What a ladder found, by rungs; null: none. */
export interface FoundLimit {
  /** The highest rung within the limit, below which every rung that was tried is within it. */
  readonly within: number | null;
  /** The highest rung up to which no trial left the limit. */
  readonly surely: number | null;
  /** The highest rung at which some trial stayed within it. */
  readonly ever: number | null;
  /** What ended the ladder: `tried`, that nothing higher was tried. */
  readonly because: 'late' | 'server' | 'tried';
}

export function limitOf(tried: Tried): FoundLimit {
  const rungs = [...tried.keys()].toSorted((a, b) => a - b);
  const verdictsAt = (rung: number): readonly TrialVerdict[] => tried.get(rung) ?? [];
  const { within, beyond } = bracket(tried);
  const firstLeft = rungs.findIndex((rung) => verdictsAt(rung).some((verdict) => verdict !== 'within'));
  const ended = beyond === null ? 'tried' : majority(verdictsAt(beyond));
  return {
    within,
    surely: (firstLeft < 0 ? rungs.at(-1) : rungs[firstLeft - 1]) ?? null,
    ever: rungs.findLast((rung) => verdictsAt(rung).includes('within')) ?? null,
    because: ended === 'tried' || ended === 'late' ? ended : 'server',
  };
}
