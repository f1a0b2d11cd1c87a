import type { Request } from '../../src/core/request.ts';
import type { CountBin, SessionStatistics } from '../../src/core/trace-inspection.ts';
import { Durations, type Counted } from './durations.ts';
import { keyOfText } from './hashes.ts';
import { Lengths } from './lengths.ts';
import { NumberTable } from './number-table.ts';

/** Of a trace without start times, the gaps that its sessions have; each of them is told apart by a hash of its name. */
export class Sessions {
  readonly #sessions = new NumberTable();
  /** Branches of sessions, such as subagents: turns follow one another in each. */
  readonly #branches = new NumberTable();
  readonly #turns = new Column();
  readonly #firstUs = new Column();
  readonly #endUs = new Column();
  readonly #lastStartUs = new Column();
  readonly #lastEndUs = new Column();
  readonly #gaps = new Durations();
  readonly #think = new Durations();
  readonly #parents = new Parents();
  #rows = 0;
  #overlapping = 0;
  #agentRows = 0;

  add(request: Request): void {
    this.#parents.add(request);
    const { session, agent, dueUs, after, source } = request;
    if (session === undefined) return;
    this.#rows++;
    if (agent !== undefined) this.#agentRows++;
    const endUs = dueUs + (source?.e2eUs ?? 0);
    const key = keyOfText(session);
    const at = this.#sessions.add(key);
    const turns = this.#turns.get(at) + 1;
    this.#turns.set(at, turns);
    this.#firstUs.set(at, turns === 1 ? dueUs : Math.min(this.#firstUs.get(at), dueUs));
    this.#endUs.set(at, turns === 1 ? endUs : Math.max(this.#endUs.get(at), endUs));
    const known = this.#branches.size;
    const branch = this.#branches.add(agent === undefined ? key : keyOfText(`${session}\n${agent}`));
    if (branch < known) this.#gaps.add(Math.max(0, dueUs - this.#lastStartUs.get(branch)));
    // From the last of the answers that it waited for.
    if (after !== undefined && after.length > 0) this.#think.add(Math.min(...after.map(({ thinkUs }) => thinkUs)));
    else if (branch < known && this.#lastEndUs.get(branch) > this.#lastStartUs.get(branch)) {
      const thinkUs = dueUs - this.#lastEndUs.get(branch);
      if (thinkUs < 0) this.#overlapping++;
      this.#think.add(Math.max(0, thinkUs));
    }
    this.#lastStartUs.set(branch, dueUs);
    this.#lastEndUs.set(branch, endUs);
  }

  get count(): number {
    return this.#sessions.size;
  }

  get turnsPerSession(): number | null {
    return this.count === 0 ? null : this.#rows / this.count;
  }

  /** Null where no request has a session. */
  statistics(): SessionStatistics | null {
    if (this.count === 0) return null;
    const [turns, durations] = [new Lengths(), new Durations()];
    let single = 0;
    for (let at = 0; at < this.count; at++) {
      turns.add(this.#turns.get(at));
      durations.add(this.#endUs.get(at) - this.#firstUs.get(at));
      if (this.#turns.get(at) === 1) single++;
    }
    const { mean, p50, p90, p99, max } = turns.statistics();
    return {
      single_turn: single,
      turns: { mean, p50, p90, p99, max },
      gap: this.#gaps.statistics(),
      think: this.#think.statistics(),
      overlapping: this.#overlapping,
      duration: durations.statistics(),
      parents_missing: this.#parents.missing,
      agent_rows: this.#agentRows,
    };
  }

  charts(): { turns: readonly CountBin[]; gaps: readonly CountBin[]; think: readonly CountBin[] } {
    const turns = new Lengths();
    for (let at = 0; at < this.count; at++) turns.add(this.#turns.get(at));
    return { turns: turnBins(turns.sorted()), gaps: this.#gaps.bins(), think: this.#think.bins() };
  }
}

/** One by one up to 8 turns, then two bins to a power of two. */
function turnBins(sorted: readonly Counted[]): CountBin[] {
  const bins: { from: number; to: number; count: number }[] = [];
  for (const [turns, count] of sorted) {
    const power = 2 ** (31 - Math.clz32(turns));
    const half = turns < power * 1.5 ? power : power * 1.5;
    const from = turns < 8 ? turns : half;
    const last = bins.at(-1);
    if (last?.from === from) last.count += count;
    else bins.push({ from, to: turns < 8 ? turns + 1 : half + power / 2, count });
  }
  return bins;
}

/** Rows whose parent is in no row, wherever the parent stands. Ids are held, by their hash, of rows of sessions and of parents. */
class Parents {
  readonly #ids = new NumberTable();
  readonly #waiting = new Map<number, number>();

  add({ id, session, parent }: Request): void {
    if (session === undefined && parent === undefined) return;
    this.#ids.add(keyOfText(id));
    if (parent === undefined) return;
    const key = keyOfText(parent);
    if (this.#ids.indexOf(key) === -1) this.#waiting.set(key, (this.#waiting.get(key) ?? 0) + 1);
  }

  get missing(): number {
    let rows = 0;
    for (const [key, count] of this.#waiting) if (this.#ids.indexOf(key) === -1) rows += count;
    return rows;
  }
}

/** Numbers by index, 0 where none was set. */
class Column {
  #values = new Float64Array(256);

  get(at: number): number {
    return this.#values[at] ?? 0;
  }

  set(at: number, value: number): void {
    if (at >= this.#values.length) {
      const values = new Float64Array(this.#values.length * 2);
      values.set(this.#values);
      this.#values = values;
    }
    this.#values[at] = value;
  }
}
