/** Replayable randomness: jitter, load balancing, election time-outs. Never keys or tokens: see {@link Secrets}. */
export interface Random {
  /** A uniform integer in [0, 2^32). */
  uint32(): number
}

/** Unpredictable bytes for keys, tokens and identities. Never replayed outside the simulator. */
export interface Secrets {
  /** `size` fresh random bytes. */
  bytes(size: number): Uint8Array
}
