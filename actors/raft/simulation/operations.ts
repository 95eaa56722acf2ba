// What clients and operators ask of the group in a run, and what they are told: by number, and by the id that a schedule
// gives. The history of the clients' part is what the linearizability check judges.

import { HistoryRecorder, type Operation } from '../../../src/simulation/history.ts'
import type { RegisterInput } from '../../../src/simulation/register-map.ts'
import type { Json } from '../../../src/simulation/schedule-fields.ts'
import type { Refusal } from '../../consensus/refusal.ts'

export interface Submitted {
  readonly client: string
  /** Undefined for what operators ask: it is no part of the history. */
  readonly input: RegisterInput | undefined
  /** Its number in the history, once it is sent. */
  call: number | undefined
  outcome: Outcome | undefined
}

export type Outcome =
  | { readonly type: 'answered'; readonly atMs: number; readonly output: Json }
  | { readonly type: 'refused'; readonly atMs: number; readonly code: Refusal }
  | { readonly type: 'unknown'; readonly atMs: number }

export class Operations {
  readonly #history = new HistoryRecorder<RegisterInput, Json>()
  readonly #submitted: Submitted[] = []
  readonly #byId = new Map<string, Submitted>()
  /** Calls that had no effect, as their client says, and reads that nobody has an answer of. */
  readonly #void = new Set<number>()
  readonly counts = { acknowledged: 0, refused: 0, unknown: 0 }

  /** Notes an operation; its number is unique in the run, from 1. */
  submit(client: string, input: RegisterInput | undefined, id: string | undefined): number {
    const submitted: Submitted = { client, input, call: undefined, outcome: undefined }
    if (id !== undefined) this.#byId.set(id, submitted)
    return this.#submitted.push(submitted)
  }

  sent(number: number, nowMs: number): void {
    const submitted = this.#at(number)
    if (submitted.input !== undefined) submitted.call = this.#history.call(submitted.client, submitted.input, nowMs)
  }

  answered(number: number, output: Json, atMs: number): void {
    const submitted = this.#at(number)
    submitted.outcome = { type: 'answered', atMs, output }
    if (submitted.call === undefined) return
    this.#history.answer(submitted.call, output, atMs)
    this.counts.acknowledged++
  }

  /** `isCertain`: it had no effect, and will have none. */
  refused(number: number, code: Refusal, isCertain: boolean, atMs: number): void {
    const submitted = this.#at(number)
    submitted.outcome = { type: 'refused', atMs, code }
    this.counts.refused++
    this.#forget(submitted, isCertain)
  }

  unknown(number: number, isCertain: boolean, atMs: number): void {
    const submitted = this.#at(number)
    submitted.outcome = { type: 'unknown', atMs }
    this.counts.unknown++
    this.#forget(submitted, isCertain)
  }

  inputOf(number: number): RegisterInput | undefined {
    return this.#at(number).input
  }

  /** The operation that a step of the schedule has given this id; undefined before it is submitted. */
  find(id: string): Submitted | undefined {
    return this.#byId.get(id)
  }

  /** How many operations of clients were answered from `from` to `to`, both included. */
  progress(from: number, to: number): number {
    let count = 0
    for (const { call, outcome } of this.#submitted) {
      if (call !== undefined && outcome?.type === 'answered' && outcome.atMs >= from && outcome.atMs <= to) count++
    }
    return count
  }

  /** What the clients saw. */
  history(): readonly Operation<RegisterInput, Json>[] {
    return this.#history.operations().filter((_, call) => !this.#void.has(call))
  }

  #forget({ call, input }: Submitted, isCertain: boolean): void {
    if (call !== undefined && (isCertain || input?.op === 'get')) this.#void.add(call)
  }

  #at(number: number): Submitted {
    const submitted = this.#submitted[number - 1]
    if (submitted === undefined) throw new RangeError(`no operation has the number ${number}`)
    return submitted
  }
}
