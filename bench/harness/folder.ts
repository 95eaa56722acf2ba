// Where contenders keep their data: beside the build, on the project's own disk. The system's temporary
// folder may lie in memory, where durable means nothing.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './peers.ts'

/** A new folder, removed when this process exits. */
export function dataFolder(name: string): string {
  const parent = join(root, 'build/bench/data')
  mkdirSync(parent, { recursive: true })
  const folder = mkdtempSync(join(parent, `${name}-`))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))
  return folder
}
