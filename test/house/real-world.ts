// Who may touch the real world, beyond src/system, which exists for it. Each entry is one file, the names it may use, and
// why a port would not do. An entry that is no longer needed is a complaint, so the list only holds what is true.

export interface RealWorldEntry {
  readonly path: string
  /** Names as the check of ambient.ts prints them: `setTimeout`, `Date`, `node:fs`, `lmdb`, `import()` … */
  readonly names: readonly string[]
  readonly reason: string
}

export const realWorld: readonly RealWorldEntry[] = []
