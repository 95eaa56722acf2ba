// The invariants of a Raft group by name, as schedules name them in `mustFail`.

export const RAFT_INVARIANTS = [
  'election safety',
  'leader append-only',
  'log matching',
  'leader completeness',
  'state-machine safety',
  "committed entries survive on a quorum's disks",
  'exactly once per (session, serial)',
  'monotonic',
  'order of indexes',
  'membership',
  'durable before said',
  'reads',
  'leases',
  'quorum',
  'snapshots',
  'specification',
  /** What the core checks of itself. */
  'assertions',
] as const

export type RaftInvariant = (typeof RAFT_INVARIANTS)[number]

/** What was found first, and by which rule. */
export interface Violation {
  readonly rule: RaftInvariant
  readonly why: string
}
