// HalfSipHash-2-4 with 64 bits of output, over a stream of 32-bit words. (Aumasson & Bernstein, "SipHash: a fast
// short-input PRF", 2012; the Half variant and its vectors are in their reference code.) Chosen because it is made of
// 32-bit additions, rotations and exclusive ors only: the same words give the same hash in every JavaScript engine,
// with neither BigInt nor floating point. It is not a signature: nothing here defends against an adversary.

/** A streaming 64-bit hash of 32-bit words. Reading it does not end the stream. */
export class HalfSipHash {
  #v0: number
  #v1: number
  #v2: number
  #v3: number
  #words = 0

  /** The key is 64 bits, given as two words. Streams with different keys are independent. */
  constructor(key0 = 0, key1 = 0) {
    this.#v0 = key0 | 0
    this.#v1 = key1 ^ 0xee
    this.#v2 = 0x6c796765 ^ key0
    this.#v3 = 0x74656462 ^ key1
  }

  /** Takes in the low 32 bits of `value`. */
  word(value: number): void {
    this.#words++
    this.#v3 ^= value
    this.#twoRounds()
    this.#v0 ^= value
  }

  /** The hash of what was taken in so far: two unsigned words. */
  words(): readonly [number, number] {
    const end = new HalfSipHash()
    end.#v0 = this.#v0
    end.#v1 = this.#v1
    end.#v2 = this.#v2
    end.#v3 = this.#v3
    end.word((this.#words << 2) << 24) // the last block holds the length in bytes, modulo 256
    end.#v2 ^= 0xee
    end.#twoRounds()
    end.#twoRounds()
    const first = (end.#v1 ^ end.#v3) >>> 0
    end.#v1 ^= 0xdd
    end.#twoRounds()
    end.#twoRounds()
    return [first, (end.#v1 ^ end.#v3) >>> 0]
  }

  /** Written out rather than looped: this is the simulator's hottest code, and a loop makes it twice as slow. */
  #twoRounds(): void {
    let v0 = this.#v0
    let v1 = this.#v1
    let v2 = this.#v2
    let v3 = this.#v3
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)

    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
    this.#v0 = v0
    this.#v1 = v1
    this.#v2 = v2
    this.#v3 = v3
  }
}

/** Takes in a string: its length, then its UTF-16 code units, two to a word. */
export function hashText(hash: HalfSipHash, text: string): void {
  const length = text.length
  hash.word(length)
  for (let i = 0; i < length; i += 2) {
    const second = i + 1 < length ? text.charCodeAt(i + 1) : 0
    hash.word(text.charCodeAt(i) | (second << 16))
  }
}
