// Is a recorded history linearizable? The search of Wing & Gong (1993) with Lowe's memoisation ("Testing for
// linearizability", 2017), partition by partition: take any operation that may come first, apply it, go on; come back
// when stuck; never visit the same configuration twice. The search is exact within its bound, and says `unknown` beyond.
//
// An operation with an unknown outcome never has to be placed. It is tried only when no answered operation can go on
// without it, and a configuration is also dropped if one with the same state was visited that had used a subset of the
// unknown operations: whatever follows from here would have followed from there. So a write nobody read costs little.

import { OptionError } from '../kernel/errors.ts'
import { type Answered, EventList, operationOf } from './event-list.ts'
import type { Operation } from './history.ts'
import type { SequentialSpec } from './sequential-spec.ts'

export interface LinearizabilityOptions {
  /** How many operations may be tried for each partition before it is given up as `unknown`. Default 1 000 000. */
  readonly maxSteps?: number
}

export type Verdict<State, Input, Output> =
  | { readonly verdict: 'linearizable'; readonly steps: number }
  | { readonly verdict: 'illegal'; readonly steps: number; readonly conflict: Conflict<State, Input, Output> }
  | { readonly verdict: 'unknown'; readonly steps: number; readonly partition: string }

/** Why a history is illegal: the furthest the search came, and what it could not place. */
export interface Conflict<State, Input, Output> {
  readonly partition: string
  /** Every operation of the partition, in order of calls. */
  readonly operations: readonly Operation<Input, Output>[]
  /** The longest legal order that was found for a beginning of the history. */
  readonly linearized: readonly Operation<Input, Output>[]
  /** The state that order leads to. */
  readonly state: State
  /** The operations of which one had to come next, the first answered first. None of their answers fits the state. */
  readonly blocked: readonly Operation<Input, Output>[]
}

/**
 * Judges `history` by `spec`. Partitions are judged in order of their first operation; the first illegal one ends the
 * search, and outweighs partitions that stayed `unknown`.
 */
export function checkLinearizability<State, Input, Output>(
  history: readonly Operation<Input, Output>[],
  spec: SequentialSpec<State, Input, Output>,
  options: LinearizabilityOptions = {},
): Verdict<State, Input, Output> {
  const maxSteps = options.maxSteps ?? 1_000_000
  if (!Number.isInteger(maxSteps) || maxSteps < 1) throw new OptionError('maxSteps', maxSteps, 'a positive integer')
  let steps = 0
  let undecided: string | undefined
  for (const [partition, operations] of partitionsOf(history, spec)) {
    const search = new Search(operations, spec, maxSteps)
    const outcome = search.run()
    steps += search.steps
    if (outcome === 'illegal')
      return { verdict: 'illegal', steps, conflict: { partition, operations, ...search.furthest } }
    if (outcome === 'unknown') undecided ??= partition
  }
  return undecided === undefined
    ? { verdict: 'linearizable', steps }
    : { verdict: 'unknown', steps, partition: undecided }
}

function partitionsOf<State, Input, Output>(
  history: readonly Operation<Input, Output>[],
  spec: SequentialSpec<State, Input, Output>,
): Map<string, Operation<Input, Output>[]> {
  const partitions = new Map<string, Operation<Input, Output>[]>()
  for (const operation of history) {
    if (operation.answer !== undefined && !(operation.answer.at >= operation.called)) {
      throw new OptionError('answer.at', operation.answer.at, `at least ${operation.called}, when it was called`)
    }
    const name = spec.partition?.(operation.input) ?? ''
    const part = partitions.get(name)
    if (part === undefined) partitions.set(name, [operation])
    else part.push(operation)
  }
  for (const part of partitions.values()) part.sort((a, b) => a.called - b.called)
  return partitions
}

/** One way on: the unknown operations that take effect first (mostly none), then the answered one. */
interface Move<State> {
  readonly before: readonly number[]
  readonly operation: number
  readonly state: State
  /** All unknown operations used so far, as a bit set. */
  readonly used: bigint
}

interface Frame<State> {
  readonly move: Move<State>
  /** What else could have been done instead of `move`. */
  readonly alternatives: Generator<Move<State>, undefined>
  /** The highest operation linearized before `move`. */
  readonly high: number
}

class Search<State, Input, Output> {
  steps = 0
  furthest: Omit<Conflict<State, Input, Output>, 'partition' | 'operations'>
  #depth = -1
  readonly #spec: SequentialSpec<State, Input, Output>
  readonly #maxSteps: number
  readonly #answered: Answered<Input, Output>[]
  readonly #unknown: Operation<Input, Output>[]
  /** One bit for each unknown operation. */
  readonly #bits: bigint[]
  /** The calls and answers of what is not linearized yet, in order of time, as a doubly linked list (Lowe). */
  readonly #events: EventList
  readonly #frames: Frame<State>[] = []
  /** The linearized operations as a bit set, and the highest of them. */
  readonly #done: Uint32Array
  #high = -1
  /** What was visited: linearized operations and state, with the sets of unknown operations used to get there. */
  readonly #visited = new Map<string, bigint[]>()
  readonly #stateNumbers = new Map<unknown, number>()

  constructor(
    operations: readonly Operation<Input, Output>[],
    spec: SequentialSpec<State, Input, Output>,
    maxSteps: number,
  ) {
    this.#spec = spec
    this.#maxSteps = maxSteps
    this.#answered = operations.filter((operation) => operation.answer !== undefined) as Answered<Input, Output>[]
    this.#unknown = operations.filter((operation) => operation.answer === undefined)
    this.#bits = this.#unknown.map((_, index) => 1n << BigInt(index))
    this.#events = new EventList(this.#answered)
    this.#done = new Uint32Array((this.#answered.length >>> 5) + 1)
    this.furthest = { linearized: [], state: spec.initial, blocked: [] }
  }

  run(): 'linearizable' | 'illegal' | 'unknown' {
    let state = this.#spec.initial
    let moves = this.#moves(state, 0n)
    while (this.#frames.length < this.#answered.length) {
      const next = moves.next()
      if (this.steps > this.#maxSteps) return 'unknown'
      if (next.done === true) {
        this.#rememberFurthest(state)
        const frame = this.#frames.pop()
        if (frame === undefined) return 'illegal'
        this.#undo(frame)
        moves = frame.alternatives
        state = this.#frames.at(-1)?.move.state ?? this.#spec.initial
        continue
      }
      const frame = { move: next.value, alternatives: moves, high: this.#high }
      this.#do(frame)
      if (!this.#isNew(frame.move)) {
        this.#undo(frame)
        continue
      }
      this.#frames.push(frame)
      state = frame.move.state
      moves = this.#moves(state, frame.move.used)
    }
    return 'linearizable'
  }

  /** Every way on from `state`: first without an unknown operation, then with one, with two … */
  *#moves(state: State, used: bigint): Generator<Move<State>, undefined> {
    const read = this.#fittingRead(state, used)
    if (read !== undefined) {
      yield read
      return
    }
    yield* this.#answeredMoves(state, used, [])
    if (this.#unknown.length === 0) return
    const reached = new Map([[this.#numberOf(state), [used]]])
    const callable = this.#callableUnknown()
    let edge: Pick<Move<State>, 'state' | 'used' | 'before'>[] = [{ state, used, before: [] }]
    while (edge.length > 0) {
      const beyond: typeof edge = []
      for (const from of edge) {
        for (const index of callable) {
          const bit = this.#bits[index] as bigint
          if ((from.used & bit) !== 0n) continue
          const operation = this.#unknown[index] as Operation<Input, Output>
          if (++this.steps > this.#maxSteps) return
          const after = this.#spec.apply(from.state, operation.input).state
          if (!addUnlessCovered(reached, this.#numberOf(after), from.used | bit)) continue
          const to = { state: after, used: from.used | bit, before: [...from.before, index] }
          yield* this.#answeredMoves(to.state, to.used, to.before)
          beyond.push(to)
        }
      }
      edge = beyond
    }
  }

  /** A read that may come now can come now in any order that works: moving it here changes nothing for the others. */
  #fittingRead(state: State, used: bigint): Move<State> | undefined {
    if (this.#spec.isRead === undefined) return undefined
    for (let node = this.#events.firstCall(); node !== 0; node = this.#events.callAfter(node)) {
      const index = operationOf(node)
      const { input, answer } = this.#answered[index] as Answered<Input, Output>
      if (!this.#spec.isRead(input, answer.output)) continue
      this.steps++
      if (this.#fits(answer.output, this.#spec.apply(state, input).output)) {
        return { before: [], operation: index, state, used }
      }
    }
    return undefined
  }

  #fits(recorded: Output, due: Output): boolean {
    return this.#spec.accepts?.(recorded, due) ?? Object.is(recorded, due)
  }

  *#answeredMoves(state: State, used: bigint, before: readonly number[]): Generator<Move<State>, undefined> {
    // The list is the same again whenever the search comes back for the next move, so `node` stays valid.
    for (let node = this.#events.firstCall(); node !== 0; node = this.#events.callAfter(node)) {
      const index = operationOf(node)
      const operation = this.#answered[index] as Answered<Input, Output>
      if (++this.steps > this.#maxSteps) return
      const due = this.#spec.apply(state, operation.input)
      if (this.#fits(operation.answer.output, due.output)) yield { before, operation: index, state: due.state, used }
    }
  }

  /** The unknown operations called before (or when) the next answer came. */
  #callableUnknown(): number[] {
    const end = this.#events.firstAnswerAt()
    const callable: number[] = []
    for (const [index, operation] of this.#unknown.entries()) {
      if (operation.called > end) break
      callable.push(index)
    }
    return callable
  }

  #do({ move }: Frame<State>): void {
    const { operation } = move
    this.#events.lift(operation)
    this.#done[operation >>> 5] = (this.#done[operation >>> 5] ?? 0) | (1 << (operation & 31))
    if (operation > this.#high) this.#high = operation
  }

  #undo({ move, high }: Frame<State>): void {
    const { operation } = move
    this.#events.restore(operation)
    this.#done[operation >>> 5] = (this.#done[operation >>> 5] ?? 0) & ~(1 << (operation & 31))
    this.#high = high
  }

  /** Whether the configuration just entered is worth a visit; if so, it counts as visited. */
  #isNew({ state, used }: Move<State>): boolean {
    if (this.#events.isEmpty()) return true
    // All words below the first operation still open are full, all above the highest linearized one are empty.
    const low = operationOf(this.#events.firstCall()) >>> 5
    let key = `${this.#numberOf(state)}:${low}`
    for (let word = low; word <= this.#high >>> 5; word++) key += `:${this.#done[word]}`
    return addUnlessCovered(this.#visited, key, used)
  }

  #numberOf(state: State): number {
    const identity = this.#spec.identify === undefined ? state : this.#spec.identify(state)
    const known = this.#stateNumbers.get(identity)
    if (known !== undefined) return known
    this.#stateNumbers.set(identity, this.#stateNumbers.size)
    return this.#stateNumbers.size - 1
  }

  #rememberFurthest(state: State): void {
    if (this.#frames.length <= this.#depth) return
    this.#depth = this.#frames.length
    const linearized: Operation<Input, Output>[] = []
    for (const { move } of this.#frames) {
      for (const index of move.before) linearized.push(this.#unknown[index] as Operation<Input, Output>)
      linearized.push(this.#answered[move.operation] as Operation<Input, Output>)
    }
    const blocked = this.#events.callable().map((index) => this.#answered[index] as Answered<Input, Output>)
    blocked.sort((a, b) => a.answer.at - b.answer.at)
    this.furthest = { linearized, state, blocked }
  }
}

/** Adds `used` under `key`, unless a subset of it is there already: then there is nothing new to find. */
function addUnlessCovered<Key>(visited: Map<Key, bigint[]>, key: Key, used: bigint): boolean {
  const sets = visited.get(key)
  if (sets === undefined) {
    visited.set(key, [used])
    return true
  }
  if (sets.some((set) => (set & used) === set)) return false
  sets.push(used)
  return true
}
