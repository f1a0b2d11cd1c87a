// What the benchmarks share that read from ../shared/bench/tick_server: the server, a client, traces, quantiles.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const REPRISE = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');
const SOURCES = join(import.meta.dirname, '..', '..', '..', 'shared', 'bench');
/** Where the server spreads its streams over a tick. */
const SPREAD = 'int s = fd % tick_ms;';

/** Builds a program of ../shared/bench in `folder`; returns its path. */
export function build(name: 'tick_server' | 'epoll_limit', folder: string): string {
  return compile(readFileSync(join(SOURCES, `${name}.c`), 'utf8'), join(folder, name));
}

/** A tick_server that writes to all its streams at once in each tick. */
export function buildInStep(folder: string): string {
  const source = readFileSync(join(SOURCES, 'tick_server.c'), 'utf8');
  if (!source.includes(SPREAD)) throw new Error(`tick_server.c does not hold "${SPREAD}"`);
  return compile(source.replace(SPREAD, 'int s = 0;'), join(folder, 'tick_server_in_step'));
}

function compile(source: string, to: string): string {
  execFileSync('cc', ['-O2', '-x', 'c', '-', '-o', to], { input: source });
  return to;
}

/** Starts a server that has no more to say than that it listens; throws where it ends at once, as on a port in use. */
export async function listening(program: string, args: readonly (string | number)[]): Promise<ChildProcess> {
  const server = spawn(program, args.map(String), { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(server, 'exit').then(() => {
    throw new Error(`${program} ${args.join(' ')} ended`);
  });
  await Promise.race([ended, sleep(500)]);
  ended.catch(() => undefined);
  return server;
}

/** Ends a server; afterwards its port is free. */
export async function end(server: ChildProcess): Promise<void> {
  const exit = once(server, 'exit');
  if (server.kill()) await exit;
}

/** Writes a trace of `arrivalsS`, all of one length. */
export function writeTrace(path: string, arrivalsS: readonly number[], outputTokens: number): string {
  const rows = arrivalsS.map((s) => `${s.toFixed(6)},16,${outputTokens}`);
  writeFileSync(path, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);
  return path;
}

/** `count` arrivals, evenly spaced. */
export function evenly(count: number, ratePerS: number): number[] {
  return Array.from({ length: count }, (_, i) => i / ratePerS);
}

/** Nearest rank; NaN of none. */
export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}

export function median(list: readonly number[]): number {
  const sorted = list.toSorted((a, b) => a - b);
  return ((sorted[(sorted.length - 1) >> 1] ?? Number.NaN) + (sorted[sorted.length >> 1] ?? Number.NaN)) / 2;
}
