import { readdirSync, readlinkSync } from 'node:fs';
import { kernelFile } from '../core/kernel-file.ts';

/** A process as Linux shows it. */
export interface ProcessState {
  /** Of the process group. */
  readonly group: number;
  /** Clock ticks from the boot to its start: with its id and the boot it names one process. */
  readonly startTicks: number;
  /** It has ended, and its parent has not asked how. */
  readonly isZombie: boolean;
}

/** Null: there is no such process, or no /proc. */
export function processState(pid: number): ProcessState | null {
  const stat = kernelFile(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // `pid (name) state ppid pgrp ...`; the name may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state = '', , group = '0'] = fields;
  return { group: Number(group), startTicks: Number(fields[19]), isZombie: /^[ZX]/.test(state) };
}

/** Whether a process of this group runs. False where there is no /proc. */
export function groupRuns(group: number): boolean {
  return processIds().some((pid) => {
    const state = processState(pid);
    return state !== null && state.group === group && !state.isZombie;
  });
}

/** Processes that run and whose environment held this text when they were started; none where there is no /proc. */
export function processesStartedWith(text: string): { readonly pid: number; readonly state: ProcessState }[] {
  return processIds().flatMap((pid) => {
    const state = environmentOf(pid).includes(text) ? processState(pid) : null;
    return state === null || state.isZombie ? [] : [{ pid, state }];
  });
}

/** Empty for a process of another user, too. */
function environmentOf(pid: number): string {
  return kernelFile(`/proc/${pid}/environ`) ?? '';
}

function processIds(): number[] {
  try {
    return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  } catch {
    return [];
  }
}

/** Process ids mean the same to processes of one namespace; null where the kernel does not tell. */
export function pidNamespace(): string | null {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return null;
  }
}

/** Linux counts in hundredths of a second for programs, on every machine. */
const TICKS_PER_S = 100;
/** The boot is known to the second, and clocks are set. */
const SLACK_S = 2;

/** Whether a process of this id has run since then (ISO 8601 in UTC): one with a used id has started later. */
export function hasRunSince(pid: number, sinceIso: string): boolean {
  const state = processState(pid);
  if (state === null || state.isZombie) return false;
  const bootS = Number(/^btime (\d+)$/m.exec(kernelFile('/proc/stat') ?? '')?.[1]);
  return bootS + state.startTicks / TICKS_PER_S <= Date.parse(sinceIso) / 1000 + SLACK_S;
}
