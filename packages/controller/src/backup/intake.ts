/** A stream of bytes, taken in portions of chosen length. */
export class Intake {
  readonly #source: AsyncIterator<Uint8Array>;
  #waiting: Buffer[] = [];
  #length = 0;
  #ended = false;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** This many bytes; fewer only at the end. */
  async upTo(length: number): Promise<Buffer> {
    await this.#fill(length);
    const all = Buffer.concat(this.#waiting);
    const taken = all.subarray(0, length);
    const rest = all.subarray(length);
    this.#waiting = rest.length === 0 ? [] : [rest];
    this.#length = rest.length;
    return taken;
  }

  /** Whether nothing is left. */
  async atEnd(): Promise<boolean> {
    await this.#fill(1);
    return this.#length === 0;
  }

  async #fill(length: number): Promise<void> {
    while (!this.#ended && this.#length < length) {
      const next = await this.#source.next();
      if (next.done === true) {
        this.#ended = true;
      } else {
        this.#waiting.push(Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength));
        this.#length += next.value.byteLength;
      }
    }
  }
}
