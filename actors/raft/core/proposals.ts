// Entries that a leader makes, of commands and of its own.

import type { Refusal } from '../../consensus/refusal.ts'
import type { Entry, EntryKind } from './entry.ts'
import { encodeEntry } from './entry-codec.ts'
import type { Proposal } from './input.ts'
import type { Leadership } from './leadership.ts'
import type { ReplicaState } from './replica-state.ts'
import { replicateToAll } from './replication.ts'

export function propose(replica: ReplicaState, proposals: readonly Proposal[], epochMs: number): void {
  const { leading, settings } = replica
  if (leading === undefined || replica.handover !== undefined) {
    replica.refuse(idsOf(proposals), leading === undefined ? 'notLeader' : 'transferring')
    return
  }
  const from = replica.log.lastIndex + 1
  const timeMs = Math.max(replica.lastTimeMs, Math.floor(epochMs))
  const refused = new Map<Refusal, number[]>()
  let bytes = 0
  for (const { id, payload } of proposals) {
    const refusal = refusalOf(payload)
    if (refusal !== undefined) {
      const ids = refused.get(refusal)
      if (ids === undefined) refused.set(refusal, [id])
      else ids.push(id)
      continue
    }
    const entry = makeEntry(replica, 'command', payload, timeMs)
    bytes += entry.bytes.length
    replica.append(entry)
    replica.emit({ type: 'accepted', id, position: { index: entry.index, term: entry.term } })
  }
  for (const [code, ids] of refused) replica.refuse(ids, code)
  if (bytes === 0) return
  leading.uncommitted.push({ through: replica.log.lastIndex, bytes })
  leading.uncommittedBytes += bytes
  replica.trace({ name: 'appendOwn', from, through: replica.log.last })
  replicateToAll(replica)

  function refusalOf(payload: Uint8Array): Refusal | undefined {
    if (payload.length > settings.maxEntryBytes) return 'tooLarge'
    const already = (leading?.uncommittedBytes ?? 0) + bytes
    return already > 0 && already + payload.length > settings.maxUncommittedBytes ? 'rateLimited' : undefined
  }
}

/** Appends an entry of the leader's own; whoever calls sends it. */
export function appendOwn(replica: ReplicaState, kind: EntryKind, payload: Uint8Array, epochMs = 0): void {
  const entry = makeEntry(replica, kind, payload, Math.max(replica.lastTimeMs, Math.floor(epochMs)))
  replica.append(entry)
  replica.trace({ name: 'appendOwn', from: entry.index, through: replica.log.last })
}

/** What is committed no longer counts against the bound. */
export function releaseCommitted(leading: Leadership, commit: number): void {
  let count = 0
  for (const { through, bytes } of leading.uncommitted) {
    if (through > commit) break
    leading.uncommittedBytes -= bytes
    count += 1
  }
  if (count > 0) leading.uncommitted.splice(0, count)
}

function makeEntry(replica: ReplicaState, kind: EntryKind, payload: Uint8Array, timeMs: number): Entry {
  return encodeEntry({ index: replica.log.lastIndex + 1, term: replica.term, kind, timeMs, payload })
}

function idsOf(proposals: readonly Proposal[]): number[] {
  return proposals.map(({ id }) => id)
}
