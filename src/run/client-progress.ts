import type { Progress } from '../replay/recorder.ts';

/** What a client has done since the run's start, and what it has in hand. */
export interface ClientProgress extends Readonly<Progress> {
  readonly inFlight: number;
  /** Due requests that wait for a place in flight (`maxInFlight`). */
  readonly held: number;
}

const FIELDS = [
  'due',
  'sent',
  'ok',
  'failed',
  'tokens',
  'inFlight',
  'held',
] as const satisfies readonly (keyof ClientProgress)[];

/**
 * The progress of a client whose thread writes it, for another that reads it at any time: memory that both share, a plain
 * number a field, one writer and no lock. Of one reading, fields may be a moment apart.
 */
export class SharedProgress {
  readonly #numbers: Float64Array;

  /** `memory`: `PROGRESS_BYTES` long, zeros at first. */
  constructor(memory: SharedArrayBuffer) {
    this.#numbers = new Float64Array(memory);
  }

  write(progress: ClientProgress): void {
    for (const [place, field] of FIELDS.entries()) this.#numbers[place] = progress[field];
  }

  read(): ClientProgress {
    const [due = 0, sent = 0, ok = 0, failed = 0, tokens = 0, inFlight = 0, held = 0] = this.#numbers;
    return { due, sent, ok, failed, tokens, inFlight, held };
  }
}

export const PROGRESS_BYTES = FIELDS.length * Float64Array.BYTES_PER_ELEMENT;

/** Of several clients together. */
export function totalProgress(clients: readonly ClientProgress[]): ClientProgress {
  const sum = (field: keyof ClientProgress): number => clients.reduce((total, client) => total + client[field], 0);
  return {
    due: sum('due'),
    sent: sum('sent'),
    ok: sum('ok'),
    failed: sum('failed'),
    tokens: sum('tokens'),
    inFlight: sum('inFlight'),
    held: sum('held'),
  };
}
