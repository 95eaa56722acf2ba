// What travels between a connection and the storage thread. Requests of one store take effect in the order of their
// arrival; replies are gathered per turn and may come in another order.

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
  | { readonly kind: 'write'; readonly id: number; readonly store: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'get'; readonly id: number; readonly store: number; readonly key: Uint8Array }
  | { readonly kind: 'scan'; readonly id: number; readonly store: number; readonly range: ScanRange }
  | { readonly kind: 'close'; readonly id: number; readonly store: number }

export type Reply =
  | {
      readonly id: number
      readonly error: { readonly code: StorageErrorCode | 'ERR_OPTION'; readonly message: string }
    }
  /** `bytes`: a value, or the entries of a page encoded as a batch of puts. `rest`: see ScanPage. */
  | { readonly id: number; readonly bytes?: Uint8Array<ArrayBuffer> | undefined; readonly rest?: ScanRange | undefined }
