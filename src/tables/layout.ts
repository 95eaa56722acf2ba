// How a table lies in shared memory: 32-bit words, all of them read and written by Atomics only.
//
//   header    magic, buckets, seed of the hash, deleted, entries
//   buckets   per bucket: version, head (the word at which its first block begins; 0: none)
//   arena     blocks: next (as head), hash, bytes of the key, bytes of the value, key, value
//
// One thread writes, any number reads, and nobody waits:
//
// - A block in a chain never changes but for `next`. Every change of a bucket is one store of one word (its head, or the
//   `next` of one block) that links blocks written before. So a reader meets whole chains only, and a writer that is
//   terminated anywhere leaves a whole table.
// - A block that was taken out of a chain may be written over only after the bucket's version has been increased. So a
//   reader that finds the version unchanged after reading has read nothing that was written over; otherwise it reads
//   again. (Atomics are sequentially consistent: with plain loads the check would prove nothing.)

/** Tells a table of this layout from other shared memory. */
export const MAGIC = 0x45545301
export const HEADER = { magic: 0, buckets: 1, seed: 2, deleted: 3, size: 4, words: 8 } as const
export const BUCKET = { version: 0, head: 1, words: 2 } as const
export const BLOCK = { next: 0, hash: 1, keyBytes: 2, valueBytes: 3, words: 4 } as const

export const MAX_ENTRIES_LIMIT = 1 << 24
export const MAX_BYTES_LIMIT = 2 ** 31

/** The word at which the arena begins. */
export function arenaStart(buckets: number): number {
  return HEADER.words + buckets * BUCKET.words
}

/** The words of a block with such a key and value. */
export function blockWords(keyBytes: number, valueBytes: number): number {
  return BLOCK.words + wordsFor(keyBytes) + wordsFor(valueBytes)
}

export function wordsFor(bytes: number): number {
  return (bytes + 3) >>> 2
}

/** As many buckets as entries at most, rounded up to a power of two. */
export function bucketsFor(maxEntries: number): number {
  return 2 ** Math.ceil(Math.log2(maxEntries))
}

/** FNV-1a over the first bytes, mixed from a seed and at the end (MurmurHash3's finalizer), as a signed word. */
export function hashOf(bytes: Uint8Array, length: number, seed: number): number {
  let hash = seed ^ 0x811c9dc5
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) | 0
}

/** The first word of the bucket that a hash belongs to. */
export function bucketOf(hash: number, buckets: number): number {
  return HEADER.words + (hash & (buckets - 1)) * BUCKET.words
}
