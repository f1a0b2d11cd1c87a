import type { RequestRecord } from '../core/record.ts';
import { type Limits, partsOf, type Slo } from '../core/slo.ts';
import type { ClassAttainment } from '../schema/attainment.ts';
import type { AttainmentCollector } from './attainment.ts';

interface OfClass {
  readonly name: string | null;
  readonly limits: Limits;
  readonly collector: AttainmentCollector;
}

/** The attainment of each class that an SLO has limits for, by those; and of all others together. */
export class ClassAttainments {
  readonly #classes: ReadonlyMap<string | null, OfClass>;

  /** `collectorOf`: a collector of requests that all have these limits. */
  constructor(slo: Slo, collectorOf: (limits: Limits) => AttainmentCollector) {
    this.#classes = new Map(
      partsOf(slo).map(([name, limits]) => [name, { name, limits, collector: collectorOf(limits) }]),
    );
  }

  /** A record that the SLO has limits for. */
  add(record: RequestRecord): void {
    (this.#classes.get(record.slo_class) ?? this.#classes.get(null))?.collector.add(record);
  }

  /** Requests of each class that missed so far. */
  missed(): ReadonlyMap<string | null, number> {
    return new Map([...this.#classes].map(([name, { collector }]) => [name, collector.judged - collector.good]));
  }

  result(): ClassAttainment[] {
    return [...this.#classes.values()].map(({ name, limits, collector }) => {
      const { attainment, binding } = collector.result();
      return { class: name, limits_ms: limits, requests: collector.judged, attainment: { ...attainment }, binding };
    });
  }
}
