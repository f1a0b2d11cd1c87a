import { UserError } from '../../src/core/errors.ts';
import { didYouMean } from '../../src/core/did-you-mean.ts';
import type { Log } from '../../src/core/log.ts';
import type { Source, TransformSpec } from '../../src/core/plan.ts';
import { bySession } from './by-session.ts';
import { clipInput, clipOutput } from './clip.ts';
import { copies } from './copies.ts';
import { declump, findTick } from './declump.ts';
import { effectText, measured, onceRead, type Measured } from './effects.ts';
import { filter, only } from './filter.ts';
import { limit } from './limit.ts';
import { live } from './live.ts';
import { rate } from './rate.ts';
import { sampleSessions } from './sample-sessions.ts';
import { scaleInput, scaleOutput, scaleParts } from './scale-lengths.ts';
import { sessionRate } from './session-rate.ts';
import { sort } from './sort.ts';
import { speed } from './speed.ts';
import { stationary } from './stationary.ts';
import { thin } from './thin.ts';
import { thinkTimes } from './think-times.ts';
import { traffic } from './traffic.ts';
import type { Changes, TransformKind, TransformLog } from './transform.ts';
import { window } from './window.ts';

/** Which requests there are; when they are due; how long their prompts are, or their answers. */
const ALL: Changes = { arrivals: true, reuse: true, lengths: false };
const TIMES: Changes = { arrivals: true, reuse: false, lengths: false };
const PROMPTS: Changes = { arrivals: false, reuse: true, lengths: true };
const ANSWERS: Changes = { arrivals: false, reuse: false, lengths: true };

/** Every transform there is: adding one is a file and a line here. */
const TRANSFORMS: Readonly<Record<string, TransformKind>> = {
  sort: { apply: sort },
  window: { apply: window, changes: ALL, needsStarts: true },
  filter: { apply: filter, changes: ALL },
  only: { apply: only },
  'sample-sessions': { apply: sampleSessions, changes: ALL },
  thin: { apply: thin, changes: ALL },
  limit: { apply: limit, changes: ALL },
  declump: { apply: declump, resolve: findTick, changes: TIMES, needsStarts: true },
  'scale-input': { apply: scaleInput, changes: PROMPTS },
  'scale-parts': { apply: scaleParts, changes: PROMPTS },
  'scale-output': { apply: scaleOutput, changes: ANSWERS },
  'clip-input': { apply: clipInput, changes: PROMPTS },
  'clip-output': { apply: clipOutput, changes: ANSWERS },
  copies: { apply: copies, changes: ALL },
  rate: { resolve: rate, changes: ({ by }) => (by === undefined ? TIMES : ALL), needsStarts: true },
  speed: { apply: speed, changes: TIMES },
  traffic: { apply: traffic, needsStarts: true },
  'think-times': { apply: thinkTimes },
  'by-session': { apply: bySession },
  'session-rate': { apply: sessionRate },
  stationary: { apply: stationary },
  live: { apply: live },
};

/** A source with transforms, and the same transforms as they can be applied without reading ahead. */
export interface TransformedSource {
  /** Its `transforms` are the given ones: they say what was done, and are written to `run.json`. */
  readonly source: Source;
  /** The given ones, those that depend on the whole trace resolved (`speed` in place of `rate`): the same requests. */
  readonly resolved: readonly TransformSpec[];
}

/**
 * Applies transforms in order; those that depend on the whole trace read the source for it. With a `log`, the first
 * reading to the end of the result tells it, a line each, what they did to the load. Throws a UserError for a wrong
 * argument.
 */
export async function applyTransforms(
  source: Source,
  transforms: readonly TransformSpec[],
  log: Log | null = null,
): Promise<TransformedSource> {
  const changes = transforms.map(changesOf);
  const isTold = log !== null && transforms.length > 0;
  const stages: { spec: TransformSpec; changes: Changes | undefined; resolved: string[]; read: string[] }[] = [];
  const places: Measured[] = [];
  const resolved: TransformSpec[] = [];
  const place = (at: Source): Source => {
    if (!isTold) return at;
    const stage = stages.at(-1);
    const found = measured(at, [stage?.changes, changes[places.length]], () => stage?.read.splice(0));
    places.push(found);
    return found;
  };
  let transformed = place(source);
  for (const [i, spec] of transforms.entries()) {
    const stage = { spec, changes: changes[i], resolved: [] as string[], read: [] as string[] };
    stages.push(stage);
    const into = (findings: string[]): TransformLog => ({
      say: isTold ? (finding) => findings.push(finding) : null,
      warn: (text) => log?.warn(text),
    });
    const steps = await resolve(transformed, spec, into(stage.resolved));
    resolved.push(...steps);
    for (const step of steps) transformed = { ...transformed, ...applied(transformed, step, into(stage.read)) };
    transformed = place({ ...transformed, transforms: [...source.transforms, ...transforms.slice(0, i + 1)] });
  }
  const tell = (): void => {
    const figures = places.map((at) => at.figures());
    for (const [i, stage] of stages.entries()) {
      const [before, after] = [figures[i], figures[i + 1]];
      if (before !== undefined && after !== undefined && stage.changes !== undefined)
        log?.info(effectText({ ...stage, changes: stage.changes }, before, after));
    }
  };
  return { source: isTold ? onceRead(transformed, tell) : transformed, resolved };
}

const NAMES = Object.keys(TRANSFORMS);

function kindOf(op: string): TransformKind {
  const kind = Object.hasOwn(TRANSFORMS, op) ? TRANSFORMS[op] : undefined;
  if (kind === undefined) throw new UserError(`there is no transform "${op}"${didYouMean(op, NAMES)}`);
  return kind;
}

function changesOf({ op, args }: TransformSpec): Changes | undefined {
  const { changes } = kindOf(op);
  return typeof changes === 'function' ? changes(args) : changes;
}

/** The transforms to apply for one that is asked for. */
async function resolve(source: Source, spec: TransformSpec, log: TransformLog): Promise<readonly TransformSpec[]> {
  const { op, args } = spec;
  const kind = kindOf(op);
  if (kind.needsStarts === true && source.starts === 'none')
    throw new UserError(`--${op}: ${source.name} does not say when its sessions start, so there is no time to change`);
  return kind.resolve === undefined ? [spec] : kind.resolve(source, args, log);
}

function applied(
  source: Source,
  { op, args }: TransformSpec,
  log: TransformLog,
): ReturnType<NonNullable<TransformKind['apply']>> {
  const { apply } = kindOf(op);
  if (apply === undefined) throw new Error(`transform ${op} has to be resolved`);
  return apply(source, args, log);
}
