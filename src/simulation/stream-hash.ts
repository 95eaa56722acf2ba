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
    // `word`, written out on variables: the fields would be stored and loaded again for each.
    let a = Math.imul(this.a ^ length, 0x85ebca6b)
    a ^= a >>> 15
    let b = Math.imul((this.b ^ length) + a, 0x9e3779b1)
    b ^= b >>> 13
    for (let i = 0; i < length; i += 2) {
      const value = i + 1 < length ? text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16) : text.charCodeAt(i)
      a = Math.imul(a ^ value, 0x85ebca6b)
      a ^= a >>> 15
      b = Math.imul((b ^ value) + a, 0x9e3779b1)
      b ^= b >>> 13
    }
    this.a = a
    this.b = b
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
