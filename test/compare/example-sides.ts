import type { RequestRecord } from '../../src/core/record.ts';
import { comparedRequest, type LoadedRun } from '../../src/compare/load-runs.ts';
import type { Manifest } from '../../src/schema/manifest.ts';
import { summarise } from '../../src/metrics/summarise.ts';
import { exampleRun, inBatches, type ExampleOptions } from '../reports/example-run.ts';

export interface ExampleSide {
  /** What each run takes, as a multiple of the example's times: a run each. */
  readonly factors: readonly number[];
  readonly requests?: number;
  readonly slo?: string | null;
  readonly fate?: ExampleOptions['fate'];
  readonly manifest?: Partial<Manifest>;
  /** What each request became, by the record that it would have. */
  readonly mend?: (record: RequestRecord) => RequestRecord;
}

/** A run as `loadRuns` has it, and the records that it was read from. */
export interface ExampleLoadedRun extends LoadedRun {
  readonly records: readonly RequestRecord[];
}

/** Runs of the same requests, which take so many times as long, in the places of A A A B B B. */
export async function exampleSide(
  name: string,
  { factors, requests = 60, slo = 'ttft=200ms,tpot=12ms', fate, manifest, mend = (record) => record }: ExampleSide,
): Promise<ExampleLoadedRun[]> {
  const example = await exampleRun({ requests, slo, ...(fate === undefined ? {} : { fate }) });
  return Promise.all(
    factors.map(async (factor, i) => {
      const records = example.records.map((record) => mend(slower(record, factor)));
      const own: Manifest = {
        ...example.manifest,
        run_id: `${name}-${i}`,
        salt: `${name}-${i}`,
        started_at: `2026-11-21T0${name.length}:${String(10 + i)}:00.000Z`,
        target: { ...example.manifest.target, spec: `reference:vllm,${name}` },
        ...manifest,
      };
      return {
        dir: `runs/${name}/${i + 1}`,
        manifest: own,
        summary: await summarise(inBatches(records), own, null),
        records,
        requests: new Map(records.map((record) => [record.request_id, comparedRequest(record, own)])),
      };
    }),
  );
}

function slower(record: RequestRecord, factor: number): RequestRecord {
  const later = (us: number | null): number | null =>
    us === null ? null : record.due_us + Math.round((us - record.due_us) * factor);
  return {
    ...record,
    first_token_us: later(record.first_token_us),
    end_us: later(record.end_us),
    token_times_us: record.token_times_us.map((us) => Math.round(us * factor)),
  };
}
