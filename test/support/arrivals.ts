/** Things that have come, and those who wait for one that has not. */
export class Arrivals<T> {
  readonly all: T[] = [];
  readonly #waiting = new Set<() => void>();

  add(one: T): void {
    this.all.push(one);
    for (const check of this.#waiting) check();
  }

  /** The first that is, or will be, here and fits. */
  first(fits: (one: T) => boolean): Promise<T> {
    return new Promise((resolve) => {
      const check = () => {
        const found = this.all.find(fits);
        if (found === undefined) return;
        this.#waiting.delete(check);
        resolve(found);
      };
      this.#waiting.add(check);
      check();
    });
  }
}
