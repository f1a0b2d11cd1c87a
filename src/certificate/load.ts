import type { Certificate, CertifiedCurve, CertifiedPoint, LoadAxis, Polling } from '../schema/certificate.ts';

/** A load of a client, by axis; null: not known. */
export type Load = Readonly<Record<LoadAxis, number | null>>;

/** The ladder of an axis; without one for this polling, that of the other. */
export function curveOf({ curves }: Pick<Certificate, 'curves'>, axis: LoadAxis, poll: Polling): CertifiedCurve | null {
  const ofAxis = curves.filter((curve) => curve.axis === axis);
  return ofAxis.find((curve) => curve.poll === poll) ?? ofAxis[0] ?? null;
}

/** The lowest load of a ladder that was at least this much, as it was delivered; null: so much was not tried. */
export function pointFor({ axis, points }: CertifiedCurve, load: number): CertifiedPoint | null {
  const [nearest] = points.filter((point) => point[axis] >= load).toSorted((a, b) => a[axis] - b[axis]);
  return nearest ?? null;
}

/** The part of a load that one of several workers has. */
export function loadOfWorker({ tokens_per_s, requests_per_s, streams }: Load, workers: number): Load {
  const part = (whole: number | null): number | null => (whole === null ? null : whole / workers);
  return { tokens_per_s: part(tokens_per_s), requests_per_s: part(requests_per_s), streams: part(streams) };
}
