import type { GoodputProbe } from '../../schema/goodput.ts';
import type { Attainment } from '../../schema/attainment.ts';
import type { LatencyStats, LatencyTable } from '../../schema/latency.ts';

export function aloneOf(attainment: Attainment | null): GoodputProbe['alone'] {
  if (attainment === null) return { ttft: null, tpot: null, e2e: null };
  const {
    joint: _joint,
    ci95: _ci95,
    n_eff: _nEff,
    sufficient: _sufficient,
    overloaded: _overloaded,
    ...alone
  } = attainment;
  return alone;
}

type Quantiles = NonNullable<GoodputProbe['latency_ms']>;

export function quantilesOf({ ttft, tpot, e2e }: LatencyTable): Quantiles {
  const of = ({ p50, p90, p99 }: LatencyStats): Quantiles['ttft'] => ({ p50, p90, p99 });
  return { ttft: of(ttft), tpot: of(tpot), e2e: of(e2e) };
}
