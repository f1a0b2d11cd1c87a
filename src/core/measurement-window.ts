/** The part of a run that is measured: requests due before it are warm-up, requests due after it cool-down. */
export interface MeasurementWindow {
  readonly fromUs: number;
  readonly toUs: number;
}

/** Whether a request enters the metrics; null: all do. Both ends belong to the window. */
export function isMeasured(window: MeasurementWindow | null, dueUs: number): boolean {
  return window === null || (dueUs >= window.fromUs && dueUs <= window.toUs);
}
