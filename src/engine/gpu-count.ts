import type { EngineSpec } from './spec.ts';

/** GPUs of a system: instances times the GPUs of each, over its roles. */
export function gpuCount({ options }: EngineSpec): number {
  const number = (name: string): number => Number(options[name] ?? 1);
  if (!('prefill' in options)) return number('instances') * number('tp') * number('pp');
  return ['prefill', 'decode'].reduce(
    (sum, role) => sum + number(role) * number(`${role}.tp`) * number(`${role}.pp`),
    0,
  );
}
