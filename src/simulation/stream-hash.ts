// A hash of 64 bits over a stream of 32-bit words, for the trace of a world: what it costs, every event of every run
// pays. Two lanes, each a multiplication and a shift per word, which lose nothing of a lane's state; the second takes in
// the first. 32-bit integers only: the same words give the same hash in every JavaScript engine. It tells runs apart and
// defends against nobody; where distinct streams must be unrelated there is half-sip-hash.ts.

const SEED_A = 0x9747b28c | 0
const SEED_B = 0x2f0b4c47

/** A streaming 64-bit hash of 32-bit words. Its two halves are read with `high` and `low`; that does not end the stream. */
export class StreamHash {
  /** The lanes, as they stand: to be put aside and put back by whoever hashes a part on its own. */
  a = SEED_A
  b = SEED_B

  /** Begins anew. */
  clear(): void {
    this.a = SEED_A
    this.b = SEED_B
  }

  /** Takes in the low 32 bits of `value`. */
  word(value: number): void {
    let a = Math.imul(this.a ^ value, 0x85ebca6b)
    a ^= a >>> 15
    const b = Math.imul((this.b ^ value) + a, 0x9e3779b1)
    this.a = a
    this.b = b ^ (b >>> 13)
  }

  /** Takes in a string: its length, then its UTF-16 code units, two to a word. */
  text(text: string): void {
    const { length } = text
    this.word(length)
    for (let i = 1; i < length; i += 2) this.word(text.charCodeAt(i - 1) | (text.charCodeAt(i) << 16))
    if ((length & 1) === 1) this.word(text.charCodeAt(length - 1))
  }

  /** Takes in bytes: their number, then four to a word, the last filled up with zeros. */
  bytes(bytes: Uint8Array): void {
    const { length } = bytes
    this.word(length)
    const whole = length & ~3
    let at = 0
    for (; at < whole; at += 4) {
      this.word(
        byte(bytes, at) | (byte(bytes, at + 1) << 8) | (byte(bytes, at + 2) << 16) | (byte(bytes, at + 3) << 24),
      )
    }
    if (at < length) this.word(byte(bytes, at) | (byte(bytes, at + 1) << 8) | (byte(bytes, at + 2) << 16))
  }

  /** One half of the hash: 32 bits that each depend on every word. */
  get high(): number {
    return finish(this.a, this.b)
  }

  /** The other half. */
  get low(): number {
    return finish(this.b ^ 0x5bd1e995, this.a)
  }
}

/** The last mixing of MurmurHash3 (Appleby 2011), after each half of the state has met the other. */
function finish(one: number, other: number): number {
  let h = one ^ ((other << 13) | (other >>> 19))
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** 0 past the end: the length before tells padding from data. */
function byte(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0
}
