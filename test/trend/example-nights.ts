import { randomStream, standardNormal } from '../../src/core/random.ts';
import type { Night } from '../../src/schema/history.ts';

export interface ExampleNights {
  readonly nights: number;
  /** From this night on, from 1, TPOT and E2E are so much longer. */
  readonly slowerFrom?: number;
  readonly by?: number;
  /** Nights, from 1, whose client fell behind. */
  readonly invalid?: readonly number[];
  /** Nights, from 1, in which everything takes a fifth longer. */
  readonly odd?: readonly number[];
  /** The values of one night are replaced. */
  readonly over?: (night: number) => Night['metrics'];
}

/** A history with a spread of 1 % from night to night. */
export function exampleNights({
  nights,
  slowerFrom = Infinity,
  by = 0.05,
  invalid = [],
  odd = [],
  over = () => ({}),
}: ExampleNights): Night[] {
  const random = randomStream(8, 'example nights');
  return Array.from({ length: nights }, (_, i): Night => {
    const night = i + 1;
    const factor = (night >= slowerFrom ? 1 + by : 1) * (odd.includes(night) ? 1.2 : 1);
    const about = (value: number, of = 1): Night['metrics']['ttft.p50'] => ({
      value: value * of * Math.exp(0.01 * standardNormal(random)),
      change: i === 0 ? null : 0.001,
      verdict: i === 0 ? null : i < 19 ? 'provisional' : 'same',
    });
    const started = new Date(Date.UTC(2026, 8, 1 + i, 2)).toISOString();
    return {
      schema: 1,
      run_id: started.replaceAll(/[-:]|\.\d+/g, ''),
      dir: `runs/${started.replaceAll(/[-:]|\.\d+/g, '')}`,
      started_at: started,
      branch: 'main',
      commit: `${(0xabc1230 + night).toString(16)}0000000000000000000000000000000000`.slice(0, 40),
      target: 'reference:vllm-v1',
      versions: { reprise: '0.3.0', node: '24.0.0' },
      measured: { kind: 'run' },
      valid: !invalid.includes(night),
      reasons: invalid.includes(night) ? ['the client fell behind'] : [],
      metrics: Object.fromEntries(
        Object.entries({
          attainment: { value: 1, change: i === 0 ? null : 0, verdict: i === 0 ? null : 'same' },
          'ttft.p50': about(40, odd.includes(night) ? 1.2 : 1),
          'tpot.p50': about(9, factor),
          'e2e.p50': about(2100, factor),
          throughput: about(1500),
          ...over(night),
        }),
      ),
      baseline: i === 0 ? null : '20260901T020000Z',
      verdict: i === 0 ? null : i < 19 ? 'provisional' : 'same',
      gates: [],
      alarms: [],
      accepted: i === 0,
    };
  });
}
