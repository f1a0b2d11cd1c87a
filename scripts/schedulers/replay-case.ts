import { VirtualClock } from '../../src/core/virtual-clock.ts';
import { createEngine, parseEngineSpec } from '../../src/engine/index.ts';
import { logIterations, type IterationEntry } from '../../src/engine/instance/iteration-log.ts';
import { Heard } from './heard.ts';
import type { OracleCase, OracleRequest, Row } from './oracle-log.ts';

/** What ours did with the requests of a case, in the form of the logs. */
export interface Replay {
  readonly iterations: number;
  /** Every iteration, also those that a log leaves out. */
  readonly rows: readonly Row[];
  readonly spans: readonly (readonly [first: number, last: number])[];
  readonly hits: Readonly<Record<string, number>>;
}

/**
 * Runs the requests of a case on the system `spec` in virtual time. Request `at: k` arrives half way through iteration
 * k - 1, or, where nothing runs, at once with all that arrive at the same iteration.
 */
export async function replayCase(
  spec: string,
  { requests, settings }: Pick<OracleCase, 'requests' | 'settings'>,
): Promise<Replay> {
  const clock = new VirtualClock();
  const heard = requests.map(() => new Heard());
  const rows: Row[] = [];
  const spans = requests.map((): [number, number] => [-1, -1]);

  const onIteration = logIterations((entry) => {
    const iteration = rows.length;
    const row = rowOf(entry, iteration, requests, heard);
    rows.push(row);
    for (const id of [...entry.prefill.map((chunk) => chunk.id), ...entry.decode]) {
      const span = spans[Number(id)] ?? [-1, -1];
      if (span[0] === -1) span[0] = iteration;
      span[1] = iteration;
    }
    const { begin_us, stage_us } = entry;
    clock.at(begin_us + stage_us / 2, () => submitUntil(iteration + 1));
    clock.at(begin_us + stage_us + 1, () => submitIfIdle(iteration));
  });

  const engine = createEngine(parseEngineSpec(spec), { clock, onIteration });
  let submitted = 0;
  function submitUntil(at: number): void {
    for (; (requests[submitted]?.at ?? Number.POSITIVE_INFINITY) <= at; submitted++) submit(submitted);
  }
  /** An iteration that follows another begins when that one ends. */
  function submitIfIdle(last: number): void {
    const next = requests[submitted];
    if (rows.length - 1 === last && next !== undefined) submitUntil(next.at);
  }
  function submit(i: number): void {
    const [one, listener] = [requests[i], heard[i]];
    if (one === undefined || listener === undefined) throw new Error(`no request ${i}`);
    const content = one.pieces.length === 0 ? null : { pieces: one.pieces, pieceTokens: settings.piece_tokens };
    engine.submit(
      { id: String(i), inputTokens: one.input, content, maxTokens: one.max, trueOutputTokens: one.output },
      listener,
    );
  }

  clock.at(0, () => submitIfIdle(-1));
  await clock.run(() => false);

  const hits: Record<string, number> = {};
  for (const [i, { completion, refusal }] of heard.entries()) {
    if (completion === null) throw new Error(`request ${i} did not end: ${refusal || 'it still waits'}`);
    if (completion.cachedTokens > 0) hits[i] = completion.cachedTokens;
  }
  return { iterations: rows.length, rows, spans, hits };
}

function rowOf(
  { prefill, decode, preempted, free_blocks, waiting }: IterationEntry,
  iteration: number,
  requests: readonly OracleRequest[],
  heard: readonly Heard[],
): Row {
  let decodes = decode.length;
  const chunks: Row[1] = [];
  for (const { id, tokens, past } of prefill) {
    const i = Number(id);
    const generated = heard[i]?.tokenTimesUs.length ?? 0;
    // The logs count the last missing token of a preempted request as a decode.
    const isDecode = tokens === 1 && generated > 0 && past + 1 === (requests[i]?.input ?? 0) + generated;
    if (isDecode) decodes++;
    else chunks.push([i, tokens, past]);
  }
  // By number, as in the logs.
  const lost = preempted.map(Number).sort((a, b) => a - b);
  return [iteration, chunks, decodes, lost, free_blocks, waiting];
}

/** The first thing in which ours differs from the log, in words; null: nothing. And how many iterations are equal. */
export function compare(oracle: OracleCase, ours: Replay): { difference: string | null; equalIterations: number } {
  const theirs = new Map(oracle.rows.map((one) => [one[0], one]));
  let decodes = 0;
  for (const mine of ours.rows) {
    const [iteration, chunks, , preempted] = mine;
    const row = theirs.get(iteration);
    const expected = row === undefined ? `no chunk, ${decodes} decodes, none preempted` : textOf(row);
    // A log leaves out iterations that decode as many as the one before, and nothing else.
    const isEqual =
      row === undefined
        ? chunks.length === 0 && preempted.length === 0 && mine[2] === decodes
        : textOf(mine) === expected;
    if (!isEqual)
      return {
        difference: `${oracle.case}, iteration ${iteration}:\n  ours   ${textOf(mine)}\n  theirs ${expected}`,
        equalIterations: iteration,
      };
    decodes = mine[2];
  }
  const rest = [
    ['iterations', ours.iterations, oracle.iterations],
    ['spans', ours.spans, oracle.spans],
    ['hits', ours.hits, oracle.hits],
  ] as const;
  for (const [name, mine, expected] of rest)
    if (JSON.stringify(mine) !== JSON.stringify(expected))
      return {
        difference: `${oracle.case}, ${name}:\n  ours   ${JSON.stringify(mine)}\n  theirs ${JSON.stringify(expected)}`,
        equalIterations: Math.min(ours.iterations, oracle.iterations),
      };
  return { difference: null, equalIterations: oracle.iterations };
}

/** By the number of the request: some logs have them in the order of the batch, and some so. */
function textOf([, chunks, decodes, preempted, free, waiting]: Row): string {
  const inOrder = chunks.toSorted(([a], [b]) => a - b);
  const parts = [
    `chunks ${inOrder.map(([i, tokens, past]) => `${i}+${tokens}@${past}`).join(' ') || '-'}`,
    `decodes ${decodes}`,
    `preempted ${preempted.toSorted((a, b) => a - b).join(' ') || '-'}`,
    `free ${free}`,
    `waiting ${waiting}`,
  ];
  return parts.join(', ');
}
