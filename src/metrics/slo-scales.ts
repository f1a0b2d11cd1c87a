import type { RequestRecord } from '../core/record.ts';
import { mapLimits, type Slo } from '../core/slo.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { SloScale, SmallestScale } from '../schema/attainment.ts';
import { AttainmentCollector } from './attainment.ts';
import { SmallestScaleCollector } from './smallest-scale.ts';
import { stoppedRecords } from './stopped.ts';

/** An SLO whose every limit is so many times as long, without the rounding of doubles: 1.1 times 250 ms are 275 ms. */
export function scaledSlo(slo: Slo, scale: number): Slo {
  return mapLimits(slo, (limitMs) => Number((limitMs * scale).toPrecision(12)));
}

/** Share of the measured requests of a run that meet its SLO times each of several scales. */
export class SloScalesCollector {
  readonly #scales: readonly {
    readonly scale: number;
    readonly attainment: AttainmentCollector;
    /** What an interrupted run gave up may have missed one limit and not another. */
    readonly isStopped: (record: RequestRecord) => boolean;
  }[];

  readonly #smallest: SmallestScaleCollector;

  constructor({ status, slo }: Pick<Manifest, 'status' | 'slo'>, scales: readonly number[]) {
    this.#smallest = new SmallestScaleCollector({ status, slo });
    this.#scales =
      slo === null
        ? []
        : scales.map((scale) => {
            const limits_ms = scaledSlo(slo.limits_ms, scale);
            return {
              scale,
              attainment: new AttainmentCollector(limits_ms),
              isStopped: stoppedRecords({ status, slo: { ...slo, limits_ms } }),
            };
          });
  }

  add(record: RequestRecord): void {
    for (const { attainment, isStopped } of this.#scales) if (!isStopped(record)) attainment.add(record);
    this.#smallest.add(record);
  }

  /** In the order in which the scales were given; and the smallest of any that is met, whichever these are. */
  result(): { readonly scales: SloScale[]; readonly smallest_scale: SmallestScale } {
    const scales = this.#scales.map(({ scale, attainment: collector }) => {
      const { attainment, binding } = collector.result();
      const { joint, n_eff: _n, sufficient: _s, ...shares } = attainment;
      return { scale, attainment: joint, ...shares, binding };
    });
    return { scales, smallest_scale: this.#smallest.result() };
  }
}
