import { kernelFile } from '../core/kernel-file.ts';
import { UserError } from '../core/errors.ts';
import { withThousands } from '../core/units.ts';
import { countText } from '../core/words.ts';

/** File descriptors kept for other uses than connections, for each client: files, pipes, its threads' own. */
const SPARE = 64;
export const DESCRIPTORS_BYTES = Int32Array.BYTES_PER_ELEMENT;

/** The sockets of a target, as many as the system lets this process have and no more: its files need descriptors too. */
export class Descriptors {
  readonly #limit: number;
  readonly #spare: number;
  readonly #count: Int32Array;

  /**
   * `memory`: where they are counted, `DESCRIPTORS_BYTES` long; clients in several threads have one count. `limit`: open
   * files of this process, which Node has raised to what the system allows. `clients`: threads of the process that send.
   */
  constructor(memory: ArrayBufferLike = new ArrayBuffer(DESCRIPTORS_BYTES), clients = 1, limit = openFilesLimit()) {
    this.#count = new Int32Array(memory);
    this.#limit = limit;
    this.#spare = SPARE * clients;
  }

  get #used(): number {
    return Atomics.load(this.#count, 0);
  }

  /** So many more can be had. */
  get room(): number {
    return Math.max(0, this.#limit - this.#spare - this.#used);
  }

  /** Why `connections` more cannot be had; null: they can. */
  problem(connections: number): UserError | null {
    const all = this.#used + connections;
    if (all + this.#spare <= this.#limit) return null;
    return new UserError(
      `this run needs ${countText(all, 'connection')} at once, and the system lets this process have ${withThousands(this.#limit)} open files${wayOut(all + this.#spare)}`,
    );
  }

  /** An error of opening a socket, in words where it is that the system gives no more descriptors. */
  explained(error: Error): Error {
    const code = 'code' in error ? error.code : null;
    if (code !== 'EMFILE' && code !== 'ENFILE') return error;
    const whose = code === 'EMFILE' ? 'this process' : 'the machine (sysctl fs.file-max)';
    return new UserError(
      `the system gives ${whose} no open file for another connection beside ${withThousands(this.#used)} (${code})${wayOut(2 * this.#used + this.#spare)}`,
      { cause: error },
    );
  }

  /** One more is in use. */
  take(): void {
    Atomics.add(this.#count, 0, 1);
  }

  give(): void {
    Atomics.sub(this.#count, 0, 1);
  }
}

function wayOut(files: number): string {
  return (
    `; raise that with "ulimit -n ${files}" (beyond "ulimit -Hn" as root; docker run --ulimit nofile=${files}), ` +
    'or have fewer at once (--max-in-flight), or replay less (--limit, --window, a lower --speed)'
  );
}

/** Files that this process may have open, by the system's limit. */
export function openFilesLimit(): number {
  // Without /proc the system says it when there are too many.
  const soft = /^Max open files\s+(\S+)/m.exec(kernelFile('/proc/self/limits') ?? '')?.[1];
  return soft === undefined || soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}
