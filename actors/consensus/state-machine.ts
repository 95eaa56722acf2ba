// What a replicated group applies its committed commands to. Consensus knows it by this interface only; the machines
// given are in `actors/consensus/machines`.
//
// Invariant: everything here is a function of the commands in their order and of the time written into them: replicas
// that have applied the same prefix have the same snapshot bytes, on every machine.

/** What a command is applied with: the same on every replica. */
export interface ApplyContext {
  /** The command's place in the log, from 1, ascending but not consecutive: the group has entries of its own. */
  readonly index: number
  /** The log's time in milliseconds: what the leader's clock said when it took the command; never goes back. */
  readonly timeMs: number
  /** Who asks; undefined for a command without a session. */
  readonly session: number | undefined
}

/**
 * A deterministic machine. `S` is its state, which it may change in place; commands, queries and answers are bytes, and
 * the machine's own codec stands beside it.
 */
export interface StateMachine<S = unknown> {
  /** Identity and version of what `apply` means. A replica refuses a snapshot of a later version. */
  readonly name: string
  readonly version: number
  /** The state before the first command. */
  init(): S
  /** Applies a command and answers. Must not throw for any bytes: a command it cannot read has an answer too. */
  apply(state: S, command: Uint8Array, context: ApplyContext): Uint8Array
  /** Answers a question without changing anything. */
  query(state: S, question: Uint8Array): Uint8Array
  /** The state as bytes, in chunks of any size, taken as of now: later changes must not show in later chunks. */
  snapshot(state: S): Iterable<Uint8Array>
  /** The state of a snapshot. Throws if the bytes are none of this machine's. */
  restore(bytes: Uint8Array, version: number): S
}
