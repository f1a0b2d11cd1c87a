import { UserError } from '../core/errors.ts';
import { didYouMean } from '../core/did-you-mean.ts';
import type { Engine } from './engine.ts';
import { DEFAULT_SYSTEM, SYSTEMS } from './systems/index.ts';
import { OptionReader, type Options } from './systems/option-reader.ts';
import type { EngineContext, System } from './systems/system.ts';

/** Which engine, with every option filled in: plain JSON, and all that its results depend on besides the requests. */
export interface EngineSpec {
  readonly system: string;
  readonly options: Options;
}

/** An engine as it was asked for. */
export interface ParsedEngine extends EngineSpec {
  /** What a user should know of it before it runs, a sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Reads `SYSTEM[,key=value...]`, e.g. `vllm-v1,model=llama-3.1-8b,gpu=h100-sxm`; what is left out takes its default,
 * the system too. Throws a UserError that names what is wrong and the nearest name that is known.
 */
export function parseEngineSpec(text: string): ParsedEngine {
  const { name, options, reader } = readEngineSpec(text);
  return { system: name, options, warnings: reader.warnings };
}

/** As `parseEngineSpec`, with the system itself and the reader that knows its options. */
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

/** Makes the engine that `spec` describes, on a clock. Throws a UserError as `parseEngineSpec` does. */
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
