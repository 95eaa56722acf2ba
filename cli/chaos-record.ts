// What a chaos run has shown: the clients' history, the faults, and how available the group was. Pure, so that it can be
// tested without breaking anything.

import {
  checkLinearizability,
  HistoryRecorder,
  type RegisterInput,
  type RegisterOutput,
  registerMap,
} from '../src/simulation/index.ts'
import type { Said } from './chaos-words.ts'

/** Time is counted in slots of so many milliseconds: with progress, or without. */
const SLOT_MS = 100

export interface ChaosFigures {
  readonly operations: number
  /** Writes that were acknowledged. */
  readonly acknowledged: number
  /** Operations of which nobody knows whether they took effect. */
  readonly unknown: number
  readonly failovers: number
  readonly faults: Readonly<Record<string, number>>
  /** Share of the time under load in which a write was acknowledged. */
  readonly available: number
  /** The longest time under load without an acknowledged write, in milliseconds. */
  readonly longestGapMs: number
}

export class ChaosRecord {
  readonly #recorder = new HistoryRecorder<RegisterInput, RegisterOutput>()
  readonly #calls = new Map<number, number>()
  readonly #inputs = new Map<number, RegisterInput>()
  /** What was acknowledged under keys that are written once. */
  readonly #once = new Map<string, RegisterOutput>()
  readonly #read = new Map<string, RegisterOutput>()
  readonly #keys = new Set<string>()
  readonly #faults = new Map<string, number>()
  readonly #slots = new Set<number>()
  #acknowledged = 0
  #term = 0
  #failovers = 0
  #loadedMs = 0
  #longestGapMs = 0
  #sinceMs: number | undefined
  #lastMs = 0
  #isReading = false

  /** A process is up, and under load from its first acknowledged write on. */
  roundBegins(): void {
    this.#sinceMs = undefined
  }

  /** It is killed. */
  roundEnds(nowMs: number): void {
    if (this.#sinceMs === undefined) return
    this.#gapEnds(nowMs)
    this.#loadedMs += nowMs - this.#sinceMs
    this.#sinceMs = undefined
  }

  /** What is read from here on is what there is at the end. */
  readingBegins(): void {
    this.#isReading = true
  }

  /** Every key that anybody has used. */
  get keys(): readonly string[] {
    return [...this.#keys]
  }

  heard(said: Said, nowMs: number): void {
    if (said.kind === 'call') {
      this.#calls.set(said.number, this.#recorder.call(said.client, said.input))
      this.#inputs.set(said.number, said.input)
      this.#keys.add(said.input.key)
    } else if (said.kind === 'answer') this.#answered(said.number, said.output, nowMs)
    else if (said.kind === 'fault') this.#faults.set(said.fault, (this.#faults.get(said.fault) ?? 0) + 1)
    else if (said.kind === 'leader' && said.term > this.#term) {
      this.#failovers += 1
      this.#term = said.term
    }
  }

  countKill(): void {
    this.#faults.set('process killed', (this.#faults.get('process killed') ?? 0) + 1)
  }

  figures(): ChaosFigures {
    const operations = this.#recorder.operations()
    const slots = Math.ceil(this.#loadedMs / SLOT_MS)
    return {
      operations: operations.length,
      acknowledged: this.#acknowledged,
      unknown: operations.filter(({ answer }) => answer === undefined).length,
      failovers: this.#failovers,
      faults: Object.fromEntries(this.#faults),
      available: slots === 0 ? 0 : Math.min(1, this.#slots.size / slots),
      longestGapMs: Math.round(this.#longestGapMs),
    }
  }

  /** What is wrong; nothing if all is well. A run in which nothing happened shows nothing, which is wrong too. */
  problems(): readonly string[] {
    const problems: string[] = []
    const lost = [...this.#once].filter(([key, value]) => this.#read.get(key) !== value)
    for (const [key, value] of lost.slice(0, 5)) {
      problems.push(`an acknowledged write is lost: ${key} was ${value}, and is ${this.#read.get(key) ?? null}`)
    }
    if (lost.length > 5) problems.push(`… and ${lost.length - 5} more`)
    const verdict = checkLinearizability(this.#recorder.operations(), registerMap)
    if (verdict.verdict === 'illegal') {
      const { partition, blocked } = verdict.conflict
      const what = blocked.map(
        ({ client, input, answer }) => `${client} ${input.op} = ${JSON.stringify(answer?.output)}`,
      )
      problems.push(`the history is not linearizable: key ${partition}, no place for ${what.slice(0, 5).join(', ')}`)
    } else if (verdict.verdict === 'unknown') {
      problems.push(
        `nobody knows whether the history is linearizable: the search for key ${verdict.partition} was given up`,
      )
    }
    if (this.#once.size === 0) problems.push('no write was acknowledged: nothing was shown')
    if (this.#faults.size === 0) problems.push('nothing was broken: nothing was shown')
    return problems
  }

  #answered(number: number, output: RegisterOutput, nowMs: number): void {
    const call = this.#calls.get(number)
    const input = this.#inputs.get(number)
    if (call === undefined || input === undefined) return
    this.#inputs.delete(number)
    this.#recorder.answer(call, output)
    if (input.op === 'get') {
      if (this.#isReading) this.#read.set(input.key, output)
      return
    }
    this.#acknowledged += 1
    if (input.op === 'put' && input.key.startsWith('once.')) this.#once.set(input.key, input.value)
    this.#progress(nowMs)
  }

  #progress(nowMs: number): void {
    if (this.#sinceMs === undefined) this.#sinceMs = nowMs
    else this.#gapEnds(nowMs)
    this.#lastMs = nowMs
    this.#slots.add(Math.floor(nowMs / SLOT_MS))
  }

  #gapEnds(nowMs: number): void {
    this.#longestGapMs = Math.max(this.#longestGapMs, nowMs - this.#lastMs)
  }
}
