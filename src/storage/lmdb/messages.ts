// What travels between a connection and the storage thread: arrays of requests one way, arrays of replies the other.
// Requests of one store take effect in the order of their arrival; replies may come in another order.

import type { StorageErrorCode } from '../errors.ts'
import type { ScanRange } from '../store.ts'

/** How often the storage thread shows that it turns, in milliseconds. */
export const beatEveryMs = 250

export interface EnvironmentOptions {
  /** An absolute path of a folder. */
  readonly path: string
  readonly readOnly: boolean
  readonly maxBytes: number
  /** How long an open waits for a folder that another handle holds. */
  readonly lockTimeoutMs: number
  /** The planted bug of the power-cut check: acknowledge before the flush. */
  readonly acknowledgeAtPut: boolean
}

export type Request =
  | { readonly kind: 'open'; readonly id: number; readonly store: number; readonly options: EnvironmentOptions }
  /** `bytes`: encoded batches, one behind the other. */
  | { readonly kind: 'write'; readonly id: number; readonly store: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'get'; readonly id: number; readonly store: number; readonly key: Uint8Array }
  | { readonly kind: 'scan'; readonly id: number; readonly store: number; readonly range: ScanRange }
  | { readonly kind: 'close'; readonly id: number; readonly store: number }

export interface Failure {
  readonly code: StorageErrorCode | 'ERR_OPTION'
  readonly message: string
}

/** Without failures: what was asked for is done. */
export interface Reply {
  readonly id: number
  readonly failure?: Failure
  /** Of a write: which of its batches failed, by their place among them. The others are durable. */
  readonly failures?: readonly { readonly place: number; readonly failure: Failure }[]
  /** A value, or the entries of a page encoded as a batch of puts. */
  readonly bytes?: Uint8Array<ArrayBuffer> | undefined
  /** Of a write: the buffer in which it came, if it is worth keeping. */
  readonly spare?: ArrayBuffer
  /** See ScanPage. */
  readonly rest?: ScanRange | undefined
}
