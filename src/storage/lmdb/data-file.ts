// LMDB's files: made so that a power cut leaves a sound one or none, and looked at before LMDB opens them, because
// lmdb-js 3.5.6 dies of a segmentation fault when the file's header is wrong.

import { closeSync, existsSync, fstatSync, fsyncSync, linkSync, mkdirSync, openSync, readSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { open } from 'lmdb'
import { StorageError } from '../errors.ts'

/** Makes the folder and its parents, and flushes each name into its parent: else a power cut takes the store away. */
export function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  const first = mkdirSync(folder, { recursive: true })
  let at = folder
  while (first !== undefined) {
    syncFile(dirname(at))
    if (at === first) return
    at = dirname(at)
  }
}

/**
 * Makes an empty environment unless the file is there. It gets its name once it is whole and flushed; of several
 * processes that make it at once, one does.
 * @param maker a number no other live process uses: the process's own.
 */
export function makeDataFile(path: string, maker: number): void {
  if (existsSync(path)) return
  const draft = `${path}.${maker}.mdb`
  try {
    rmSync(draft, { force: true })
    open({ path: draft, overlappingSync: false }).close()
    syncFile(draft)
    try {
      linkSync(draft, path)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    }
    syncFile(dirname(path))
  } finally {
    rmSync(draft, { force: true })
    rmSync(`${draft}-lock`, { force: true })
  }
}

/**
 * Checks both meta pages as `mdb_env_read_header` does, and that the roots they name lie inside the file.
 * The layout is that of lmdb-js's LMDB 0.9.90, data version 2, on a 64-bit little-endian machine.
 * @throws StorageError ERR_STORAGE_CORRUPTED
 */
export function checkHeader(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    const first = readMeta(descriptor, 0)
    const pageSize = first?.pageSize ?? 0
    const isPageSize = pageSize >= 512 && pageSize <= 65_536 && (pageSize & (pageSize - 1)) === 0
    const second = isPageSize ? readMeta(descriptor, pageSize) : undefined
    if (first === undefined || second === undefined) {
      throw new StorageError('ERR_STORAGE_CORRUPTED', `${path}: its header is not that of an LMDB file`)
    }
    const newest = second.transaction > first.transaction ? second : first
    // Looked at last: others may write, and the file grows before a meta page names what is new.
    const { size } = fstatSync(descriptor)
    for (const root of newest.roots) {
      if (root !== noPage && (root + 1n) * BigInt(pageSize) > BigInt(size)) {
        throw new StorageError('ERR_STORAGE_CORRUPTED', `${path}: page ${root} lies beyond its ${size} bytes`)
      }
    }
  } finally {
    closeSync(descriptor)
  }
}

interface Meta {
  readonly pageSize: number
  readonly transaction: bigint
  readonly roots: readonly bigint[]
}

const noPage = 0xffff_ffff_ffff_ffffn
const metaFlag = 0x08
const magic = 0xbeefc0de
const dataVersion = 2

function readMeta(descriptor: number, at: number): Meta | undefined {
  const page = Buffer.alloc(168)
  if (readSync(descriptor, page, 0, page.length, at) < page.length) return undefined
  if ((page.readUInt16LE(18) & metaFlag) === 0 || page.readUInt32LE(24) !== magic) return undefined
  if ((page.readUInt32LE(28) & 0xffff) !== dataVersion) return undefined
  return {
    pageSize: page.readUInt32LE(48),
    transaction: page.readBigUInt64LE(152),
    roots: [page.readBigUInt64LE(88), page.readBigUInt64LE(136)],
  }
}

/** Flushes a file, or a folder's names. */
export function syncFile(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
