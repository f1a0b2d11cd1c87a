import { UserError } from '../core/errors.ts';
import { didYouMean } from '../core/did-you-mean.ts';
import type { Engine } from './engine.ts';
import { DEFAULT_SYSTEM, SYSTEMS } from './systems/index.ts';
import { OptionReader, type Options } from './systems/option-reader.ts';
import type { EngineContext, System } from './systems/system.ts';

/** A system with all options filled in: plain JSON; with the requests it determines all results. */
export interface EngineSpec {
  readonly system: string;
  readonly options: Options;
}

/** A system as the user gave it. */
export interface ParsedEngine extends EngineSpec {
  /** Warnings for the user before a run, a sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Reads `SYSTEM[,key=value...]`, e.g. `vllm-v1,model=llama-3.1-8b,gpu=h100-sxm`; missing options take their defaults,
 * the system too. Throws a UserError that names the error and the nearest known name.
 */
export function parseEngineSpec(text: string): ParsedEngine {
  const { name, options, reader } = readEngineSpec(text);
  return { system: name, options, warnings: reader.warnings };
}

/** As `parseEngineSpec`, with the system itself and the reader of its options. */
export function readEngineSpec(text: string): {
  readonly name: string;
  readonly system: System;
  readonly options: Options;
  readonly reader: OptionReader;
} {
  const parts = text.split(',').map((part) => part.trim());
  const first = parts[0] ?? '';
  const name = first === '' || first.includes('=') ? DEFAULT_SYSTEM : first;
  const pairs = name === first || text.trim() === '' ? parts.slice(1) : parts;
  const given: Record<string, string> = {};
  for (const pair of pairs) {
    const [key = '', value = '', ...rest] = pair.split('=').map((side) => side.trim());
    if (key === '' || value === '' || rest.length > 0)
      throw new UserError(`reference engine: "${pair}" is not an option; write key=value, e.g. gpu=h100-sxm`);
    if (Object.hasOwn(given, key)) throw new UserError(`reference engine: ${key} is given twice in "${text}"`);
    given[key] = value;
  }
  const system = systemOf(name);
  const reader = new OptionReader(name, given);
  const options = system.options(reader);
  reader.refuseOthers();
  return { name, system, options, reader };
}

/** Makes the engine of `spec` on a clock. Throws a UserError as `parseEngineSpec` does. */
export function createEngine(spec: EngineSpec, context: EngineContext): Engine {
  const reader = new OptionReader(spec.system, spec.options);
  const engine = systemOf(spec.system).engine(reader, context);
  reader.refuseOthers();
  return engine;
}

function systemOf(name: string): System {
  const system = Object.hasOwn(SYSTEMS, name) ? SYSTEMS[name] : undefined;
  if (system !== undefined) return system;
  throw new UserError(`reference engine: system "${name}" is not known${didYouMean(name, Object.keys(SYSTEMS))}`);
}
