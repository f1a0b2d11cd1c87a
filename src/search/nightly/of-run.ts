import { basename } from 'node:path';
import { compareRuns } from '../../compare/compare.ts';
import { JUDGED } from '../../compare/judged.ts';
import { loadRuns } from '../../compare/load-runs.ts';
import type { RunSpec } from '../../run/run-spec.ts';
import { readManifest } from '../../runs/read-manifest.ts';
import { JUDGED_NAMES } from '../../schema/comparison.ts';
import type { Summary } from '../../schema/summary.ts';
import { summaryMarkdown, summaryText } from '../../../reports/index.ts';
import type { Measure } from './measure.ts';

function isAnswered({ requests, left_out }: Summary): boolean {
  return requests.ok + (left_out?.ok ?? 0) > 0;
}

/** A night of one run; `run` makes it, into the directory that its spec names. */
export function ofRun(spec: RunSpec, run: (spec: RunSpec) => Promise<unknown>): Measure {
  return {
    of: { kind: 'run' },
    names: JUDGED_NAMES,
    spec,
    askedIn: readManifest,
    make: async (dir) => {
      await run({ ...spec, output: { ...spec.output, dir } });
      const now = await loadRuns(dir, null);
      const [loaded] = now;
      if (loaded === undefined) throw new Error(`${dir}: there is no run`);
      const { manifest, summary } = loaded;
      return {
        run_id: manifest.run_id,
        started_at: manifest.started_at,
        target: manifest.target.spec,
        versions: manifest.versions,
        reasons: [
          ...(manifest.status === 'complete' ? [] : [`did not complete: ${manifest.reason ?? manifest.status}`]),
          ...(isAnswered(summary) ? [] : ['no request was answered']),
          ...(summary.validity.valid ? [] : summary.validity.reasons),
        ],
        figures: new Map(
          JUDGED.flatMap(({ name, of }) => {
            const value = of(summary);
            return value === null ? [] : [[name, { value }] as const];
          }),
        ),
        compareWith: async ({ name, dir: earlier }, margin, levels) =>
          compareRuns(await loadRuns(earlier, null), now, {
            margin,
            names: [name, basename(dir)],
            ...(levels === null ? {} : { levels }),
          }),
        text: (color) => summaryText(summary, manifest, { color }),
        markdown: () => summaryMarkdown(summary, manifest),
      };
    },
  };
}
