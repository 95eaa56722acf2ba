// A map whose contents can be taken as of now without being copied: entries lie in buckets, and a bucket that a copy
// shares is copied itself before it changes.
//
// Invariant: the order of entries follows from the history of changes alone: by bucket, which the key decides, then by
// age. So maps with the same history, and a map restored from its entries in order, have the same order.

/** Entries in a bucket, on average, of a map of a million. */
const BUCKETS = 1024

export class BucketMap<V> {
  readonly #buckets: (Map<string, V> | undefined)[]
  /** Buckets that no copy shares. */
  #own: Set<Map<string, V>>
  #size: number

  constructor(from?: BucketMap<V>) {
    this.#buckets = from === undefined ? new Array<undefined>(BUCKETS).fill(undefined) : [...from.#buckets]
    this.#own = new Set()
    this.#size = from?.size ?? 0
  }

  get size(): number {
    return this.#size
  }

  get(key: string): V | undefined {
    return this.#buckets[bucketOf(key)]?.get(key)
  }

  set(key: string, value: V): void {
    const bucket = this.#ownBucket(bucketOf(key))
    const before = bucket.size
    bucket.set(key, value)
    this.#size += bucket.size - before
  }

  /** False if the key was not there. */
  delete(key: string): boolean {
    const at = bucketOf(key)
    if (this.#buckets[at]?.has(key) !== true) return false
    this.#ownBucket(at).delete(key)
    this.#size -= 1
    return true
  }

  /** The map as it is now; both can change from now on, and neither shows in the other. */
  copy(): BucketMap<V> {
    this.#own = new Set()
    return new BucketMap(this)
  }

  *entries(): Generator<readonly [string, V], void, void> {
    for (const bucket of this.#buckets) if (bucket !== undefined) yield* bucket
  }

  #ownBucket(at: number): Map<string, V> {
    const shared = this.#buckets[at]
    if (shared !== undefined && this.#own.has(shared)) return shared
    const own = new Map(shared)
    this.#buckets[at] = own
    this.#own.add(own)
    return own
  }
}

/** FNV-1a, folded to a bucket. */
function bucketOf(key: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < key.length; at += 1) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
  return ((hash >>> 16) ^ hash) & (BUCKETS - 1)
}
