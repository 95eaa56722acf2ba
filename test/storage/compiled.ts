// The built package, for tests that start the storage thread: Node 20 runs no TypeScript, so they must run `dist/`.

import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A folder of the built package. @throws Error if it is missing, or has a source newer than the last build. */
export function compiledFolder(folder: string): string {
  // The compiler leaves what has not changed untouched: a build is as new as its own record, which `build` dates.
  const record = join(root, 'dist/build.tsbuildinfo')
  const recordMs = existsSync(record) ? statSync(record).mtimeMs : undefined
  const stale = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).find((file) => {
    if (!file.endsWith('.ts')) return false
    const built = join(root, 'dist', folder, file.replace(/\.ts$/, '.js'))
    return !existsSync(built) || (recordMs ?? statSync(built).mtimeMs) < statSync(join(root, folder, file)).mtimeMs
  })
  if (stale !== undefined) {
    throw new Error(`dist/ is missing or stale (${folder}/${stale} is newer): npm run build`)
  }
  return join(root, 'dist', folder)
}

/** `espalier/storage` as users get it. */
export async function compiledStorage(): Promise<typeof import('espalier/storage')> {
  const built: typeof import('espalier/storage') = await import(join(compiledFolder('src/storage'), 'index.js'))
  return built
}
