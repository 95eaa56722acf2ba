// Who holds an environment. LMDB itself lets many processes in; a log's single writer must not be two.
//
// The owner's record lies in a small LMDB environment of its own, beside the data: LMDB's write lock is shared
// between processes and recovered when its holder dies, so that "look, then take" is one step even among several
// processes that find the same dead owner. The data file is not touched, and need not be sound.
// Limits: outside Linux a reused process number looks alive; processes in two PID namespaces cannot see each other.

import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { open, type RootDatabase } from 'lmdb'
import { StorageError } from '../errors.ts'
import { checkHeader, makeDataFile } from './data-file.ts'
import { storageErrorOf } from './failures.ts'

/** Transactions after which one more finds pages of its own to write to. */
const spareTransactions = 4

interface Owner {
  readonly pid: number
  /** When the process started: boot id and clock ticks since boot. Undefined where the system does not tell. */
  readonly startedAt: string | undefined
  /** Of the owner's file: a copied folder is not held by whoever holds the original. */
  readonly inode: number
}

/** Takes the folder for this process. Throws ERR_STORAGE_LOCKED if a live process holds it. */
export function takeOwnership(folder: string): void {
  withOwner(folder, (held, own) => {
    if (held !== undefined && held.inode === own.inode && isAlive(held)) {
      throw new StorageError(
        'ERR_STORAGE_LOCKED',
        `${folder} is held by ${held.pid === own.pid ? 'this process' : `process ${held.pid}`}`,
      )
    }
    return own
  })
}

/** Gives the folder back, if this process holds it. */
export function releaseOwnership(folder: string): void {
  withOwner(folder, (held, own) => (held?.pid === own.pid && held.startedAt === own.startedAt ? undefined : held))
}

function withOwner(folder: string, decide: (held: Owner | undefined, own: Owner) => Owner | undefined): void {
  const path = join(folder, 'owner.mdb')
  let database: RootDatabase<string, string> | undefined
  try {
    makeDataFile(path, process.pid)
    checkHeader(path)
    const opened = open<string, string>({ path, encoding: 'string', overlappingSync: false })
    database = opened
    const own = { pid: process.pid, startedAt: startOf(process.pid), inode: statSync(path).ino }
    let next: Owner | undefined
    opened.transactionSync(() => {
      next = decide(parseOwner(opened.get('owner')), own)
      if (next === undefined) opened.removeSync('owner')
      else opened.putSync('owner', JSON.stringify(next))
    })
    // LMDB writes to pages that no recent transaction uses: after these there are enough of them, and giving the folder
    // back needs no room on a disk that is full by then.
    for (let left = next === own ? spareTransactions : 0; left > 0; left -= 1) {
      opened.putSync('owner', JSON.stringify(own))
    }
  } catch (error) {
    throw storageErrorOf(error, path)
  } finally {
    database?.close()
  }
}

function parseOwner(text: string | undefined): Owner | undefined {
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return undefined
    if (!('pid' in value && typeof value.pid === 'number' && 'inode' in value && typeof value.inode === 'number')) {
      return undefined
    }
    const startedAt = 'startedAt' in value && typeof value.startedAt === 'string' ? value.startedAt : undefined
    return { pid: value.pid, startedAt, inode: value.inode }
  } catch {
    return undefined
  }
}

function isAlive(owner: Owner): boolean {
  try {
    process.kill(owner.pid, 0)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false
  }
  const startedAt = startOf(owner.pid)
  return startedAt === undefined || owner.startedAt === undefined || startedAt === owner.startedAt
}

/** proc(5): field 22 of /proc/PID/stat; the second field, in parentheses, may itself hold spaces and parentheses. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
    return ticks === undefined ? undefined : `${boot}/${ticks}`
  } catch {
    return undefined
  }
}
