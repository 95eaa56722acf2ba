// From the codes of LMDB and of the operating system to ours.

import { StorageError, type StorageErrorCode } from '../errors.ts'

/** lmdb.h (MDB_…) and errno(3), as lmdb-js reports them in `code`: negative for LMDB's own, positive for errno. */
const codes: ReadonlyMap<number | string, StorageErrorCode> = new Map<number | string, StorageErrorCode>([
  [28, 'ERR_STORAGE_FULL'], // ENOSPC
  [122, 'ERR_STORAGE_FULL'], // EDQUOT
  [27, 'ERR_STORAGE_FULL'], // EFBIG
  ['ENOSPC', 'ERR_STORAGE_FULL'],
  ['EDQUOT', 'ERR_STORAGE_FULL'],
  ['EFBIG', 'ERR_STORAGE_FULL'],
  [-30792, 'ERR_STORAGE_MAP_FULL'], // MDB_MAP_FULL
  [-30788, 'ERR_STORAGE_MAP_FULL'], // MDB_TXN_FULL
  [30, 'ERR_STORAGE_READ_ONLY'], // EROFS
  [13, 'ERR_STORAGE_READ_ONLY'], // EACCES
  [1, 'ERR_STORAGE_READ_ONLY'], // EPERM
  ['EROFS', 'ERR_STORAGE_READ_ONLY'],
  ['EACCES', 'ERR_STORAGE_READ_ONLY'],
  ['EPERM', 'ERR_STORAGE_READ_ONLY'],
  [2, 'ERR_STORAGE_MISSING'], // ENOENT
  ['ENOENT', 'ERR_STORAGE_MISSING'],
  [-30797, 'ERR_STORAGE_CORRUPTED'], // MDB_PAGE_NOTFOUND
  [-30796, 'ERR_STORAGE_CORRUPTED'], // MDB_CORRUPTED
  [-30794, 'ERR_STORAGE_CORRUPTED'], // MDB_VERSION_MISMATCH
  [-30793, 'ERR_STORAGE_CORRUPTED'], // MDB_INVALID
])

/** The failure as a StorageError that names the path. What no rule knows is ERR_STORAGE_IO. */
export function storageErrorOf(error: unknown, path: string): StorageError {
  if (error instanceof StorageError) return error
  const reported: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  const known = typeof reported === 'number' || typeof reported === 'string' ? codes.get(reported) : undefined
  const text = error instanceof Error ? error.message : String(error)
  return new StorageError(known ?? 'ERR_STORAGE_IO', `${path}: ${text}`, { cause: error })
}
