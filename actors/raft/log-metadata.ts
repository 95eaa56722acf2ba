// What a replica keeps beside its log, in the same transaction as each change of it: the hard state, which life of the
// disk this is, the last entry's term (so that a damaged last entry can still be named), and which snapshot is in force.
//
// u8 version, u64 term, u64 commit, u64 term of the last entry, u32 snapshot, u8 flags (1 voted, 2 vote floor, 4 hard
// state), u64 index and u64 term of the vote floor, text of the vote, text of the incarnation.

import { ByteReader, ByteWriter, CodecError } from '../consensus/bytes.ts'
import type { HardState } from './core/effect.ts'
import type { Incarnation, Term } from './core/entry.ts'

export interface LogMetadata {
  readonly hardState: HardState | undefined
  readonly incarnation: Incarnation
  /** Of the last entry, or of the snapshot that the log begins behind; 0 for neither. */
  readonly lastTerm: Term
  /** Number of the snapshot in force; 0: none. */
  readonly snapshot: number
}

const version = 1
const flags = { voted: 1, voteFloor: 2, hardState: 4 } as const

export function encodeMetadata({ hardState, incarnation, lastTerm, snapshot }: LogMetadata): Uint8Array {
  const { term = 0, commit = 0, votedFor, voteFloor } = hardState ?? {}
  const set =
    (votedFor === undefined ? 0 : flags.voted) |
    (voteFloor === undefined ? 0 : flags.voteFloor) |
    (hardState === undefined ? 0 : flags.hardState)
  const writer = new ByteWriter(96).u8(version).u64(term).u64(commit).u64(lastTerm).u32(snapshot).u8(set)
  writer.u64(voteFloor?.index ?? 0).u64(voteFloor?.term ?? 0)
  return writer
    .text(votedFor ?? '')
    .text(incarnation)
    .take()
}

/** @throws CodecError for bytes that are no metadata of this version */
export function decodeMetadata(bytes: Uint8Array): LogMetadata {
  const reader = new ByteReader(bytes)
  if (reader.u8() !== version) throw new CodecError('metadata of another version')
  const [term, commit, lastTerm, snapshot, set] = [reader.u64(), reader.u64(), reader.u64(), reader.u32(), reader.u8()]
  const floor = { index: reader.u64(), term: reader.u64() }
  const [votedFor, incarnation] = [reader.text(), reader.text()]
  reader.end()
  const hardState: HardState = {
    term,
    votedFor: set & flags.voted ? votedFor : undefined,
    commit,
    voteFloor: set & flags.voteFloor ? floor : undefined,
  }
  return { hardState: set & flags.hardState ? hardState : undefined, incarnation, lastTerm, snapshot }
}
