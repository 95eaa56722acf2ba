// Small files behind the Files port, on a real disk.
//
// Invariants: what a resolved promise reports survives a power cut (the file and its folder are flushed); a crash
// leaves the old file or the new one, never a part; nobody sees a file before it is whole and has its mode.

import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readFile, rename, unlink } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Files } from '../kernel/ports/index.ts'

/** Readable by all, as far as the umask lets: what is secret asks for 0o600. */
const defaultMode = 0o644

/** The machine's files. Paths are relative to the process's folder unless absolute. */
export const systemFiles: Files = {
  async read(path) {
    try {
      return Uint8Array.from(await readFile(path))
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined
      throw error
    }
  },

  async replace(path, bytes, mode = defaultMode) {
    const beside = await writeBeside(path, bytes, mode)
    try {
      await rename(beside, path)
    } catch (error) {
      await unlink(beside)
      throw error
    }
    await flushFolder(dirname(path))
  },

  // A link, not an exclusive open: a crash while writing must not leave a half file under the name.
  async create(path, bytes, mode = defaultMode) {
    const beside = await writeBeside(path, bytes, mode)
    try {
      await link(beside, path)
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false
      throw error
    } finally {
      await unlink(beside)
    }
    await flushFolder(dirname(path))
    return true
  },

  async makeFolder(path) {
    const first = await mkdir(path, { recursive: true })
    if (first === undefined) return
    // Every folder made is an entry in its parent, and each of those must be flushed.
    const top = dirname(resolve(first))
    for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
      await flushFolder(folder)
      if (folder === top || folder === dirname(folder)) return
    }
  },
}

async function writeBeside(path: string, bytes: Uint8Array, mode: number): Promise<string> {
  const beside = `${path}.${randomUUID()}.tmp`
  const file = await open(beside, 'wx', mode)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } catch (error) {
    await unlink(beside)
    throw error
  } finally {
    await file.close()
  }
  return beside
}

async function flushFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
