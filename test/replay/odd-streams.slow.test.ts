import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openAiCodec } from '../../adapters/openai.ts';
import type { RequestRecord } from '../../src/core/record.ts';
import { NO_FOLLOWERS, scheduledByTrace, type Schedule } from '../../src/core/schedule.ts';
import { WallClock } from '../../src/core/wall-clock.ts';
import { Recorder } from '../../src/replay/recorder.ts';
import { replay } from '../../src/replay/replay.ts';
import { HTTP_PATHS, HttpTarget, type HttpPath } from '../../src/replay/transport.ts';
import { promptMaker } from '../../workloads/index.ts';
import { ODD_STREAMS, serveOddStreams, type OddServer, type Written } from '../odd-streams.ts';

const TTFT_WITHIN_US = 5000;
const TPOT_WITHIN_US = 1000;
/** Real time is measured: what a busy machine did to one try, it does not do to three. */
const TRIES = 3;

const asked = (name: string): number => (name === 'buffered_16k' ? 200 : 8);
const codec = openAiCodec({ endpoint: 'chat', model: 'm', runId: 'run' }, promptMaker({ seed: 1, blockTokens: null }));

let server: OddServer;
before(async () => {
  server = await serveOddStreams();
});
after(() => server.close());

/** One request to a case, its record, the run's zero on the machine's clock, and what the server wrote. */
async function runOne(
  name: string,
  path: HttpPath,
): Promise<{ record: RequestRecord; zeroUs: number; written: Written }> {
  const clock = new WallClock();
  const target = new HttpTarget(codec, clock, [{ url: server.urlOf(name), headers: {}, insecure: false }], { path });
  const records: RequestRecord[] = [];
  const recorder = new Recorder(
    { sent: () => undefined, finished: (batch) => void records.push(...batch) },
    { target: name, window: null, worker: 0 },
  );
  const request = { id: name, traceRow: 1, dueUs: 0, inputTokens: 8, outputTokens: asked(name) };
  let given = false;
  const schedule: Schedule = {
    async next() {
      if (given) return null;
      given = true;
      return [scheduledByTrace(0, { ...request, dueUs: clock.read() + 5000 }, codec.open(request))];
    },
    ended: () => NO_FOLLOWERS,
    close: async () => undefined,
  };
  await target.open(1);
  const never = new AbortController().signal;
  const options = { timeoutUs: 3e6, ttftTimeoutUs: 3e6, stop: never, cut: never, graceUs: 0 };
  assert.equal(await replay(schedule, target, clock, recorder, options), null);
  await target.close();
  const [record] = records;
  const written = server.written.at(-1);
  assert.ok(record !== undefined && written !== undefined);
  return { record, zeroUs: clock.zeroUs, written };
}

async function check(name: string, path: HttpPath): Promise<void> {
  const { record, zeroUs, written } = await runOne(name, path);
  const truth = ODD_STREAMS[name]?.truth ?? assert.fail(name);
  const tokens = truth.tokens(asked(name));
  assert.deepEqual(
    [record.outcome, record.token_times_us.length, record.output_tokens ?? 0, written.tokenUs.length],
    [truth.outcome, tokens, tokens, tokens],
    record.error ?? '',
  );
  assert.deepEqual(
    [record.hidden_tokens, record.output_tokens_reported],
    [truth.hidden?.(asked(name)) ?? null, truth.reported?.(asked(name)) ?? null],
    'hidden, and reported otherwise',
  );
  if (truth.error !== undefined) assert.match(record.error ?? '', truth.error);
  const first = written.tokenUs[0];
  const last = written.tokenUs.at(-1);
  if (first === undefined || last === undefined) return;
  const ttftUs = first - zeroUs - record.due_us;
  assert.ok(
    Math.abs((record.token_times_us[0] ?? 0) - ttftUs) < TTFT_WITHIN_US,
    `TTFT ${String(record.token_times_us[0])} us for ${ttftUs}`,
  );
  const gaps = Math.max(1, tokens - 1);
  const tpotUs = ((record.token_times_us.at(-1) ?? 0) - (record.token_times_us[0] ?? 0)) / gaps;
  assert.ok(
    Math.abs(tpotUs - (last - first) / gaps) < TPOT_WITHIN_US,
    `TPOT ${tpotUs} us for ${(last - first) / gaps}`,
  );
  if (written.doneUs === null || truth.outcome !== 'ok') return;
  const endUs = (record.end_us ?? 0) - (written.doneUs - zeroUs);
  assert.ok(Math.abs(endUs) < TTFT_WITHIN_US, `ended ${endUs} us after [DONE]`);
}

for (const path of HTTP_PATHS)
  describe(`answers as public reports describe them, measured against what the server wrote, ${path}`, () => {
    for (const name of Object.keys(ODD_STREAMS))
      it(name, async () => {
        for (let left = TRIES - 1; ; left--)
          try {
            return await check(name, path);
          } catch (thrown) {
            if (left === 0) throw thrown;
          }
      });
  });
