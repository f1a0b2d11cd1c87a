import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { z } from 'zod';
import { UserError } from '../../core/errors.ts';
import { SILENT } from '../../core/log.ts';
import { MOST_JSON_BYTES, readTextWithin } from '../../core/read-within.ts';
import { version } from '../../core/version.ts';
import { describeRun } from '../../run/manifest.ts';
import { planRun } from '../../run/plan-run.ts';
import { readManifest } from '../../runs/read-manifest.ts';
import { writeWhole } from '../../runs/run-directory.ts';
import { goodputName, type GoodputName } from '../../schema/comparison.ts';
import { goodputSchema, type GoodputReport } from '../../schema/goodput.ts';
import { manifestSchema, type Manifest } from '../../schema/manifest.ts';
import { goodputMarkdown, goodputText, plain } from '../../../reports/index.ts';
import type { GoodputSearch } from '../goodput/context.ts';
import { leaveGoodput } from '../goodput/files.ts';
import { compareGoodputs, goodputsOf } from './goodput-figures.ts';
import { readKept } from '../../runs/kept-json.ts';
import type { Measure, Measured } from './measure.ts';

/** The run that a search was asked for, at the trace's own rate, as `run.json` has it of a run: beside `goodput.json`. */
const ASKED_FILE = 'asked.json';

/**
 * A night of one search; `find` makes it, into its folder, with all of its runs. It throws a UserError where the search did
 * not end, whose message says why.
 */
export function ofGoodput(search: GoodputSearch, find: (search: GoodputSearch) => Promise<GoodputReport>): Measure {
  const { of, arrivals, goals } = search;
  const names = goals.map(nameOf);
  return {
    of: { kind: 'goodput', of, arrivals, at: [...goals] },
    names,
    spec: search.specAt(null, '.'),
    askedIn: (dir) => {
      // What it found is needed later: a damaged file is better known before anything is sent.
      readIn(dir, 'goodput.json', goodputSchema);
      return readIn(dir, ASKED_FILE, manifestSchema);
    },
    make: async (dir, startedAt) => {
      const facts = {
        run_id: basename(dir),
        started_at: startedAt,
        target: search.target.spec.text,
        versions: { reprise: version(), node: process.versions.node },
      };
      try {
        const report = await find({ ...search, dir, keep: 'all' });
        const asked = await writeAsked(search, report, { dir, startedAt });
        const kept = await leaveGoodput(dir, report, search.keep);
        return { ...facts, ...found(kept, names, { dir, asked }) };
      } catch (error) {
        if (!(error instanceof UserError) || !hasRuns(dir)) throw error;
        return { ...facts, ...unfinished(error.message) };
      }
    },
  };
}

/** Of the first share `goodput`, as `goodput.json` has it. */
function nameOf(at: number, place: number): GoodputName {
  const name = goodputName.safeParse(place === 0 ? 'goodput' : `goodput.at${at}`);
  if (name.success) return name.data;
  throw new UserError(`--at ${at}: is too small a share to follow from night to night`);
}

/** Whether something was sent. */
function hasRuns(dir: string): boolean {
  return ['probes', 'traffic'].some((name) => existsSync(join(dir, name)));
}

/** Null where the budget was too small for a run: then nothing is known. */
async function writeAsked(
  { specAt }: GoodputSearch,
  { probes }: GoodputReport,
  place: { readonly dir: string; readonly startedAt: string },
): Promise<Manifest | null> {
  const run = probes.find(({ dir }) => dir !== null)?.dir ?? null;
  if (run === null) return null;
  const { target, prompts = null, prepared } = readManifest(join(place.dir, run));
  const plan = await planRun(specAt(null, place.dir), { log: SILENT, newSalt: () => '' });
  const begun = describeRun(plan, place, { facts: target, started: null }, { prompts, prepared });
  // No command line makes it: it is what the runs of the search have in common.
  const asked: Manifest = { ...begun, status: 'complete', salt: null, command: [], options: null };
  writeWhole(join(place.dir, ASKED_FILE), `${JSON.stringify(asked, null, 2)}\n`);
  return asked;
}

type Outcome = Omit<Measured, 'run_id' | 'started_at' | 'target' | 'versions'>;

function found(
  report: GoodputReport,
  names: readonly GoodputName[],
  { dir, asked }: { readonly dir: string; readonly asked: Manifest | null },
): Outcome {
  const { figures, reasons } = goodputsOf(report, names);
  return {
    reasons,
    figures,
    compareWith: async (earlier, margin, levels) => {
      if (asked === null || reasons.length > 0) return null;
      const base = readIn(earlier.dir, 'goodput.json', goodputSchema);
      return compareGoodputs(
        { ...earlier, asked: readIn(earlier.dir, ASKED_FILE, manifestSchema), ...goodputsOf(base, names) },
        { name: basename(dir), dir, asked, figures },
        { margin, levels },
      );
    },
    text: (color) => goodputText(report, { color }),
    markdown: () => goodputMarkdown(report),
  };
}

function unfinished(why: string): Outcome {
  const reason = `did not complete: ${why}`;
  return {
    reasons: [reason],
    figures: new Map(),
    compareWith: async () => null,
    text: () => `the search ${reason}`,
    markdown: () => `**the search ${plain(reason)}**\n`,
  };
}

function readIn<T>(dir: string, name: string, schema: z.ZodType<T>): T {
  const file = join(dir, name);
  if (!existsSync(file)) throw new UserError(`${file}: is missing; put it back, or accept another night (--accept)`);
  return readKept(schema, readTextWithin(file, MOST_JSON_BYTES), file);
}
