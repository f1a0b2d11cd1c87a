/** The part of a replay that is measured: what is due before it is warm-up, what is due after it cool-down. */
export interface MeasurementWindow {
  readonly fromUs: number;
  readonly toUs: number;
}

/** Whether a request enters the metrics; null: all do. Both ends belong to the span. */
export function isMeasured(span: MeasurementWindow | null, dueUs: number): boolean {
  return span === null || (dueUs >= span.fromUs && dueUs <= span.toUs);
}
