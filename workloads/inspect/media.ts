import type { Request } from '../../src/core/request.ts';
import type { MediaCount } from '../../src/core/trace-inspection.ts';

const KINDS = ['image', 'audio', 'video'] as const;

/** Images and other items that are no text, by kind. */
export class Media {
  readonly #counts = new Map<string, { rows: number; items: number }>();

  add({ media }: Request): void {
    if (media === undefined) return;
    for (const kind of KINDS) {
      const items = media.reduce((all, each) => all + (each.kind === kind ? (each.count ?? 1) : 0), 0);
      if (items === 0) continue;
      const { rows, items: before } = this.#counts.get(kind) ?? { rows: 0, items: 0 };
      this.#counts.set(kind, { rows: rows + 1, items: before + items });
    }
  }

  counts(): MediaCount[] {
    return KINDS.flatMap((kind) => {
      const found = this.#counts.get(kind);
      return found === undefined ? [] : [{ kind, ...found }];
    });
  }
}
