// What a run has visited: how often each of the things happened that a storm is there to bring about. A check that never
// saw a snapshot says nothing about snapshots.

import { decodeCommand } from '../../consensus/command.ts'
import type { Member } from '../core/configuration.ts'
import type { Effect } from '../core/effect.ts'
import type { Incarnation } from '../core/entry.ts'
import type { Input } from '../core/input.ts'
import type { Transition } from '../core/transition.ts'
import type { ObservedStep } from '../replica-options.ts'

/** The things counted, as they are printed. */
// biome-ignore format: a list of words
export const TOTALS = [
  'elections', 'candidacies', 'pre-votes refused', 'votes granted', 'first starts', 'restarts',
  'crashes in mid-write',
  'restarts on a damaged disk', 'restarts on an emptied disk', 'writes failed', 'snapshots taken', 'snapshots installed',
  'snapshots installed in mid-append', 'suffixes truncated', 'appends refused', 'joint changes', 'membership changes',
  'members promoted', 'lease reads', 'index reads', 'reads forwarded', 'transfers sent', 'stepped down: higherTerm',
  'stepped down: noQuorum', 'stepped down: transfer', 'stepped down: removed', 'stepped down: disk',
  'retries answered from the session table', 'sessions expired', 'refusals', 'unknown outcomes', 'acknowledgements',
] as const

export type Total = (typeof TOTALS)[number]

export class Totals {
  readonly #counts = new Map<Total, number>(TOTALS.map((name) => [name, 0]))
  /** The last index whose command was looked at, and the requests that were seen. */
  #seen = 0
  #requests = new Set<string>()
  /** The last configuration that was committed. */
  #configured: { readonly at: number; readonly members: readonly Member[] } = { at: 0, members: [] }
  /** Nodes that were sent entries since they began to receive a snapshot. */
  readonly #appended = new Set<string>()
  /** Writes under way, by node; none before its first start. */
  readonly #writing = new Map<string, number>()

  get(name: Total): number {
    return this.#counts.get(name) ?? 0
  }

  add(name: Total, count = 1): void {
    this.#counts.set(name, this.get(name) + count)
  }

  /** Adds another run's. */
  merge(other: Readonly<Record<string, number>>): void {
    for (const name of TOTALS) this.add(name, other[name] ?? 0)
  }

  toJSON(): Record<string, number> {
    return Object.fromEntries(this.#counts)
  }

  /** What never happened. */
  missing(): Total[] {
    return TOTALS.filter((name) => this.get(name) === 0)
  }

  stepped(node: string, incarnation: Incarnation, { input, effects, recovered }: ObservedStep): void {
    if (recovered !== undefined) {
      const writing = this.#writing.get(node)
      this.add(writing === undefined ? 'first starts' : 'restarts')
      if ((writing ?? 0) > 0) this.add('crashes in mid-write')
      this.#writing.set(node, 0)
      if (recovered.claimed !== undefined) this.add('restarts on a damaged disk')
      if (incarnation !== '' && recovered.entries.length === 0 && recovered.snapshot === undefined) {
        this.add('restarts on an emptied disk')
      }
    }
    if (input !== undefined) this.#told(node, input)
    for (const effect of effects) this.#wanted(node, effect)
  }

  #told(node: string, input: Input): void {
    switch (input.type) {
      case 'persisted':
        this.#writing.set(node, Math.max(0, (this.#writing.get(node) ?? 0) - 1))
        return
      case 'persistFailed':
        this.#writing.set(node, 0)
        return this.add('writes failed')
      case 'snapshotTaken':
        return this.add('snapshots taken')
      case 'snapshotInstalled':
        if (!input.intact) return
        this.add('snapshots installed')
        if (this.#appended.delete(node)) this.add('snapshots installed in mid-append')
        return
      case 'message':
        if (input.message.kind === 'append' && input.message.entries.length > 0) this.#appended.add(node)
        return
      default:
        return
    }
  }

  #wanted(node: string, effect: Effect): void {
    switch (effect.type) {
      case 'transition':
        return this.#changed(effect.transition)
      case 'persist':
        this.#writing.set(node, (this.#writing.get(node) ?? 0) + 1)
        return
      case 'storeChunk':
        // Entries that come from here on come while a snapshot is being received.
        if (effect.offset === 0) this.#appended.delete(node)
        return
      case 'send':
        if (effect.message.kind === 'appendReply' && !effect.message.outcome.accepted) this.add('appends refused')
        else if (effect.message.kind === 'readIndex') this.add('reads forwarded')
        return
      case 'apply':
        for (const { index, kind, payload } of effect.entries) {
          if (index <= this.#seen) continue
          this.#seen = index
          if (kind === 'command') this.#committed(payload)
        }
        return
      case 'configuration':
        if (effect.committed && effect.at > this.#configured.at) this.#reconfigured(effect)
        return
      case 'done':
        return this.add('membership changes')
      default:
        return
    }
  }

  #reconfigured({ at, configuration }: Extract<Effect, { readonly type: 'configuration' }>): void {
    const { members } = configuration
    const learners = new Set(this.#configured.members.filter(({ role }) => role === 'learner').map(({ id }) => id))
    this.add('members promoted', members.filter(({ id, role }) => role !== 'learner' && learners.has(id)).length)
    this.#configured = { at, members }
  }

  #committed(payload: Uint8Array): void {
    const command = decodeCommand(payload)
    if (command.kind === 'expire') this.add('sessions expired')
    if (command.kind !== 'request') return
    const request = `${command.session} ${command.serial}`
    if (this.#requests.has(request)) this.add('retries answered from the session table')
    else this.#requests.add(request)
  }

  #changed(transition: Transition): void {
    switch (transition.name) {
      case 'becomeLeader':
        return this.add('elections')
      case 'becomeCandidate':
        return this.add('candidacies')
      case 'refusePreVote':
        return this.add('pre-votes refused')
      case 'grantVote':
        return this.add('votes granted')
      case 'truncate':
        return this.add('suffixes truncated')
      case 'configuration':
        if (transition.joint) this.add('joint changes')
        return
      case 'leaseRead':
        return this.add('lease reads')
      case 'readConfirmed':
        return this.add('index reads')
      case 'transferSent':
        return this.add('transfers sent')
      case 'stepDown':
        return this.add(`stepped down: ${transition.why}`)
      default:
        return
    }
  }
}
