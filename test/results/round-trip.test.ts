import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import type { RequestRecord } from '../../src/core/record.ts';
import { summarise } from '../../src/metrics/summarise.ts';
import { openResults, type OpenedResult } from '../../src/results/open-results.ts';
import { writeAiperf } from '../../src/results/writers/aiperf.ts';
import { writeVllm } from '../../src/results/writers/vllm.ts';
import type { Manifest } from '../../src/schema/manifest.ts';
import { exampleRecord } from '../runs/example-records.ts';
import { runOfRecords, temporaryFolder } from './some-runs.ts';

/** What became of a request: an answer, or a failure as our own client tells it. */
const fate: fc.Arbitrary<Partial<RequestRecord>> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({}) },
  fc.constantFrom<Partial<RequestRecord>>(
    { outcome: 'rejected', http_status: 429, error: 'slow down: "please"' },
    { outcome: 'http_error', http_status: 500, error: 'overloaded' },
    { outcome: 'connect_error', http_status: null, error: 'connect ECONNREFUSED 127.0.0.1:8000' },
    { outcome: 'timeout', http_status: 200, error: 'no token in 60 s' },
    { outcome: 'stream_broken', http_status: 200, error: null },
    { outcome: 'protocol_error', http_status: 200, error: 'timed out, said the server (HTTP 503)' },
  ),
);

const anyRequest = fc.record({
  gapUs: fc.nat(400_000),
  lateUs: fc.nat(30_000),
  connects: fc.boolean(),
  ttftUs: fc.integer({ min: 1, max: 900_000 }),
  // Tokens of one chunk are 0 apart.
  gapsUs: fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 60_000 })), { maxLength: 12 }),
  afterUs: fc.nat(3000),
  input: fc.nat(5000),
  source: fc.constantFrom('usage', 'token_ids', 'tokenizer', 'chunks'),
  fate,
});

/** A run in the order in which its requests ended, as records are kept. */
const anyRun = fc.array(anyRequest, { minLength: 1, maxLength: 20 }).map((requests): RequestRecord[] => {
  let dueUs = 0;
  const records = requests.map(({ gapUs, lateUs, connects, ttftUs, gapsUs, afterUs, input, source, fate: end }, i) => {
    dueUs += i === 0 ? 0 : gapUs;
    const isAnswer = end.outcome === undefined;
    const times = gapsUs.reduce((found, gap) => [...found, (found.at(-1) ?? 0) + gap], [lateUs + ttftUs]);
    return exampleRecord({
      request_id: `q${i}`,
      trace_row: i + 1,
      due_us: dueUs,
      sent_us: dueUs + lateUs,
      connect_us: connects ? lateUs : null,
      input_tokens: input,
      token_times_us: Float64Array.from(isAnswer ? times : []),
      token_count_source: isAnswer ? source : null,
      output_tokens: isAnswer ? times.length : 0,
      end_us: dueUs + lateUs + ttftUs + (isAnswer ? (times.at(-1) ?? 0) - lateUs - ttftUs : 0) + afterUs,
      ...end,
    });
  });
  return records.toSorted((a, b) => (a.end_us ?? 0) - (b.end_us ?? 0));
});

const CHAT: Partial<Manifest> = {
  target: { spec: 'http://127.0.0.1:8000', kind: 'url', adapter: 'vllm', model: 'm', facts: { endpoint: 'chat' } },
};

async function recordsOf({ run }: OpenedResult): Promise<RequestRecord[]> {
  const records: RequestRecord[] = [];
  for await (const batch of run.records()) records.push(...batch);
  return records;
}

const sentUs = ({ sent_us, connect_us }: RequestRecord): number => (sent_us ?? 0) - (connect_us ?? 0);
const isNear = (a: number | null | undefined, b: number | null | undefined): boolean =>
  a === b || Math.abs((a ?? Number.NaN) - (b ?? Number.NaN)) <= 2;

/** What comes back of a request: when it was due and sent, its first and last token, how many, and how it ended. */
function assertSame(found: RequestRecord | undefined, ours: RequestRecord, tool: string): void {
  assert.ok(found !== undefined, tool);
  const parts: readonly (readonly [string, unknown, unknown])[] = [
    ['due', found.due_us, ours.due_us],
    ['sent', sentUs(found), sentUs(ours)],
    ['input', found.input_tokens, ours.input_tokens],
    ['outcome', found.outcome, ours.outcome],
    ['status', found.http_status, ours.outcome === 'ok' || tool === 'AIPerf' ? found.http_status : ours.http_status],
    ['error', found.error, ours.error ?? found.error],
    ['tokens', found.token_times_us.length, ours.token_times_us.length],
    ['first', found.token_times_us[0], ours.token_times_us[0]],
    ['last', found.token_times_us.at(-1), ours.token_times_us.at(-1)],
  ];
  for (const [part, a, b] of parts)
    assert.ok(
      typeof a === 'number' && typeof b === 'number' ? isNear(a, b) : a === b,
      `${tool}: ${part} of ${ours.request_id}: ${String(a)} instead of ${String(b)}`,
    );
}

async function exported(t: TestContext, records: RequestRecord[], manifest: Partial<Manifest>) {
  const folder = temporaryFolder(t);
  const run = await runOfRecords(records, 'ttft=300ms,tpot=30ms', manifest);
  await writeVllm(run, join(folder, 'vllm.json'));
  await writeAiperf(run, join(folder, 'aiperf'));
  return {
    run,
    vllm: await openResults(join(folder, 'vllm.json'), null),
    aiperf: await openResults(join(folder, 'aiperf', 'profile_export.jsonl'), null),
  };
}

it('what is exported for vLLM and AIPerf comes back request by request, however it ended', async (t) => {
  await fc.assert(
    fc.asyncProperty(anyRun, fc.boolean(), async (records, isChat) => {
      const { vllm, aiperf } = await exported(t, records, isChat ? CHAT : {});
      const inOrder = records.toSorted((a, b) => a.due_us - b.due_us || a.trace_row - b.trace_row);
      const fromVllm = await recordsOf(vllm);
      assert.equal(fromVllm.length, records.length);
      for (const [i, ours] of inOrder.entries()) assertSame(fromVllm[i], ours, 'vLLM');
      const fromAiperf = await recordsOf(aiperf);
      assert.equal(fromAiperf.length, records.length);
      for (const ours of records)
        assertSame(
          fromAiperf.find(({ request_id }) => request_id.endsWith(`-${ours.request_id}`)),
          ours,
          'AIPerf',
        );
    }),
    { numRuns: 60 },
  );
});

it('its figures come back: latencies from the due time, ITL, and the share within the SLO', async (t) => {
  await fc.assert(
    fc.asyncProperty(anyRun, async (records) => {
      const { run, vllm, aiperf } = await exported(t, records, {});
      const { slo } = run.manifest;
      for (const opened of [vllm, aiperf]) {
        const manifest = { ...run.manifest, slo };
        const theirs = await summarise(opened.run.records(), manifest);
        assert.equal(theirs.slo?.attainment.joint, run.summary.slo?.attainment.joint);
        for (const metric of ['ttft', 'tpot', 'itl'] as const) {
          const [a, b] = [theirs.latency_ok_ms[metric].mean, run.summary.latency_ok_ms[metric].mean];
          assert.ok(a === b || Math.abs((a ?? Number.NaN) - (b ?? Number.NaN)) <= 0.002, `${metric}: ${a} and ${b}`);
        }
      }
    }),
    { numRuns: 40 },
  );
});

it('answers whose gaps are not known come back as such, from vLLM and from AIPerf', async (t) => {
  const times = Float64Array.of(100_000, 130_000, 160_000, 190_000);
  const records = [exampleRecord({ token_times_us: times, token_time_source: 'spread', output_tokens: 4 })];
  const { vllm, aiperf } = await exported(t, records, {});
  for (const opened of [vllm, aiperf]) {
    const [found] = await recordsOf(opened);
    assert.deepEqual([found?.token_time_source, found?.token_times_us], ['spread', times]);
  }
});

it('a file that Reprise wrote says so, and when its run began', async (t) => {
  const { vllm, aiperf, run } = await exported(t, [exampleRecord()], CHAT);
  assert.equal(vllm.run.version, `reprise-${run.manifest.versions['reprise']}`);
  assert.equal(aiperf.run.version, vllm.run.version);
  // To the second, as vLLM has it.
  const offMs = Date.parse(vllm.run.startedAt ?? '') - Date.parse(run.manifest.started_at);
  assert.ok(Math.abs(offMs) <= 1000, vllm.run.startedAt ?? '');
  assert.equal(Date.parse(aiperf.run.startedAt ?? ''), Date.parse(run.manifest.started_at));
});
