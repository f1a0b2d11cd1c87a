import * as fc from 'fast-check';
import { UserError } from '../../src/core/errors.ts';
import { describeSystem } from '../../src/engine/index.ts';
import type { OptionInfo } from '../../src/engine/systems/option-reader.ts';

/** For each option in turn, what it is drawn by; null: it keeps its default. */
export const picks = fc.array(fc.option(fc.nat(9_999), { freq: 2 }), { minLength: 40, maxLength: 40 });

/** Tried first where a range of sizes begins low: such as meet, or are even. */
const SIZES = [32, 64, 96, 128];
/** How far above its least value a whole number is drawn. */
const WIDTHS = [8, 60, 300];
/** Below, hardly a request would be taken. */
const LEAST: Readonly<Record<string, number>> = { max_model_len: 60 };
/** Tokens of KV memory, so that requests of some tens of tokens have to fight for it. */
const KV_TOKENS = { least: 60, most: 400 };
const MOST_INSTANCES = 3;

/**
 * A system with drawn options, as text for `parseEngineSpec`: any that it says it has, within what it says they can be.
 * A value that contradicts those before it is left out.
 */
export function anySpec(system: string, drawn: readonly (number | null)[]): string {
  const { least, most } = KV_TOKENS;
  let spec = `${system},kv_tokens=${least + ((drawn[0] ?? 0) % (most - least))}`;
  const { options } = describeSystem(spec);
  for (const [i, { key }] of options.entries()) {
    const draw = drawn[(i + 1) % drawn.length] ?? null;
    // Read again, for what an option can be may follow from those before it.
    const info = describeSystem(spec).options.find((one) => one.key === key);
    if (draw === null || info === undefined || key === 'kv_tokens') continue;
    const isCount = key === 'instances' || options.some((other) => other.key === `${key}.tp`);
    const longer = `${spec},${key}=${isCount ? 1 + (draw % MOST_INSTANCES) : valueOf(info, draw)}`;
    if (isValid(longer)) spec = longer;
  }
  return spec;
}

function isValid(spec: string): boolean {
  try {
    describeSystem(spec);
    return true;
  } catch (thrown) {
    if (thrown instanceof UserError) return false;
    throw thrown;
  }
}

/** Any value that an option says it takes. */
function valueOf({ key, expected }: OptionInfo, draw: number): string | number {
  const whole = /^a whole number from (\d+) to (\d+)$/.exec(expected);
  if (whole !== null) {
    const high = Number(whole[2]);
    const low = Math.min(high, Math.max(Number(whole[1]), LEAST[key] ?? 0));
    const sizes = SIZES.filter((size) => size >= low && size <= high);
    if (low === 1 && high > 1000 && draw % 2 === 0) return sizes[draw % sizes.length] ?? low;
    const width = WIDTHS[draw % WIDTHS.length] ?? 1;
    return low + (draw % Math.min(width, high - low + 1));
  }
  const number = /^a number (?:from 0 to|above [\d.]+ and at most) ([\d.]+)$/.exec(expected);
  if (number !== null) return (((1 + (draw % 100)) / 100) * Math.min(Number(number[1]), 10)).toFixed(2);
  const names = expected.split(/, (?:or )?/).filter((name) => /^[\w.-]+$/.test(name) && !name.startsWith('FILE.'));
  const name = names[draw % names.length];
  if (name === undefined) throw new Error(`how to draw ${key}, which is ${expected}?`);
  return name;
}
