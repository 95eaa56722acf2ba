// What a replica has applied: the state machine's state and the table of sessions, as a function of the log. Pure.
//
// A snapshot's bytes: u8 version, u64 the log's time, the sessions with their length, then the state machine's own.

import { OptionError } from '../../src/kernel/errors.ts'
import { ByteReader, ByteWriter, CodecError } from '../consensus/bytes.ts'
import { type Command, decodeCommand } from '../consensus/command.ts'
import type { Refusal } from '../consensus/refusal.ts'
import { Sessions } from '../consensus/sessions.ts'
import type { StateMachine } from '../consensus/state-machine.ts'
import type { Entry, LogPosition } from './core/entry.ts'
import type { SnapshotDescription } from './core/message.ts'

/** What applying an entry comes to, for whoever has proposed it. */
export type Outcome =
  | { readonly type: 'answer'; readonly bytes: Uint8Array }
  | { readonly type: 'session'; readonly id: number }
  | { readonly type: 'refused'; readonly code: Refusal }
  /** Nobody waits for it, or nobody should. */
  | { readonly type: 'none' }

const NONE: Outcome = { type: 'none' }
const EMPTY = new Uint8Array()
const version = 1

export class AppliedState {
  readonly machine: StateMachine
  #state: unknown
  #sessions: Sessions
  #last: LogPosition
  #timeMs: number

  private constructor(machine: StateMachine, state: unknown, sessions: Sessions, last: LogPosition, timeMs: number) {
    this.machine = machine
    this.#state = state
    this.#sessions = sessions
    this.#last = last
    this.#timeMs = timeMs
  }

  /** The state before the first entry. */
  static initial(machine: StateMachine): AppliedState {
    return new AppliedState(machine, machine.init(), new Sessions(), { index: 0, term: 0 }, 0)
  }

  /**
   * The state of a snapshot.
   * @throws CodecError, or what the machine throws, for bytes that are none; OptionError if another machine, or a later
   *   version of this one, has made it
   */
  static restore(machine: StateMachine, snapshot: SnapshotDescription, bytes: Uint8Array): AppliedState {
    if (snapshot.machine !== machine.name || snapshot.version > machine.version) {
      const allowed = `${machine.name}, at most version ${machine.version}`
      throw new OptionError('snapshot', `${snapshot.machine}, version ${snapshot.version}`, allowed)
    }
    const reader = new ByteReader(bytes)
    if (reader.u8() !== version) throw new CodecError('a snapshot of another version')
    const timeMs = reader.u64()
    const sessions = Sessions.restore(reader.bytes())
    const state = machine.restore(reader.rest(), snapshot.version)
    return new AppliedState(machine, state, sessions, snapshot.last, timeMs)
  }

  /** The last entry applied. */
  get last(): LogPosition {
    return this.#last
  }

  get sessions(): Sessions {
    return this.#sessions
  }

  /** The machine's own: for probes. */
  get state(): unknown {
    return this.#state
  }

  /** Applies the next entry. */
  apply(entry: Entry): Outcome {
    if (entry.index !== this.#last.index + 1) {
      throw new OptionError('entry', entry.index, `the entry behind the last applied, ${this.#last.index + 1}`)
    }
    this.#last = { index: entry.index, term: entry.term }
    if (entry.kind !== 'command') return NONE
    this.#timeMs = Math.max(this.#timeMs, entry.timeMs)
    this.#sessions.expire(this.#timeMs)
    let command: Command
    try {
      command = decodeCommand(entry.payload)
    } catch (error) {
      if (error instanceof CodecError) return { type: 'refused', code: 'unsupported' }
      throw error
    }
    return this.#execute(command, entry.index)
  }

  /** Answers a question as of now. */
  query(question: Uint8Array): Uint8Array {
    return this.machine.query(this.#state, question)
  }

  /** The snapshot's bytes in parts, as of now: what is applied later does not show. */
  snapshot(): Iterator<Uint8Array, unknown, void> {
    const head = new ByteWriter(256).u8(version).u64(this.#timeMs).bytes(this.#sessions.snapshot()).take()
    const state = this.machine.snapshot(this.#state)[Symbol.iterator]()
    let isFirst = true
    return {
      next: () => {
        if (!isFirst) return state.next()
        isFirst = false
        return { done: false, value: head }
      },
    }
  }

  #execute(command: Command, index: number): Outcome {
    switch (command.kind) {
      case 'request': {
        const { session, serial, acknowledgedBelow } = command
        const admission = this.#sessions.admit(session, serial, acknowledgedBelow, this.#timeMs)
        if (admission.type === 'refused') return admission
        if (admission.type === 'stale') return NONE
        if (admission.type === 'answered') return { type: 'answer', bytes: admission.answer }
        const bytes = this.#apply(command.command, index, session)
        this.#sessions.remember(session, serial, bytes)
        return { type: 'answer', bytes }
      }
      case 'plain':
        return { type: 'answer', bytes: this.#apply(command.command, index, undefined) }
      case 'open':
        this.#sessions.open(index, this.#timeMs, command.ttlMs, command.maxSessions)
        return { type: 'session', id: index }
      default:
        return this.#sessions.end(command.session)
          ? { type: 'answer', bytes: EMPTY }
          : { type: 'refused', code: 'sessionExpired' }
    }
  }

  #apply(command: Uint8Array, index: number, session: number | undefined): Uint8Array {
    return this.machine.apply(this.#state, command, { index, timeMs: this.#timeMs, session })
  }
}
