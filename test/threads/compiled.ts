// The built package, for tests that start threads: its classes are not those of the sources, so a test takes everything
// from here.

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { compiledFolder } from '../storage/compiled.ts'

const folder = compiledFolder('src')

/** The URL of a compiled file of `src`. */
export function compiledUrl(path: string): string {
  return pathToFileURL(join(folder, path)).href
}

/** `espalier`, as users get it. */
export const espalier: typeof import('espalier') = await import(compiledUrl('index.js'))
/** `espalier/threads`, as users get it. */
export const threads: typeof import('espalier/threads') = await import(compiledUrl('threads/index.js'))
/** `espalier/distribution`, as users get it. */
export const distribution: typeof import('espalier/distribution') = await import(compiledUrl('distribution/index.js'))

/** The URL of a module for worker threads, beside this file. */
export function workerModule(name: string): string {
  return new URL(`./workers/${name}`, import.meta.url).href
}
