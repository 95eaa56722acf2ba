// The pure core alone: three of them that hand each other their messages, with a disk that is done at once. What it
// says is how much of a put's cost the protocol itself can be.

import { type Configuration, type Effect, type Input, RaftCore } from 'espalier/raft'
import type { Run } from '../harness/contender.ts'
import { valueFor } from './load.ts'

const IDS = ['c1', 'c2', 'c3'] as const
/** Proposals handed to the leader in one step, as a busy host does. */
const BATCH = 64

type Work = { readonly core: RaftCore; readonly input: Input }

class Cores {
  readonly #cores = new Map<string, RaftCore>()
  readonly #work: Work[] = []
  readonly #nowMs = 1
  /** Commands that the leader has handed over to be applied. */
  applied = 0

  constructor() {
    const founders: Configuration = { members: IDS.map((id) => ({ id, incarnation: '', role: 'voter' })) }
    const recovered = { hardState: undefined, snapshot: undefined, entries: [], claimed: undefined }
    for (const id of IDS) {
      const options = { id, incarnation: '', founders, recovered, random: () => 0, nowMs: 0 }
      this.#cores.set(id, new RaftCore(options))
    }
    for (const core of this.#cores.values()) this.#perform(core, core.begin(0))
    this.step({ type: 'campaign' })
    if (this.#leader.role !== 'leader') throw new Error('the cores have elected nobody')
  }

  /** Hands the first core an input, and goes on until nothing is left to do. */
  step(input: Input): void {
    this.#perform(this.#leader, this.#leader.step(input, this.#nowMs))
    for (let at = 0; at < this.#work.length; at += 1) {
      const next = this.#work[at]
      if (next) this.#perform(next.core, next.core.step(next.input, this.#nowMs))
    }
    this.#work.length = 0
  }

  get #leader(): RaftCore {
    const leader = this.#cores.get(IDS[0])
    if (!leader) throw new Error('no first core')
    return leader
  }

  #perform(core: RaftCore, effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.type === 'send') {
        const peer = this.#cores.get(effect.to)
        if (peer) this.#work.push({ core: peer, input: { type: 'message', message: effect.message } })
      } else if (effect.type === 'persist') this.#work.push({ core, input: { type: 'persisted', write: effect.write } })
      else if (effect.type === 'apply') {
        const last = effect.entries.at(-1)
        if (last) this.#work.push({ core, input: { type: 'applied', index: last.index } })
        if (core === this.#leader) for (const { kind } of effect.entries) if (kind === 'command') this.applied += 1
      }
    }
  }
}

export async function proposals(count: number): Promise<Run> {
  const cores = new Cores()
  const begun = performance.now()
  for (let at = 0; at < count; at += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, count - at) }, (_, i) => ({
      id: at + i + 1,
      payload: valueFor(at + i),
    }))
    cores.step({ type: 'propose', proposals: batch, epochMs: 1 })
  }
  return { completed: cores.applied, elapsedMs: performance.now() - begun }
}
