// The replicated table of client sessions: what makes a request that comes again be answered, not applied again (Raft
// thesis §6.3). Part of every snapshot.
//
// Invariants: a function of the log alone: all replicas that have applied the same entries have the same table and the
// same bytes of it. A session that is gone stays gone: its requests are refused, never applied. The number of sessions
// and the answers remembered for each are bounded. The map's order is that of the last use, oldest first, so that both
// expiry and the bound take from its front.

import { ByteReader, ByteWriter, CodecError } from './bytes.ts'
import type { Refusal } from './refusal.ts'

/** Serials that a session may have open: answers are remembered from the lowest it awaits, and not beyond so many. */
export const MAX_WINDOW = 1024

interface Session {
  readonly ttlMs: number
  lastUsedMs: number
  /** Requests below were answered, and the answers have arrived. */
  acknowledgedBelow: number
  /** Serial → answer, in the order in which they were applied. */
  readonly answers: Map<number, Uint8Array>
}

/** What is to be done with a request. */
export type Admission =
  | { readonly type: 'apply' }
  /** It has been applied: this was the answer. */
  | { readonly type: 'answered'; readonly answer: Uint8Array }
  /** Its answer has arrived long ago: whoever asks again is a late copy. */
  | { readonly type: 'stale' }
  | { readonly type: 'refused'; readonly code: Refusal }

const APPLY: Admission = { type: 'apply' }
const STALE: Admission = { type: 'stale' }

const version = 1

export class Sessions {
  readonly #sessions = new Map<number, Session>()
  /** The last of the map: most requests come in runs of one session. 0: unknown. */
  #latest = 0

  /** How many sessions are open. */
  get size(): number {
    return this.#sessions.size
  }

  has(session: number): boolean {
    return this.#sessions.has(session)
  }

  /** Opens a session at a place in the log; beyond `maxSessions`, those used longest ago end. */
  open(id: number, timeMs: number, ttlMs: number, maxSessions: number): void {
    this.#latest = 0
    this.#sessions.set(id, { ttlMs, lastUsedMs: timeMs, acknowledgedBelow: 1, answers: new Map() })
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= Math.max(1, maxSessions)) break
      this.#sessions.delete(oldest)
    }
  }

  /** Ends a session. False if there was none. */
  end(id: number): boolean {
    return this.#sessions.delete(id)
  }

  /**
   * Ends the sessions that were idle for longer than they may, as of the log's time. Looks at those used longest ago
   * only until one is found that stays: of sessions with different times to live, some end later than they could.
   */
  expire(timeMs: number): void {
    for (const [id, session] of this.#sessions) {
      if (!isOver(session, timeMs)) return
      this.#sessions.delete(id)
    }
  }

  /** Decides about a request that has been committed, and notes the use of its session. */
  admit(id: number, serial: number, acknowledgedBelow: number, timeMs: number): Admission {
    const session = this.#sessions.get(id)
    if (session === undefined || isOver(session, timeMs)) {
      this.#sessions.delete(id)
      return { type: 'refused', code: 'sessionExpired' }
    }
    if (id !== this.#latest) {
      this.#sessions.delete(id)
      this.#sessions.set(id, session)
      this.#latest = id
    }
    session.lastUsedMs = timeMs
    if (acknowledgedBelow > session.acknowledgedBelow) forget(session, acknowledgedBelow)
    if (serial < session.acknowledgedBelow) return STALE
    const answer = session.answers.get(serial)
    if (answer !== undefined) return { type: 'answered', answer }
    return serial < session.acknowledgedBelow + MAX_WINDOW ? APPLY : { type: 'refused', code: 'rateLimited' }
  }

  /** Remembers the answer to a request that {@link admit} let through. */
  remember(id: number, serial: number, answer: Uint8Array): void {
    // Kept for long: it must not hold on to what it is a part of.
    const isWhole = answer.length === answer.buffer.byteLength
    this.#sessions.get(id)?.answers.set(serial, isWhole ? answer : new Uint8Array(answer))
  }

  /** The table as bytes; equal tables have equal bytes. */
  snapshot(): Uint8Array {
    const writer = new ByteWriter(64 + 64 * this.#sessions.size).u8(version).u32(this.#sessions.size)
    for (const [id, { ttlMs, lastUsedMs, acknowledgedBelow, answers }] of this.#sessions) {
      writer.u64(id).u64(ttlMs).u64(lastUsedMs).u64(acknowledgedBelow).u32(answers.size)
      for (const [serial, answer] of answers) writer.u64(serial).bytes(answer)
    }
    return writer.take()
  }

  /** The table of a snapshot. @throws CodecError for bytes that are none. */
  static restore(bytes: Uint8Array): Sessions {
    const reader = new ByteReader(bytes)
    if (reader.u8() !== version) throw new CodecError('a table of sessions of another version')
    const sessions = new Sessions()
    for (let left = reader.u32(); left > 0; left -= 1) {
      const id = reader.u64()
      const [ttlMs, lastUsedMs, acknowledgedBelow] = [reader.u64(), reader.u64(), reader.u64()]
      const answers = new Map<number, Uint8Array>()
      for (let count = reader.u32(); count > 0; count -= 1) answers.set(reader.u64(), reader.bytes().slice())
      sessions.#sessions.set(id, { ttlMs, lastUsedMs, acknowledgedBelow, answers })
    }
    reader.end()
    return sessions
  }
}

/** Forgets the answers that have arrived: all that are remembered lie within a window of the lowest awaited. */
function forget(session: Session, acknowledgedBelow: number): void {
  const { answers, acknowledgedBelow: before } = session
  session.acknowledgedBelow = acknowledgedBelow
  if (acknowledgedBelow >= before + MAX_WINDOW) answers.clear()
  else for (let serial = before; serial < acknowledgedBelow; serial += 1) answers.delete(serial)
}

function isOver({ ttlMs, lastUsedMs }: Session, timeMs: number): boolean {
  return ttlMs > 0 && timeMs - lastUsedMs > ttlMs
}
