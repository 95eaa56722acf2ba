// What the processes of a group say to each other: replicas among themselves (the core's messages, entries as their bytes
// alone), clients to replicas and back, and a replica to its applier.

import type { Ref } from '../../src/kernel/ref.ts'
import type { From } from '../../src/kernel/self.ts'
import type { ReadMode } from '../consensus/consensus.ts'
import type { Refusal } from '../consensus/refusal.ts'
import type { Configuration } from './core/configuration.ts'
import type { Entry, Incarnation, LogIndex, LogPosition, ReplicaId, Term } from './core/entry.ts'
import type { MembershipChange, Refused } from './core/input.ts'
import type { Append, Message, SnapshotDescription } from './core/message.ts'
import type { Role } from './core/transition.ts'
import { packEntries, unpackEntries } from './wire.ts'

// ---- between replicas ------------------------------------------------------------------------------------------------

/** A message as it is sent: entries as {@link packEntries} writes them. */
export type WireMessage = Exclude<Message, Append> | (Omit<Append, 'entries'> & { readonly entries: Uint8Array })

export function toWire(message: Message): WireMessage {
  return message.kind === 'append' ? { ...message, entries: packEntries(message.entries) } : message
}

/** A message as the core takes it; undefined for what no replica sends. */
export function fromWire(kind: string, wire: unknown): Message | undefined {
  if (typeof wire !== 'object' || wire === null) return undefined
  const message = wire as WireMessage
  const isHeaded =
    message.kind === kind &&
    typeof message.from === 'string' &&
    typeof message.incarnation === 'string' &&
    Number.isSafeInteger(message.term)
  if (!isHeaded) return undefined
  if (message.kind !== 'append') return message
  const entries = unpackEntries(message.entries)
  return entries === undefined ? undefined : { ...message, entries }
}

// ---- clients ---------------------------------------------------------------------------------------------------------

/** One thing that a client asks for, under a number of its own. */
export type ClientItem =
  | { readonly id: number; readonly type: 'open' }
  /** A command as `encodeCommand` writes it. */
  | { readonly id: number; readonly type: 'command'; readonly payload: Uint8Array }
  | {
      readonly id: number
      readonly type: 'read'
      readonly question: Uint8Array
      /** A read through the log is a command. */
      readonly mode: Exclude<ReadMode, 'log'>
    }

/** What a client asks for in one turn: its items as {@link packItems} writes them. */
export interface ClientRequest {
  readonly client: Ref<ClientProtocol>
  readonly items: Uint8Array
}

export interface ClientAnswer {
  readonly id: number
  /** What the state machine has answered. */
  readonly answer?: Uint8Array
  /** The session that was opened. */
  readonly session?: number
  readonly refused?: Refusal
  /** With a refusal: who leads, if known. */
  readonly leader?: ReplicaId | undefined
}

/** What of a client's protocol replicas use. */
export interface ClientProtocol {
  readonly cast: {
    /** {@link ClientAnswer}s, as {@link packAnswers} writes them. */
    readonly reply: (answers: Uint8Array) => void
    readonly view: (view: ReplicaView) => void
  }
}

/** Who is to be answered: a client's item, or the caller of an administrator's call. */
export type Asker = { readonly client: Ref<ClientProtocol>; readonly id: number } | { readonly from: From }

// ---- administration --------------------------------------------------------------------------------------------------

/** What a change of membership, a transfer and the like come to. */
export type AdminAnswer = { readonly ok: true } | ({ readonly ok: false } & Refused)

/** Who leads and who belongs to the group, as one replica knows it. */
export interface ReplicaView {
  readonly id: ReplicaId
  readonly leader: ReplicaId | undefined
  readonly term: Term
  readonly configuration: Configuration | undefined
  readonly isCommitted: boolean
}

export interface RaftCounters {
  elections: number
  termsSeen: number
  leaderships: number
  proposals: number
  /** Entries handed to the disk, and the writes they came in. */
  entriesWritten: number
  writes: number
  entriesCommitted: number
  entriesApplied: number
  snapshotsTaken: number
  snapshotsInstalled: number
  readsAnswered: number
  refusals: number
  failedWrites: number
  slowApplies: number
}

export interface ReplicaStatus extends ReplicaView {
  readonly incarnation: Incarnation
  readonly role: Role | 'recovering'
  readonly votedFor: ReplicaId | undefined
  readonly last: LogPosition
  readonly commit: LogIndex
  /** As the applier last said. */
  readonly applied: LogIndex
  readonly snapshot: LogPosition | undefined
  readonly hasDiskTrouble: boolean
  readonly counters: Readonly<RaftCounters>
}

export interface ReplicaProtocol {
  readonly call: {
    readonly status: () => ReplicaStatus
    /** Answers once the change is through, or refused. */
    readonly change: (change: MembershipChange) => AdminAnswer
    readonly transfer: (to: ReplicaId) => AdminAnswer
    readonly expireSession: (session: number) => AdminAnswer
    /** Takes a snapshot of what is applied and compacts the log behind it. */
    readonly snapshot: () => AdminAnswer
    /** The incarnation of this replica's disk: what `add` needs to know. */
    readonly incarnation: () => Incarnation
  }
  readonly cast: { readonly [K in Message['kind']]: (message: WireMessage) => void } & {
    readonly request: (request: ClientRequest) => void
    readonly campaign: () => void
    readonly holdApply: () => void
    readonly releaseApply: () => void
    readonly watch: (watcher: Ref<ClientProtocol>) => void
    readonly unwatch: (watcher: Ref<ClientProtocol>) => void
    // The replica's own: its disk and its applier.
    readonly ready: (applier: Ref<ApplierProtocol>) => void
    readonly flush: () => void
    readonly persisted: (write: number) => void
    readonly diskFailed: (error: unknown) => void
    readonly diskWorks: () => void
    readonly fetched: (fetched: { to: ReplicaId; from: LogIndex; entries: readonly Entry[] }) => void
    readonly chunkRead: (message: WireMessage & { readonly to: ReplicaId }) => void
    readonly chunkStored: (stored: { last: LogPosition; nextOffset: number }) => void
    readonly assembled: (assembled: Assembled) => void
    readonly prepared: (prepared: { snapshot: SnapshotDescription; isIntact: boolean }) => void
    readonly installed: (installed: { snapshot: SnapshotDescription; error: unknown }) => void
    readonly applied: (applied: { index: LogIndex; entries: number; reads: number }) => void
    readonly slowApply: (tookMs: number) => void
    readonly snapshotTaken: (snapshot: SnapshotDescription) => void
  }
}

/** A received snapshot as read from the disk; undefined if it is damaged. */
export interface Assembled {
  readonly snapshot: SnapshotDescription
  readonly bytes: Uint8Array | undefined
}

// ---- the applier -----------------------------------------------------------------------------------------------------

/** A command that was accepted at a place in the log, and who waits for it. */
export interface Expected {
  readonly position: LogPosition
  readonly asker: Asker
}

export interface Question {
  readonly asker: Asker
  readonly question: Uint8Array
}

/** What of the snapshot in force a peer is being sent. */
export interface HandedPart {
  readonly to: ReplicaId
  readonly last: LogIndex
  readonly offset: number
}

export interface ApplierProtocol {
  readonly cast: {
    readonly apply: (entries: readonly Entry[]) => void
    readonly applyStored: (range: { from: LogIndex; through: LogIndex }) => void
    readonly stored: (entries: readonly Entry[]) => void
    readonly expect: (expected: readonly Expected[]) => void
    readonly overwritten: (from: LogIndex) => void
    readonly serve: (reads: { index: LogIndex; questions: readonly Question[] }) => void
    readonly configuration: (at: { at: LogIndex; configuration: Configuration }) => void
    readonly leader: (leader: ReplicaId | undefined) => void
    readonly prepare: (assembled: { snapshot: SnapshotDescription; bytes: Uint8Array }) => void
    readonly adopt: (snapshot: SnapshotDescription) => void
    readonly hold: () => void
    readonly release: () => void
    readonly takeSnapshot: (asker: From | undefined) => void
    readonly handing: (part: HandedPart) => void
    readonly slice: () => void
    readonly snapshotSlice: () => void
    readonly snapshotWritten: (outcome: { readonly error: unknown }) => void
  }
}
