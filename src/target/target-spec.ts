import {
  ADAPTERS,
  isUsualBody,
  type ApiEndpoint,
  type BodyOptions,
  type Handover,
  type RouterName,
} from '../../adapters/index.ts';
import type { Codec, PromptMaker } from '../core/codec.ts';
import { didYouMean } from '../core/did-you-mean.ts';
import { UserError } from '../core/errors.ts';
import { parseEngineSpec, type EngineSpec } from '../engine/index.ts';
import type { PollMode } from '../replay/busy-poll.ts';
import type { ConnectionMode } from '../replay/connections.ts';
import type { Manifest } from '../schema/manifest.ts';
import { checkEndpoint, checkStream } from '../serving/detect.ts';
import { readServers, type ServerList } from './server-list.ts';
import { parseUrl } from './server-url.ts';

/** A target, parsed once from `--target`: plain data. */
export type TargetSpec = EngineTarget | ServerTarget;

/** The reference engine: in this process in virtual time, in a process of its own in real time. */
export interface EngineTarget {
  readonly kind: 'engine';
  /** The text as given. */
  readonly text: string;
  /** Short name, for directory names and records. */
  readonly name: string;
  /** The text after `reference:`, for the engine in a process of its own. */
  readonly system: string;
  readonly engine: EngineSpec;
  /** Warnings for the user before a run, a sentence each. */
  readonly warnings: readonly string[];
}

/** Servers that are not the reference engine: one, or several that requests are spread over. */
export interface ServerTarget extends ServerList {
  readonly kind: 'server';
}

/** A server to start before the first run and to end with the session. */
export interface StartSpec {
  readonly command: string;
  /** URL that has to respond; null: the target's `/health`. */
  readonly ready: string | null;
  readonly timeoutUs: number;
}

/** A target and its protocol. */
export interface TargetConfig {
  readonly spec: TargetSpec;
  readonly clock: 'real' | 'virtual';
  /** An adapter's name, or `auto`: detected from the server. */
  readonly adapter: string;
  /** Null: the first of the adapter's that the server has. */
  readonly endpoint: ApiEndpoint | null;
  /** Model to request; null: the first that the server lists. */
  readonly model: string | null;
  /** Tokenizer for prompts of exact length where ids are not accepted: the path of a `tokenizer.json`, or `server`. */
  readonly tokenizer: string | null;
  /** Added to every call. Never written to any file. */
  readonly headers: Readonly<Record<string, string>>;
  readonly insecure: boolean;
  readonly connections: ConnectionMode;
  readonly poll: PollMode;
  /** Who picks the replica of a request, where the target has several. */
  readonly router: RouterName;
  /** How the client hands a prompt from a prefill server to a decode server; null: as the servers are. */
  readonly handover: Handover | null;
  /** How to start the server under test; null: it runs already. */
  readonly start: StartSpec | null;
  /** File to which the reference engine writes its iterations; null: none. */
  readonly traceIterations: string | null;
  /**
   * Makes the codec in place of `adapter`, where the caller has one; its calls are made in the thread that sends them.
   */
  readonly codec: CodecMaker | null;
  /** What the user sets of the bodies of requests. */
  readonly body: BodyOptions;
}

/** `runId`: prefix of the ids of calls. */
export type CodecMaker = (prompts: PromptMaker, runId: string) => Codec;

/**
 * Reads URLs, with or without roles, or `reference[:SYSTEM[,key=value...]]`. Throws a UserError that names the expected
 * forms.
 */
export function parseTarget(text: string): TargetSpec {
  const reference = /^reference(?::(.*))?$/.exec(text);
  if (reference === null) return { kind: 'server', ...readServers(text) };
  const system = reference[1] ?? '';
  const { warnings, ...engine } = engineOf(system);
  return { kind: 'engine', text, name: `reference-${engine.system}`, system, engine, warnings };
}

function engineOf(system: string): ReturnType<typeof parseEngineSpec> {
  try {
    return parseEngineSpec(system);
  } catch (thrown) {
    throw thrown instanceof UserError ? new UserError(`--target: ${thrown.message}`) : thrown;
  }
}

/** Short name of a run's target, from its manifest: the same as in its records. */
export function recordedName({ kind, spec, facts }: Manifest['target']): string {
  return kind === 'reference' ? `reference-${facts['system']}` : parseTarget(spec).name;
}

/** Checks a target as far as possible before anything is started or sent. Throws a UserError. */
export function checkTarget({ spec, clock, start, traceIterations, tokenizer, body, ...dialect }: TargetConfig): void {
  if (spec.kind === 'server' && clock === 'virtual')
    throw new UserError(
      `--clock virtual needs the reference engine, and ${spec.text} is a server in real time; use --target reference:..., or --clock real`,
    );
  if (spec.kind === 'engine' && start !== null)
    throw new UserError(
      `--start: ${spec.text} is started by reprise itself; leave it out, or name the server's URL with --target`,
    );
  if (typeof start?.ready === 'string') parseUrl(start.ready, '--ready');
  if (spec.kind === 'server' && traceIterations !== null)
    throw new UserError(
      `--trace-iterations: ${spec.text} does not tell its iterations, only the reference engine does; leave it out or use --target reference:...`,
    );
  if (clock === 'virtual' && tokenizer === 'server')
    throw new UserError(
      '--tokenizer server: --clock virtual has no server to ask; a file counts the texts of a trace that has no lengths',
    );
  if (dialect.codec !== null && !isUsualBody(body))
    throw new UserError(
      '--extra-body, --temperature, --no-stream and --no-ignore-eos: a codec of your own makes the bodies of its requests; set them there',
    );
  checkAdapter(spec, { ...dialect, body });
  if (clock === 'real' && dialect.codec === null && dialect.adapter !== 'auto') checkStream(dialect.adapter, body);
}

/** Of servers with roles: the adapter of its name, or the dialect that they all speak. */
const DISAGGREGATED = 'disaggregated';
const HANDOVER_ADAPTERS: readonly string[] = ['auto', DISAGGREGATED, 'vllm', 'sglang'];

/** Whether the target's prefill and decode servers are called by the client. */
export function isDisaggregated(spec: TargetSpec): boolean {
  return spec.kind === 'server' && spec.endpoints[0].role !== 'both';
}

function checkAdapter(
  spec: TargetSpec,
  { adapter, endpoint, handover, body }: Pick<TargetConfig, 'adapter' | 'endpoint' | 'handover' | 'body'>,
): void {
  const adapters = ['auto', ...Object.keys(ADAPTERS), DISAGGREGATED];
  if (!adapters.includes(adapter))
    throw new UserError(`--adapter: "${adapter}" is not known${didYouMean(adapter, adapters)}`);
  if (!isDisaggregated(spec)) {
    const needed = adapter === DISAGGREGATED ? `--adapter ${DISAGGREGATED}` : handover === null ? null : '--handover';
    if (needed !== null)
      throw new UserError(`${needed}: is for servers with roles, --target prefill=URL,decode=URL; got ${spec.text}`);
    checkEndpoint(adapter, endpoint);
    return;
  }
  if (!HANDOVER_ADAPTERS.includes(adapter))
    throw new UserError(
      `--adapter ${adapter}: has no hand-over from a prefill server to a decode server; leave it out, or name ${HANDOVER_ADAPTERS.slice(1).join(', ')}`,
    );
  const taken = Object.keys(body.extra).find((name) => /^(kv_transfer_params|bootstrap_(host|port|room))$/.test(name));
  if (taken !== undefined) throw new UserError(`--extra-body: ${taken} is what the hand-over itself sets`);
  const dialect = handover === null ? adapter : handover === 'sglang' ? 'sglang' : 'vllm';
  if (adapter !== 'auto' && adapter !== DISAGGREGATED && adapter !== dialect)
    throw new UserError(`--handover ${handover}: is one of ${dialect}'s servers, and --adapter is ${adapter}`);
  checkEndpoint(dialect, endpoint);
}

/** Whether a target is an engine whose times are noisy. */
export function isNoisy(target: TargetSpec): boolean {
  if (target.kind !== 'engine') return false;
  const { noise, run_noise } = target.engine.options;
  return Number(noise ?? 0) > 0 || Number(run_noise ?? 0) > 0;
}
