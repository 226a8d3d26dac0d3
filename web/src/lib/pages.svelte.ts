// A list that comes in pages by cursor.
interface Page<T> {
  items: T[];
  next_cursor?: string | null;
}

export class Pages<T extends { id: number }> {
  items = $state<T[]>([]);
  busy = $state(false);
  done = $state(false);
  error = $state<unknown>();
  #cursor: string | undefined;
  #load: (cursor: string | undefined) => Promise<Page<T>>;

  constructor(load: (cursor: string | undefined) => Promise<Page<T>>) {
    this.#load = load;
  }

  async more(): Promise<void> {
    if (this.busy || this.done) return;
    this.busy = true;
    this.error = undefined;
    try {
      const page = await this.#load(this.#cursor);
      const known = new Set(this.items.map((one) => one.id));
      this.items.push(...page.items.filter((one) => !known.has(one.id)));
      this.#cursor = page.next_cursor ?? undefined;
      this.done = this.#cursor === undefined;
    } catch (error) {
      this.error = error;
    } finally {
      this.busy = false;
    }
  }

  add(one: T): void {
    this.items.unshift(one);
  }

  remove(id: number): void {
    this.items = this.items.filter((one) => one.id !== id);
  }
}
