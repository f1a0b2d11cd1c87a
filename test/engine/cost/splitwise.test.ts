import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Batch } from '../../../src/engine/cost/batch.ts';
import { tablePreset } from '../../../src/engine/cost/table-preset.ts';
import type { LlmName } from '../../../src/engine/models/llms.ts';
import { shared } from '../../shared.ts';

const FILE = shared('profiles/splitwise_perf_model.csv');

/** Read apart from the code that is tested: the file has no quotes. Power-capped GPUs are none of ours. */
interface Run {
  readonly model: LlmName;
  readonly gpu: 'a100-sxm-80g' | 'h100-sxm';
  readonly tp: number;
  readonly prompt: number;
  readonly batch: number;
  readonly output: number;
  readonly prefillMs: number;
  readonly decodeMs: number;
}

function runs(): Run[] {
  const [head = '', ...lines] = readFileSync(FILE.path, 'utf8').trim().split('\n');
  const names = head.trim().split(',');
  return lines.flatMap((line) => {
    const cells = line.trim().split(',');
    const cell = (name: string): string => cells[names.indexOf(name)] ?? '';
    const hardware = cell('hardware');
    if (hardware === 'h100-80gb-pcap') return [];
    return [
      {
        model: cell('model') === 'bloom-176b' ? 'bloom-176b' : 'llama-2-70b',
        gpu: hardware === 'a100-80gb' ? 'a100-sxm-80g' : 'h100-sxm',
        tp: Number(cell('tensor_parallel')),
        prompt: Number(cell('prompt_size')),
        batch: Number(cell('batch_size')),
        output: Number(cell('token_size')),
        prefillMs: Number(cell('prompt_time')),
        decodeMs: Number(cell('token_time')),
      } as const,
    ];
  });
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return ((sorted[Math.floor((sorted.length - 1) / 2)] ?? 0) + (sorted[Math.ceil((sorted.length - 1) / 2)] ?? 0)) / 2;
}

const host = { hostFixedUs: 0, hostPerSequenceUs: 0, mixedBatchPenalty: 1 };

test(
  'Splitwise’s table: within 5 % of the median at its own points, but for two outliers, named',
  { skip: FILE.skip },
  () => {
    const preset = tablePreset(FILE.path);
    const points = [
      ...Map.groupBy(runs(), ({ model, gpu, tp, prompt, batch, output }) =>
        [model, gpu, tp, prompt, batch, output].join(' '),
      ).values(),
    ];
    assert.equal(points.length, 8 * 19);
    const apart: string[] = [];
    for (const point of points) {
      const first = point[0];
      assert.ok(first);
      const { model, gpu, tp, prompt, batch, output } = first;
      const cost = preset.create({ model, gpu, tp, pp: 1, ...host });
      const [prefill, decode] = [new Batch(), new Batch()];
      for (let i = 0; i < batch; i++) {
        prefill.addChunk(prompt, 0, true);
        decode.addDecode(prompt + output / 2);
      }
      const prefillError = cost.timeUs(prefill) / 1000 / median(point.map(({ prefillMs }) => prefillMs)) - 1;
      const decodeError = cost.timeUs(decode) / 1000 / median(point.map(({ decodeMs }) => decodeMs)) - 1;
      if (Math.max(Math.abs(prefillError), Math.abs(decodeError)) > 0.05)
        apart.push(`${model} ${gpu} ${tp} ${prompt} x ${batch}`);
    }
    assert.deepEqual(apart, ['llama-2-70b a100-sxm-80g 2 512 x 64', 'llama-2-70b h100-sxm 2 512 x 64']);
    for (const [gpu, told] of [
      [
        'a100-sxm-80g',
        /csv:62: prefill of 32768 tokens in a batch of 64 .* 794\.2 ms \(median of 5\), where 16384 .* 6632\.6 ms$/,
      ],
      ['h100-sxm', /csv:67: prefill of 32768 tokens in a batch of 64 .* 360\.6 ms .* 2397\.8 ms$/],
    ] as const) {
      const outliers = (tp: number): readonly string[] =>
        preset.outliers({ model: 'llama-2-70b', gpu, tp, pp: 1, ...host });
      assert.deepEqual([outliers(2).length, outliers(4), outliers(8)], [1, [], []]);
      assert.match(outliers(2).join(), told);
    }
  },
);

test('beyond its points the outliers’ batch takes twice as long as half of it', { skip: FILE.skip }, () => {
  const cost = tablePreset(FILE.path).create({ model: 'llama-2-70b', gpu: 'a100-sxm-80g', tp: 2, pp: 1, ...host });
  const of = (batch: number): number => {
    const prefill = new Batch();
    for (let i = 0; i < batch; i++) prefill.addChunk(512, 0, true);
    return cost.timeUs(prefill);
  };
  const ratio = of(64) / of(32);
  assert.ok(ratio > 1.9 && ratio < 2.3, `${ratio}`);
});
