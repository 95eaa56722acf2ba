// A ring of bytes in shared memory: one thread writes chunks, one other reads them. Who finds nothing to do goes to sleep
// and is woken by a bell, which is somebody else's (a posted message): a ring only says when to ring it.
//
// Lost wake-ups: the reader says that it sleeps and then looks once more; the writer publishes and then looks whether it
// sleeps. Both orders are sequentially consistent, so one of the two sees the other. The same holds, the other way round,
// for a writer that waits for room. The word that says "asleep" is the word that is taken back: a bell is rung once.

/** Words of a direction, each on a cache line of its own. */
const LINE = 16
const HEAD = 0
const TAIL = LINE
const ASLEEP = 2 * LINE
/** The writer waits for room: until the tail has come as far as {@link WANTED}. */
const WAITING = 3 * LINE
const WANTED = 4 * LINE
const WORDS = 5 * LINE
const WORD_BYTES = WORDS * Int32Array.BYTES_PER_ELEMENT
const HEADER_BYTES = 4

/** Shared memory for both directions of a connection; `bytes` of each, a power of two from 1024 to 2^30. */
export function shareRings(bytes: number): SharedArrayBuffer {
  return new SharedArrayBuffer(2 * (WORD_BYTES + bytes))
}

class Ring {
  protected readonly words: Int32Array
  protected readonly data: Uint8Array
  protected readonly headers: Int32Array
  protected readonly mask: number

  constructor(shared: SharedArrayBuffer, direction: 0 | 1) {
    const bytes = shared.byteLength / 2 - WORD_BYTES
    const start = direction * (WORD_BYTES + bytes)
    this.words = new Int32Array(shared, start, WORDS)
    this.data = new Uint8Array(shared, start + WORD_BYTES, bytes)
    this.headers = new Int32Array(shared, start + WORD_BYTES, bytes / HEADER_BYTES)
    this.mask = bytes - 1
  }
}

export class RingWriter extends Ring {
  #head = 0

  /**
   * Writes `frame` from its byte `from` on, as far as there is room. Answers how far it came: the length of the frame,
   * plus one, once all of it is written. A frame of more than a quarter of the ring goes in chunks.
   */
  write(frame: Uint8Array, from: number): number {
    const { length } = frame
    const largest = (this.mask + 1) >> 2
    for (;;) {
      const size = Math.min(length - from, largest)
      const space = HEADER_BYTES + ((size + 3) & ~3)
      const used = (this.#head - Atomics.load(this.words, TAIL)) | 0
      if (used + space > this.mask + 1) return from
      const last = from + size === length
      this.#put(frame, from, size, last)
      this.#head = (this.#head + space) | 0
      Atomics.store(this.words, HEAD, this.#head)
      from += size
      if (last) return length + 1
    }
  }

  /** True if the reader sleeps: the caller is to ring its bell. */
  wakesReader(): boolean {
    return Atomics.load(this.words, ASLEEP) === 1 && Atomics.compareExchange(this.words, ASLEEP, 1, 0) === 1
  }

  /** Asks for the bell once half of the ring is free. True if it is already: then nobody will ring. */
  wait(): boolean {
    const wanted = (this.#head - ((this.mask + 1) >> 1)) | 0
    Atomics.store(this.words, WANTED, wanted)
    Atomics.store(this.words, WAITING, 1)
    if (((Atomics.load(this.words, TAIL) - wanted) | 0) < 0) return false
    return Atomics.compareExchange(this.words, WAITING, 1, 0) === 1
  }

  #put(frame: Uint8Array, from: number, size: number, last: boolean): void {
    const { data, mask } = this
    this.headers[(this.#head & mask) >> 2] = (size << 1) | (last ? 0 : 1)
    const at = (this.#head + HEADER_BYTES) & mask
    if (size <= 48) {
      for (let i = 0; i < size; i++) data[(at + i) & mask] = frame[from + i] ?? 0
      return
    }
    const first = Math.min(size, mask + 1 - at)
    data.set(frame.subarray(from, from + first), at)
    if (first < size) data.set(frame.subarray(from + first, from + size), 0)
  }
}

export class RingReader extends Ring {
  #tail = 0
  /** Chunks of a frame that is not complete. */
  #chunks: Uint8Array[] = []

  /** Whether nothing is there to read. */
  get empty(): boolean {
    return Atomics.load(this.words, HEAD) === this.#tail
  }

  /** Bytes that wait to be read. */
  get waiting(): number {
    return (Atomics.load(this.words, HEAD) - this.#tail) | 0
  }

  /** The next frame, or undefined if it has not come, or not all of it. */
  read(): Uint8Array | undefined {
    while (!this.empty) {
      const { data, mask } = this
      const header = this.headers[(this.#tail & mask) >> 2] ?? 0
      const size = header >>> 1
      const chunk = new Uint8Array(size)
      const at = (this.#tail + HEADER_BYTES) & mask
      if (size <= 48) for (let i = 0; i < size; i++) chunk[i] = data[(at + i) & mask] ?? 0
      else {
        const first = Math.min(size, mask + 1 - at)
        chunk.set(data.subarray(at, at + first))
        if (first < size) chunk.set(data.subarray(0, size - first), first)
      }
      this.#tail = (this.#tail + HEADER_BYTES + ((size + 3) & ~3)) | 0
      Atomics.store(this.words, TAIL, this.#tail)
      if ((header & 1) === 1) this.#chunks.push(chunk)
      else return this.complete(chunk)
    }
    return undefined
  }

  /** The frame that `last` completes. */
  complete(last: Uint8Array): Uint8Array {
    if (this.#chunks.length === 0) return last
    const frame = new Uint8Array(Buffer.concat([...this.#chunks, last]))
    this.#chunks = []
    return frame
  }

  /** True if the writer waits for room that there is now: the caller is to ring its bell. */
  wakesWriter(): boolean {
    if (Atomics.load(this.words, WAITING) === 0) return false
    if (((this.#tail - Atomics.load(this.words, WANTED)) | 0) < 0) return false
    return Atomics.compareExchange(this.words, WAITING, 1, 0) === 1
  }

  /** Goes to sleep. False if there is something to read after all. */
  sleep(): boolean {
    Atomics.store(this.words, ASLEEP, 1)
    if (this.empty) return true
    // Either the bell is on its way, or the word can be taken back.
    return Atomics.compareExchange(this.words, ASLEEP, 1, 0) === 0
  }

  /** Is awake: nobody need ring. */
  awake(): void {
    Atomics.store(this.words, ASLEEP, 0)
  }
}
