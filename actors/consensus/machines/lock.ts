// Locks and leases with fencing tokens. A lock is held by an owner until it is released or its lease is over by the
// log's time. The token of a grant is the index of its command in the log: whoever guards a resource refuses a token
// below one it has seen, and so a holder that was paused for too long does no harm.
//
// Invariants: expiry is decided by the time in the log alone; tokens of one lock grow with each grant. The number of
// locks is bounded; those whose lease is over make room first.

import { OptionError } from '../../../src/kernel/errors.ts'
import { ByteReader, ByteWriter, CodecError } from '../bytes.ts'
import type { ApplyContext, StateMachine } from '../state-machine.ts'
import { BucketMap } from './bucket-map.ts'
import { decodeValue, encodeError, encodeValue, type JsonValue } from './value.ts'

export interface LockHolder {
  readonly owner: string
  /** Grows with each grant of this lock. */
  readonly token: number
  /** When the lease is over, by the log's time; 0: never. */
  readonly expiresAtMs: number
}

export interface LockState {
  readonly holders: BucketMap<LockHolder>
  /** The log's time, as of the last command. */
  timeMs: number
}

/** What `acquire` and `renew` answer. */
export type LockAnswer =
  | { readonly granted: true; readonly token: number; readonly expiresAtMs: number }
  /** `full`: there are too many locks. `lost`: the lease to renew is over, or was never held. */
  | { readonly granted: false; readonly why: 'held' | 'full' | 'lost'; readonly holder: LockHolder | null }

export interface LockOptions {
  /** Most locks held at a time; the same on every replica. Default 100 000. */
  readonly maxLocks?: number
}

const operations = { acquire: 1, renew: 2, release: 3, holder: 4 } as const

const start = (operation: keyof typeof operations, name: string): ByteWriter =>
  new ByteWriter(64 + 2 * name.length).u8(operations[operation]).text(name)

/** Commands and questions for {@link lockService}, and its answers. */
export const lock = {
  /** Answers a {@link LockAnswer}. An owner that holds the lock is given a new token. `leaseMs` 0: until released. */
  acquire: (name: string, owner: string, leaseMs: number): Uint8Array =>
    start('acquire', name).text(owner).u64(leaseMs).take(),
  /** Holds on for another `leaseMs` under the same token; answers a {@link LockAnswer}. */
  renew: (name: string, token: number, leaseMs: number): Uint8Array =>
    start('renew', name).u64(token).u64(leaseMs).take(),
  /** Answers whether the lock was held under this token. */
  release: (name: string, token: number): Uint8Array => start('release', name).u64(token).take(),
  /** A question: answers the {@link LockHolder}, or null. */
  holder: (name: string): Uint8Array => start('holder', name).take(),
  /** What the service has answered. @throws CodecError */
  answer: decodeValue,
} as const

/** A lock service: usable as it is. */
export function lockService(options: LockOptions = {}): StateMachine<LockState> {
  const { maxLocks = 100_000 } = options
  if (!Number.isSafeInteger(maxLocks) || maxLocks < 1) throw new OptionError('maxLocks', maxLocks, 'a positive integer')
  return {
    name: 'lock',
    version: 1,
    init: () => ({ holders: new BucketMap(), timeMs: 0 }),
    apply(state, command, context) {
      state.timeMs = context.timeMs
      return answered(() => execute(state, new ByteReader(command), context, maxLocks))
    },
    query: (state, question) =>
      answered(() => {
        const reader = new ByteReader(question)
        if (reader.u8() !== operations.holder) throw new CodecError('only holder is a question')
        return holderOf(state, reader.text()) ?? null
      }),
    snapshot: ({ holders, timeMs }) => chunksOf({ holders: holders.copy(), timeMs }),
    restore(bytes) {
      const reader = new ByteReader(bytes)
      const state: LockState = { holders: new BucketMap(), timeMs: reader.u64() }
      for (let left = reader.u64(); left > 0; left -= 1) {
        const name = reader.text()
        state.holders.set(name, { owner: reader.text(), token: reader.u64(), expiresAtMs: reader.u64() })
      }
      reader.end()
      return state
    },
  }
}

function* chunksOf({ holders, timeMs }: LockState): Generator<Uint8Array, void, void> {
  yield new ByteWriter(16).u64(timeMs).u64(holders.size).take()
  for (const [name, { owner, token, expiresAtMs }] of holders.entries()) {
    yield new ByteWriter().text(name).text(owner).u64(token).u64(expiresAtMs).take()
  }
}

function execute(state: LockState, reader: ByteReader, context: ApplyContext, maxLocks: number): JsonLike {
  const operation = reader.u8()
  const name = reader.text()
  const holder = holderOf(state, name)
  switch (operation) {
    case operations.acquire: {
      const owner = reader.text()
      const leaseMs = reader.u64()
      if (holder !== undefined && holder.owner !== owner) return { granted: false, why: 'held', holder }
      if (holder === undefined && !makeRoom(state, maxLocks)) return { granted: false, why: 'full', holder: null }
      return grant(state, name, owner, context.index, leaseMs)
    }
    case operations.renew: {
      const token = reader.u64()
      if (holder?.token !== token) return { granted: false, why: 'lost', holder: holder ?? null }
      return grant(state, name, holder.owner, token, reader.u64())
    }
    case operations.release:
      return holder?.token === reader.u64() && state.holders.delete(name)
    case operations.holder:
      return holder ?? null
    default:
      throw new CodecError(`no operation of the lock service: ${operation}`)
  }
}

type JsonLike = boolean | null | LockHolder | LockAnswer

function grant(state: LockState, name: string, owner: string, token: number, leaseMs: number): LockAnswer {
  const expiresAtMs = leaseMs === 0 ? 0 : state.timeMs + leaseMs
  state.holders.set(name, { owner, token, expiresAtMs })
  return { granted: true, token, expiresAtMs }
}

function holderOf({ holders, timeMs }: LockState, name: string): LockHolder | undefined {
  const holder = holders.get(name)
  return holder === undefined || isOver(holder, timeMs) ? undefined : holder
}

function isOver({ expiresAtMs }: LockHolder, timeMs: number): boolean {
  return expiresAtMs !== 0 && timeMs >= expiresAtMs
}

function makeRoom({ holders, timeMs }: LockState, maxLocks: number): boolean {
  if (holders.size < maxLocks) return true
  for (const [name, holder] of [...holders.entries()]) if (isOver(holder, timeMs)) holders.delete(name)
  return holders.size < maxLocks
}

function answered(act: () => JsonLike): Uint8Array {
  try {
    return encodeValue(act() as JsonValue)
  } catch (error) {
    if (error instanceof CodecError) return encodeError(error.message)
    throw error
  }
}
