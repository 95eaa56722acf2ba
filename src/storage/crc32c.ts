// CRC-32C (Castagnoli, RFC 3720 appendix B.4): polynomial 0x1EDC6F41, reflected. Eight tables take eight bytes a step
// ("slicing by 8", Kounavis and Berry 2005), as two words of an aligned copy: reading them byte by byte took as long again.

const tables = buildTables()

/** The bytes at hand, and the same as little-endian words. LMDB files are little-endian too. */
const chunk = new Uint8Array(16 * 1024)
const words = new Int32Array(chunk.buffer)

/**
 * The checksum of `bytes`, going on from `seed`, so that crc32c(b, crc32c(a)) is the checksum of a and b together.
 * @param seed the checksum so far. Default 0.
 * @returns an integer in [0, 2^32).
 */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  if (bytes.length <= chunk.length) {
    chunk.set(bytes)
    return ~step(~seed, bytes.length) >>> 0
  }
  let crc = ~seed
  for (let at = 0; at < bytes.length; at += chunk.length) {
    const part = bytes.subarray(at, at + chunk.length)
    chunk.set(part)
    crc = step(crc, part.length)
  }
  return ~crc >>> 0
}

/** Takes the first `length` bytes of the chunk. Indexes are in range by their making. */
function step(before: number, length: number): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables
  let crc = before
  const pairs = length >>> 3
  for (let i = 0; i < pairs; i += 1) {
    const a = crc ^ (words[2 * i] as number)
    const b = words[2 * i + 1] as number
    crc =
      (t7[a & 0xff] as number) ^
      (t6[(a >>> 8) & 0xff] as number) ^
      (t5[(a >>> 16) & 0xff] as number) ^
      (t4[a >>> 24] as number) ^
      (t3[b & 0xff] as number) ^
      (t2[(b >>> 8) & 0xff] as number) ^
      (t1[(b >>> 16) & 0xff] as number) ^
      (t0[b >>> 24] as number)
  }
  for (let at = pairs * 8; at < length; at += 1) {
    crc = (t0[(crc ^ (chunk[at] as number)) & 0xff] as number) ^ (crc >>> 8)
  }
  return crc
}

type Tables = readonly [T, T, T, T, T, T, T, T]
type T = Int32Array

function buildTables(): Tables {
  const first = new Int32Array(256)
  for (let value = 0; value < 256; value += 1) {
    let crc = value
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
    first[value] = crc
  }
  const next = (table: T): T => table.map((crc) => (first[crc & 0xff] ?? 0) ^ (crc >>> 8))
  const t1 = next(first)
  const t2 = next(t1)
  const t3 = next(t2)
  const t4 = next(t3)
  const t5 = next(t4)
  const t6 = next(t5)
  return [first, t1, t2, t3, t4, t5, t6, next(t6)]
}
