/** The window of a length, from any moment on, in which most of something is due. */
export class BusiestWindow {
  readonly #lengthUs: number;
  /** Due times, and amounts, of the window that ends at the last of them, from `#first` on. */
  #dueUs: number[] = [];
  #amounts: number[] = [];
  #first = 0;
  #inWindow = 0;
  most = 0;
  /** Where the busiest begins. */
  fromUs = 0;

  constructor(lengthUs: number) {
    this.#lengthUs = lengthUs;
  }

  /** In order of due times. */
  add(dueUs: number, amount: number): void {
    this.#dueUs.push(dueUs);
    this.#amounts.push(amount);
    this.#inWindow += amount;
    while ((this.#dueUs[this.#first] ?? Infinity) <= dueUs - this.#lengthUs)
      this.#inWindow -= this.#amounts[this.#first++] ?? 0;
    if (this.#inWindow > this.most) {
      this.most = this.#inWindow;
      this.fromUs = this.#dueUs[this.#first] ?? 0;
    }
    // What is left behind is thrown away now and then.
    if (this.#first > 1024 && this.#first > this.#dueUs.length / 2) {
      this.#dueUs = this.#dueUs.slice(this.#first);
      this.#amounts = this.#amounts.slice(this.#first);
      this.#first = 0;
    }
  }
}
