// What must hold of a network of cores after every step: Raft's five properties by their textbook names (paper, figure
// 3), and what they rest on: one vote a term and life, acknowledgements and commitment that the disks bear out, reads
// that miss nothing committed before them. Judged from effects and disks, not from what the cores say of themselves.

import type { Configuration } from '../../../../actors/raft/core/configuration.ts'
import type { Effect } from '../../../../actors/raft/core/effect.ts'
import type { Entry, LogIndex, Term } from '../../../../actors/raft/core/entry.ts'
import type { Input } from '../../../../actors/raft/core/input.ts'
import { hasQuorum, votersOf } from '../../../../actors/raft/core/quorum.ts'
import type { Transition } from '../../../../actors/raft/core/transition.ts'
import type { Cluster, Replica } from './cluster.ts'

export class Safety {
  readonly #cluster: Cluster
  readonly #leaders = new Map<Term, string>()
  readonly #entries = new Map<string, { readonly bytes: string; readonly before: Term }>()
  readonly #committed: Term[] = []
  /** In which leader's term each was. */
  readonly #committedIn: Term[] = []
  readonly #applied: string[] = []
  readonly #votes = new Map<string, string>()
  readonly #known = new Map<string, { term: Term; commit: LogIndex }>()
  readonly #configurations = new Map<string, Configuration>()
  readonly #roles = new Map<string, string>()
  /** For each read the commit index when it was asked. */
  readonly #reads = new Map<number, LogIndex>()
  /** Copies of these nodes' disks have been destroyed: they count as having had everything. */
  readonly destroyed = new Set<string>()
  readonly counts = new Map<string, number>()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
    cluster.observe = (replica, input, effects) => this.check(replica, input, effects)
  }

  count(name: string): number {
    return this.counts.get(name) ?? 0
  }

  get committedThrough(): LogIndex {
    return this.#committed.length - 1
  }

  check(replica: Replica, input: Input | undefined, effects: readonly Effect[]): void {
    if (input?.type === 'read') for (const id of input.ids) this.#reads.set(id, this.committedThrough)
    const life = `${replica.id}/${replica.incarnation}/${replica.life}`
    for (const effect of effects) {
      if (effect.type === 'persist') this.#checkWritten(replica, effect.entries)
      else if (effect.type === 'apply') this.#checkApplied(replica, effect.entries)
      else if (effect.type === 'transition') this.#checkTransition(replica, life, effect.transition)
      else if (effect.type === 'send') this.#checkSent(replica, effect)
      else if (effect.type === 'readable') this.#checkReads(replica, effect.ids, effect.index)
    }
    this.#checkMonotonic(replica, life)
    this.#roles.set(life, replica.core.role)
    this.#configurations.set(life, replica.core.configuration.configuration)
  }

  #checkTransition(replica: Replica, life: string, transition: Transition): void {
    const { name } = transition
    this.counts.set(name, this.count(name) + 1)
    if (name === 'becomeLeader') {
      const { term } = transition
      this.#holds(this.#leaders.get(term) === undefined, 'Election Safety', `${replica.id} leads term ${term} too`)
      this.#leaders.set(term, replica.id)
      this.#committed.forEach((committed, index) => {
        const own = replica.core.termAt(index)
        const isThere = index < replica.core.firstIndex || own === committed || (this.#committedIn[index] ?? 0) >= term
        this.#holds(isThere, 'Leader Completeness', `${replica.id} in term ${term} has ${own} at ${index}`)
      })
    } else if (name === 'truncate') {
      const wasLeader = this.#roles.get(life) === 'leader' && replica.core.role === 'leader'
      this.#holds(!wasLeader, 'Leader Append-Only', `${replica.id} truncates from ${transition.from}`)
    } else if (name === 'commit') this.#checkCommit(replica, life, transition.through)
  }

  #checkCommit(
    replica: Replica,
    life: string,
    { index, term }: { readonly index: LogIndex; readonly term: Term },
  ): void {
    const before = this.committedThrough
    for (let at = Math.max(before + 1, 0); at <= index; at += 1) {
      this.#committed[at] = replica.core.termAt(at) ?? this.#committed[at] ?? 0
      this.#committedIn[at] = replica.core.term
    }
    this.#holds(this.#committed[index] === term, 'State Machine Safety', `${index} committed in term ${term} too`)
    if (replica.core.role !== 'leader' || index <= before) return
    // What it counted by: the configuration before the step, or the one that the step has put in force.
    const after = replica.core.configuration.configuration
    const isKept = [this.#configurations.get(life) ?? after, after].some((configuration) =>
      hasQuorum(votersOf(configuration), ({ id, incarnation }) => {
        const { disk, incarnation: present } = this.#cluster.get(id)
        if (present !== incarnation || this.destroyed.has(id)) return true
        return (disk.snapshot?.description.last.index ?? 0) >= index || disk.entry(index)?.term === term
      }),
    )
    this.#holds(isKept, 'Committed on a quorum of disks', `${index} of term ${term}, by ${replica.id}`)
  }

  #checkWritten(replica: Replica, entries: readonly Entry[]): void {
    for (const { index, term, bytes } of entries) {
      const before = replica.core.termAt(index - 1)
      const seen = this.#entries.get(`${index}/${term}`)
      const text = Buffer.from(bytes).toString('latin1')
      if (seen === undefined) this.#entries.set(`${index}/${term}`, { bytes: text, before: before ?? -1 })
      else {
        const isSame = seen.bytes === text && (before === undefined || seen.before === -1 || seen.before === before)
        this.#holds(isSame, 'Log Matching', `${index} of term ${term} at ${replica.id}`)
      }
    }
  }

  #checkApplied(replica: Replica, entries: readonly Entry[]): void {
    for (const { index, bytes } of entries) {
      const text = Buffer.from(bytes).toString('latin1')
      const seen = this.#applied[index]
      this.#holds(seen === undefined || seen === text, 'State Machine Safety', `${replica.id} applies another ${index}`)
      this.#applied[index] = text
    }
  }

  #checkSent(replica: Replica, { message, to }: Extract<Effect, { type: 'send' }>): void {
    const { disk } = replica
    if (message.kind === 'voteReply' && message.granted) {
      const key = `${replica.id}/${replica.incarnation}/${message.term}`
      const before = this.#votes.get(key)
      this.#holds(before === undefined || before === to, 'One vote a term', `${key} for ${before} and ${to}`)
      this.#votes.set(key, to)
      const isDurable = (disk.hardState?.term ?? 0) > message.term || disk.hardState?.votedFor === to
      this.#holds(isDurable, 'Vote durable', `${key} for ${to}`)
    }
    if (message.kind === 'appendReply' && message.outcome.accepted) {
      const { match } = message.outcome
      this.#holds(match <= disk.last, 'Acknowledged is durable', `${replica.id} ${match} of ${disk.last}`)
    }
    if (message.term > 0) {
      const isKnown = (disk.hardState?.term ?? 0) >= message.term
      this.#holds(isKnown, 'Term durable', `${replica.id} speaks in term ${message.term}`)
    }
  }

  #checkReads(replica: Replica, ids: readonly number[], index: LogIndex): void {
    for (const id of ids) {
      const least = this.#reads.get(id) ?? 0
      this.#holds(index >= least, 'Linearizable read', `${replica.id} reads ${index}, committed was ${least}`)
    }
  }

  #checkMonotonic(replica: Replica, life: string): void {
    const { term, commitIndex: commit, appliedIndex: applied, lastPosition, snapshot } = replica.core
    const before = this.#known.get(life)
    if (before !== undefined) {
      this.#holds(term >= before.term && commit >= before.commit, 'Monotonic', `${replica.id} ${term} ${commit}`)
    }
    this.#known.set(life, { term, commit })
    const purged = replica.core.firstIndex - 1
    const taken = snapshot?.last.index ?? 0
    const isOrdered = purged <= taken && taken <= commit && applied <= commit && commit <= lastPosition.index
    this.#holds(isOrdered, 'purged ≤ snapshot ≤ committed ≤ last', `${replica.id} ${purged} ${taken} ${commit}`)
  }

  #holds(holds: boolean, property: string, detail: string): void {
    if (!holds) throw new Error(`${property}: ${detail} at ${this.#cluster.now.toFixed(1)} ms`)
  }
}
