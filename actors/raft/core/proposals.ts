// Entries that a leader makes, of commands and of its own.

import type { EntryKind } from './entry.ts'
import { encodeEntry, encodeEntryInto, headerBytes } from './entry-codec.ts'
import type { Proposal } from './input.ts'
import type { Leadership } from './leadership.ts'
import type { ReplicaState } from './replica-state.ts'
import { replicateToAll } from './replication.ts'

export function propose(replica: ReplicaState, proposals: readonly Proposal[], epochMs: number): void {
  const { leading } = replica
  if (leading === undefined || replica.handover !== undefined) {
    replica.refuse(idsOf(proposals), leading === undefined ? 'notLeader' : 'transferring')
    return
  }
  const accepted = sift(replica, leading, proposals)
  if (accepted.length === 0) return
  const { log, term } = replica
  const from = log.lastIndex + 1
  const timeMs = Math.max(replica.lastTimeMs, Math.floor(epochMs))
  let bytes = 0
  for (const { payload } of accepted) bytes += headerBytes + payload.length
  const buffer = new Uint8Array(bytes)
  let at = 0
  for (const { id, payload } of accepted) {
    const end = at + headerBytes + payload.length
    const index = log.lastIndex + 1
    replica.append(encodeEntryInto(buffer.subarray(at, end), { index, term, kind: 'command', timeMs, payload }))
    replica.emit({ type: 'accepted', id, position: { index, term } })
    at = end
  }
  leading.uncommitted.push({ through: log.lastIndex, bytes })
  leading.uncommittedBytes += bytes
  replica.trace({ name: 'appendOwn', from, through: log.last })
  replicateToAll(replica)
}

/** Refuses what is too large or too much; the rest stays in its order. */
function sift(replica: ReplicaState, leading: Leadership, proposals: readonly Proposal[]): Proposal[] {
  const { maxEntryBytes, maxUncommittedBytes } = replica.settings
  const accepted: Proposal[] = []
  const tooLarge: number[] = []
  const tooMany: number[] = []
  let bytes = leading.uncommittedBytes
  for (const proposal of proposals) {
    const { length } = proposal.payload
    if (length > maxEntryBytes) tooLarge.push(proposal.id)
    else if (bytes > 0 && bytes + length > maxUncommittedBytes) tooMany.push(proposal.id)
    else {
      accepted.push(proposal)
      bytes += headerBytes + length
    }
  }
  replica.refuse(tooLarge, 'tooLarge')
  replica.refuse(tooMany, 'rateLimited')
  return accepted
}

/** Appends an entry of the leader's own; whoever calls sends it. */
export function appendOwn(replica: ReplicaState, kind: EntryKind, payload: Uint8Array, epochMs = 0): void {
  const { log, term } = replica
  const timeMs = Math.max(replica.lastTimeMs, Math.floor(epochMs))
  const index = log.lastIndex + 1
  replica.append(encodeEntry({ index, term, kind, timeMs, payload }))
  replica.trace({ name: 'appendOwn', from: index, through: log.last })
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

function idsOf(proposals: readonly Proposal[]): number[] {
  return proposals.map(({ id }) => id)
}
