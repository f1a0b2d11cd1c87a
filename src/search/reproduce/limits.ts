/** Limits in seconds; infinite: none. */
export interface Limits {
  readonly ttftS: number;
  readonly tpotS: number;
}
