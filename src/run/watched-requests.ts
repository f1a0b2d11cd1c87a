import type { RequestRecord } from '../core/record.ts';
import type { ScheduledRequest } from '../core/target.ts';
import type { RequestWatcher } from '../replay/recorder.ts';

/** An event of a request in one thread, for watchers in another. */
export type WatchedEvent =
  | { readonly kind: 'begun'; readonly request: ScheduledRequest }
  | { readonly kind: 'first token'; readonly request: ScheduledRequest; readonly timeUs: number }
  | { readonly kind: 'ended'; readonly record: RequestRecord; readonly timeUs: number };

/** Collects what happens to requests, to be handed to another thread a batch at a time. */
export class WatchedRequests implements RequestWatcher {
  #events: WatchedEvent[] = [];

  begun(request: ScheduledRequest): void {
    this.#events.push({ kind: 'begun', request: withoutCalls(request) });
  }

  firstToken(request: ScheduledRequest, timeUs: number): void {
    this.#events.push({ kind: 'first token', request: withoutCalls(request), timeUs });
  }

  ended(record: RequestRecord, timeUs: number): void {
    this.#events.push({ kind: 'ended', record, timeUs });
  }

  /** The events since the last call. */
  take(): readonly WatchedEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }
}

/** Their bodies are large, and no watcher reads them. */
function withoutCalls(request: ScheduledRequest): ScheduledRequest {
  return { ...request, calls: [] };
}

export function tellWatchers(watchers: readonly RequestWatcher[], events: readonly WatchedEvent[]): void {
  for (const event of events)
    for (const watcher of watchers)
      if (event.kind === 'begun') watcher.begun?.(event.request);
      else if (event.kind === 'first token') watcher.firstToken(event.request, event.timeUs);
      else watcher.ended(event.record, event.timeUs);
}
