import type { RequestRecord } from '../core/record.ts';
import { type Limits, partsOf, type Slo } from '../core/slo.ts';
import type { Attainment, ClassAttainment } from '../schema/attainment.ts';
import type { AttainmentCollector, JudgedBySlo } from './attainment.ts';

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

  result(): Pick<JudgedBySlo, 'by_class' | 'binding_class'> {
    const by_class = [...this.#classes.values()].map(({ name, limits, collector }): ClassAttainment => {
      const { attainment, binding } = collector.result();
      return { class: name, limits_ms: limits, requests: collector.judged, attainment: { ...attainment }, binding };
    });
    return { by_class, binding_class: bindingClass(by_class) };
  }
}

/** Of a class, the requests that missed. */
function missedOf({
  requests,
  attainment,
}: {
  readonly requests: number;
  readonly attainment: Pick<Attainment, 'joint'>;
}): number {
  return Math.round(requests * (1 - attainment.joint));
}

function bindingClass(rows: readonly ClassAttainment[]): string | null {
  const most = rows.reduce<ClassAttainment | null>(
    (binding, row) => (missedOf(row) > (binding === null ? 0 : missedOf(binding)) ? row : binding),
    null,
  );
  return most?.class ?? null;
}
