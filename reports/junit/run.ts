import { LATENCY_METRICS } from '../../src/schema/latency.ts';
import type { Summary } from '../../src/schema/summary.ts';
import type { Manifest } from '../../src/schema/manifest.ts';
import { countText } from '../../src/core/words.ts';
import { failureTexts } from '../format.ts';
import { verdictOf } from '../verdict.ts';
import type { JunitCase, JunitOutcome, JunitSuite } from './junit.ts';

/** A run as a suite of three cases: whether it met its SLO, whether it is valid, whether every request was answered. */
export function runSuite(summary: Summary, manifest: Manifest): JunitSuite {
  const name = `${manifest.workload.name} on ${manifest.target.spec}`;
  const timeS = summary.delivered.duration_s;
  const of = (caseName: string, outcome: JunitOutcome, properties: JunitCase['properties'], caseS = 0): JunitCase => ({
    // The same from run to run, so that its history can be followed.
    classname: name,
    name: caseName,
    timeS: caseS,
    outcome,
    properties,
  });
  return {
    name,
    timeS,
    cases: [
      of(
        'SLO attainment',
        attainmentOutcome(summary, manifest),
        [['run_id', manifest.run_id], ...attainmentProperties(summary)],
        timeS,
      ),
      of('valid', validOutcome(summary), []),
      of('requests ok', requestsOutcome(summary), [
        ['requests.scheduled', String(summary.requests.scheduled)],
        ['requests.ok', String(summary.requests.ok)],
        ['requests.failed', String(summary.requests.failed)],
      ]),
    ],
  };
}

function attainmentOutcome(summary: Summary, manifest: Manifest): JunitOutcome {
  const { tone, sentence, why } = verdictOf(summary, manifest);
  const said = { message: sentence, ...(why === null ? {} : { text: why }) };
  switch (tone) {
    case 'met':
      return { kind: 'passed' };
    case 'missed':
      return { kind: 'failed', type: 'slo', ...said };
    case 'unsure':
      return { kind: 'skipped', ...said };
    case 'none':
      return { kind: 'skipped', message: sentence };
  }
}

/** Figures that are there: a percentile that falls on a failed request is none. */
function attainmentProperties({ slo, latency_ms, throughput }: Summary): JunitCase['properties'] {
  const interval = slo?.attainment.ci95 ?? null;
  const figures: readonly (readonly [name: string, value: number | null])[] = [
    ['attainment', slo?.attainment.joint ?? null],
    ['attainment.ci95.low', interval?.[0] ?? null],
    ['attainment.ci95.high', interval?.[1] ?? null],
    ['attainment.wanted', slo?.at ?? null],
    ['throughput.requests_per_s', throughput.requests_per_s],
    ['throughput.good_requests_per_s', throughput.good_requests_per_s],
    ['throughput.output_tokens_per_s', throughput.output_tokens_per_s],
    ...LATENCY_METRICS.flatMap((metric) =>
      (['p50', 'p90', 'p99'] as const).map(
        (statistic) => [`latency_ms.${metric}.${statistic}`, latency_ms[metric][statistic]] as const,
      ),
    ),
  ];
  return figures.flatMap(([name, value]) => (value === null ? [] : [[name, String(value)] as const]));
}

/** A client that fell behind is no fault of what was measured: the test itself did not work. */
function validOutcome({ validity, status, reason }: Summary): JunitOutcome {
  if (!validity.judged) return { kind: 'skipped', message: validity.reasons.join('; ') };
  const reasons = [...(validity.valid ? [] : validity.reasons), ...(status === 'complete' ? [] : [reason ?? status])];
  return reasons.length === 0
    ? { kind: 'passed' }
    : { kind: 'error', type: 'validity', message: `not valid: ${reasons.join('; ')}` };
}

function requestsOutcome({ requests }: Summary): JunitOutcome {
  if (requests.failed === 0) return { kind: 'passed' };
  return {
    kind: 'failed',
    type: 'requests',
    message: `${requests.failed} of ${countText(requests.scheduled, 'request')} failed`,
    text: failureTexts(requests).join('\n'),
  };
}
