// The storage room's face (`espalier/storage`).

export { WriteBatch } from './batch.ts'
export { crc32c } from './crc32c.ts'
export {
  DurableLog,
  type LogChange,
  type LogOptions,
  type LogPosition,
  openLog,
  type ReadBounds,
} from './durable-log.ts'
export { StorageError, type StorageErrorCode } from './errors.ts'
export { type Key, type KeyRange, type KeyValueChanges, type KeyValueEntry, KeyValueStore } from './key-value-store.ts'
export { maxKeyBytes, prefixRange, successor } from './keys.ts'
export { type LmdbOptions, openLmdb } from './lmdb/lmdb-store.ts'
export { connectStorage } from './lmdb/storage-thread.ts'
export { LogError, type LogErrorCode } from './log-error.ts'
export type { LogRecovery } from './log-recovery.ts'
export { type DiskJob, MemoryDisk, type MemoryDiskOptions, type PowerCut } from './memory-disk.ts'
export {
  type QueueLimits,
  type ScanPage,
  type ScanRange,
  type StoredEntry,
  scanAll,
  type TransactionalStore,
} from './store.ts'
export type { Tear } from './volume.ts'
