import type { SloMetric } from '../core/slo.ts';

/** How many requests missed which limit, and of which class those that missed any are. */
export interface Misses {
  /** In the order of SLO_METRICS. */
  readonly byMetric: ReadonlyMap<SloMetric, number>;
  /** Requests that failed, by no limit. */
  readonly failed: number;
  /** Null as a class: all without limits of their own. Absent: limits are the same for all. */
  readonly byClass?: ReadonlyMap<string | null, number>;
}

export function sumOfMisses(all: readonly Misses[]): Misses {
  const byMetric = new Map<SloMetric, number>();
  const byClass = new Map<string | null, number>();
  let failed = 0;
  for (const each of all) {
    for (const [metric, missed] of each.byMetric) byMetric.set(metric, (byMetric.get(metric) ?? 0) + missed);
    for (const [name, missed] of each.byClass ?? []) byClass.set(name, (byClass.get(name) ?? 0) + missed);
    failed += each.failed;
  }
  return { byMetric, failed, ...(byClass.size === 0 ? {} : { byClass }) };
}

/**
 * The limit that most requests miss, on a tie the first; null where none is missed, and where more requests failed than
 * miss it: then failures bind.
 */
export function bindingLimit({ byMetric, failed }: Misses): SloMetric | null {
  const [metric, most] = mostOf(byMetric);
  return failed > most ? null : metric;
}

/** The class that most requests which missed are of, on a tie the first; null: none of those with limits of their own. */
export function bindingClass({ byClass }: Misses): { readonly binding_class?: string | null } {
  return byClass === undefined ? {} : { binding_class: mostOf(byClass)[0] };
}

function mostOf<Name>(counts: ReadonlyMap<Name, number>): readonly [name: Name | null, most: number] {
  let [name, most]: [Name | null, number] = [null, 0];
  for (const [each, count] of counts) if (count > most) [name, most] = [each, count];
  return [name, most];
}
