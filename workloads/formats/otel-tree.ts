import type { Span } from './otel-spans.ts';

/** Which span is below which. Ids of spans count within their trace. */
export class SpanTree {
  readonly #byKey = new Map<string, Span>();
  /** In how many traces an id stands. */
  readonly #traces = new Map<string, number>();

  /** False for a span that stands twice, which is not taken. */
  add(span: Span): boolean {
    if (span.id === '') return true;
    const key = keyOf(span, span.id);
    if (this.#byKey.has(key)) return false;
    this.#byKey.set(key, span);
    this.#traces.set(span.id, (this.#traces.get(span.id) ?? 0) + 1);
    return true;
  }

  /** The spans above one, the nearest first; spans that name each other end it. */
  *ancestors(span: Span): Generator<Span> {
    const seen = new Set([span]);
    for (let at = this.#parentOf(span); at !== undefined && !seen.has(at); at = this.#parentOf(at)) {
      seen.add(at);
      yield at;
    }
  }

  #parentOf(span: Span): Span | undefined {
    return span.parent === '' ? undefined : this.#byKey.get(keyOf(span, span.parent));
  }

  /**
   * Spans that have one of `spans` below them; of `spans` only those that had not ended when it began: a call that had is
   * what it followed, not what is around it.
   */
  above(spans: readonly Span[]): ReadonlySet<Span> {
    const own = new Set(spans);
    const found = new Set<Span>();
    for (const span of spans)
      for (const each of this.ancestors(span)) {
        if (found.has(each) || (own.has(each) && each.endUs !== null && each.endUs <= span.startUs)) break;
        found.add(each);
      }
    return found;
  }

  has(id: string): boolean {
    return this.#traces.has(id);
  }

  /** What no other span is called; null where the span has no id. */
  nameOf({ id, trace }: Span): string | null {
    if (id === '') return null;
    return this.#traces.get(id) === 1 ? id : `${trace}:${id}`;
  }
}

function keyOf({ trace }: Span, id: string): string {
  return `${trace}\0${id}`;
}
