/** Small files that live beside a store: keys, signed heads, agent declarations. Not for logs: see `src/storage`. */
export interface Files {
  /** The file's bytes, or undefined if there is none. Any other failure rejects. */
  read(path: string): Promise<Uint8Array | undefined>
  /** Replaces the file as one step (write beside, flush, rename, flush the folder), so that a crash leaves old or new. */
  replace(path: string, bytes: Uint8Array, mode?: number): Promise<void>
  /** Creates the file with `mode` and flushes it. Answers false, and changes nothing, if it exists. */
  create(path: string, bytes: Uint8Array, mode?: number): Promise<boolean>
  /** Makes a folder and its parents. */
  makeFolder(path: string): Promise<void>
}
