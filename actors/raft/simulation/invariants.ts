// What must hold of a Raft group after every event, in whatever state its replicas are. The rules are told every step of
// every core (what it was handed, what it wanted) and keep a record of their own: the logs as they were written, what the
// disks have confirmed, what is committed. They ask no core what it believes. Each event touches one replica, and only
// what it changed is looked at.

import { crc32c } from '../../../src/storage/crc32c.ts'
import type { Configuration } from '../core/configuration.ts'
import { decodeConfiguration } from '../core/configuration-codec.ts'
import type { Effect } from '../core/effect.ts'
import type { Entry, Incarnation, LogIndex, LogPosition, ReplicaId, Term } from '../core/entry.ts'
import type { Input } from '../core/input.ts'
import type { RecoveredState } from '../core/options.ts'
import type { Transition } from '../core/transition.ts'
import { Ledger } from './ledger.ts'
import type { Surroundings } from './promise-check.ts'
import { logOf, lossOf } from './recovery-check.ts'
import { keyOf, type RecordedEntry, ReplicaRecord } from './replica-record.ts'
import type { RaftInvariant, Violation } from './rules.ts'
import { Specification } from './specification.ts'
import { plain, StepCheck } from './step-check.ts'
import { linesOf, startOf } from './trace-check.ts'
import { untruthOf } from './truth-check.ts'
import { isQuorum } from './voters.ts'

/** One step of a core: its input (undefined at the start) and its effects. */
export interface ObservedStep {
  readonly input: Input | undefined
  readonly effects: readonly Effect[]
}

export class RaftChecker {
  violation: Violation | undefined
  readonly #records = new Map<string, ReplicaRecord>()
  readonly #ledger = new Ledger()
  readonly #leaders = new Map<Term, string>()
  readonly #specification = new Specification()
  readonly #steps: StepCheck
  readonly #only: string | undefined

  /**
   * `only`: the rule that is meant to be broken; others then say nothing. Without `around`, whose clocks show what voters
   * have promised leaders, leases are not judged.
   */
  constructor({ around, only }: { around?: Surroundings; only?: string | undefined } = {}) {
    this.#steps = new StepCheck(around)
    this.#only = only
  }

  /** The last index that is known to be committed. */
  get committed(): LogIndex {
    return this.#ledger.last
  }

  /** The committed configuration, as the entries say. */
  get configuration(): Configuration | undefined {
    return this.#ledger.configuration?.value
  }

  record(node: ReplicaId, incarnation: Incarnation): ReplicaRecord | undefined {
    return this.#records.get(keyOf(node, incarnation))
  }

  broken(rule: RaftInvariant, why: string): void {
    this.#found({ rule, why })
  }

  // ---- what happens to replicas ------------------------------------------------------------------------------------

  /** A life begins with what its disk holds. */
  started(node: ReplicaId, incarnation: Incarnation, recovered: RecoveredState): void {
    const key = keyOf(node, incarnation)
    const record = this.#records.get(key) ?? new ReplicaRecord(node, incarnation)
    this.#records.set(key, record)
    this.#found(lossOf(record, recovered, this.#ledger))
    record.isDamaged = false
    record.role = 'follower'
    record.pending = []
    record.log = logOf(recovered, this.#ledger)
    record.durable = record.log.copy()
    record.hardState = recovered.hardState
    record.term = recovered.hardState?.term ?? 0
    const snapshot = recovered.snapshot?.last.index ?? 0
    record.snapshot = snapshot
    record.base = recovered.snapshot && { at: snapshot, value: recovered.snapshot.configuration }
    record.applied = snapshot
    record.configuredAt = 0
    record.handed = snapshot
    record.commit = Math.min(Math.max(snapshot, recovered.hardState?.commit ?? 0), record.log.lastIndex)
    for (const [at, entry] of recovered.entries.entries()) this.#make(record, entry, recovered.entries[at - 1]?.term)
    this.#checkSurvival(record)
    this.#steps.started(record)
    this.#say(this.#specification.accept(startOf(node, incarnation, recovered)))
  }

  /** Its disk is about to lose entries through no fault of the protocol's. */
  damaged(node: ReplicaId, incarnation: Incarnation): void {
    const record = this.#records.get(keyOf(node, incarnation))
    record?.destroyed.push(record.durable.copy())
    if (record !== undefined) record.isDamaged = true
  }

  /** A core has taken a step. */
  stepped(node: ReplicaId, incarnation: Incarnation, { input, effects }: ObservedStep): void {
    const record = this.#records.get(keyOf(node, incarnation))
    if (record === undefined || this.violation !== undefined) return
    const committed = this.#ledger.last
    if (input !== undefined) this.#told(record, input)
    else this.#founded(record, effects)
    for (const effect of effects) this.#wanted(record, effect)
    this.#checkOrder(record)
    this.#checkMembership(record, effects)
    record.cutFrom = Number.POSITIVE_INFINITY
    const judged = { input, effects, committed, configuration: this.#configurationOf(record) }
    this.#found(this.#steps.stepped(record, judged))
    for (const line of linesOf(node, incarnation, effects)) this.#say(this.#specification.accept(line))
  }

  /** A leader would answer a read under its lease now. */
  leased(node: ReplicaId, incarnation: Incarnation): void {
    const record = this.#records.get(keyOf(node, incarnation))
    if (record !== undefined) this.#found(this.#steps.leased(record, this.#configurationOf(record)))
  }

  /** The founding membership is the first entry of every founder's log, and committed by what all of them know. */
  #founded(record: ReplicaRecord, effects: readonly Effect[]): void {
    if (this.#ledger.last > 0 || record.log.lastIndex > 0) return
    for (const effect of effects) {
      if (effect.type !== 'persist' || effect.entries[0]?.index !== 1 || effect.entries[0].term !== 0) continue
      this.#ledger.commit({ term: 0, checksum: this.#make(record, effect.entries[0], 0), by: 0 })
    }
  }

  #found(violation: Violation | undefined): void {
    if (violation === undefined || (this.#only !== undefined && plain(violation.rule) !== plain(this.#only))) return
    this.violation ??= violation
  }

  #say(why: string | undefined): void {
    this.#found(why === undefined ? undefined : { rule: 'specification', why })
  }

  #told(record: ReplicaRecord, input: Input): void {
    switch (input.type) {
      case 'persisted': {
        const shrinks = record.pending.some(({ truncateFrom }) => (truncateFrom ?? Infinity) <= this.#ledger.last)
        record.confirm(input.write)
        if (shrinks) this.#checkSurvival(record)
        return
      }
      case 'persistFailed':
        record.fail(input.write)
        return
      case 'applied':
        if (input.index < record.applied)
          this.broken('monotonic', `${record.key} applies ${input.index} after ${record.applied}`)
        record.applied = input.index
        return
      case 'snapshotTaken':
        record.snapshot = Math.max(record.snapshot, input.snapshot.last.index)
        return this.#found(this.#ledger.untruthOf(record.key, input.snapshot))
      case 'snapshotInstalled': {
        if (!input.intact) return
        record.installed(input.snapshot.last)
        return this.#checkSurvival(record)
      }
      default:
        return
    }
  }

  #wanted(record: ReplicaRecord, effect: Effect): void {
    switch (effect.type) {
      case 'transition':
        return this.#changed(record, effect.transition)
      case 'persist':
        return this.#written(record, effect)
      case 'send':
        if (effect.message.kind === 'append' || effect.message.kind === 'snapshot')
          this.#leads(record, effect.message.term)
        return this.#found(untruthOf(record, effect.message, this.#leaderOf(effect.message.term)))
      case 'apply':
        for (const entry of effect.entries) this.#checkApplied(record, entry)
        return
      case 'applyStored':
        if (effect.from !== record.handed + 1) this.#misapplied(record, effect.from)
        record.handed = effect.through
        if (effect.through > this.#ledger.last)
          this.broken('state-machine safety', `${record.key} applies ${effect.through}, which nobody has committed`)
        return
      case 'installSnapshot':
        record.arriving = effect.snapshot
        return
      case 'compact':
        record.purged = Math.max(record.purged, effect.through)
        return
      case 'configuration':
        record.base ??= { at: effect.at, value: effect.configuration }
        this.#ledger.begin(effect.at, effect.configuration)
        return this.#configured(record, effect)
      default:
        return
    }
  }

  // ---- roles and terms ---------------------------------------------------------------------------------------------

  #changed(record: ReplicaRecord, transition: Transition): void {
    switch (transition.name) {
      case 'becomeFollower':
      case 'becomePreCandidate':
      case 'becomeCandidate':
      case 'becomeLeader': {
        const { term } = transition
        if (term < record.term) this.broken('monotonic', `${record.key} goes from term ${record.term} to ${term}`)
        record.term = term
        record.role = ROLES[transition.name]
        if (transition.name === 'becomeLeader') this.#elected(record, term)
        return
      }
      case 'truncate':
        record.truncated(transition.from)
        return
      case 'commit':
        return this.#committed(record, transition.through)
      case 'installSnapshot': {
        const { last } = transition
        const known = this.#ledger.at(last.index)
        if (known?.term !== last.term)
          this.broken(
            'state-machine safety',
            `${record.key} installs a snapshot up to ${last.index} of term ${last.term}, and ${known === undefined ? 'that is not committed' : `that entry is of term ${known.term}`}`,
          )
        if (record.arriving?.last.index === last.index) {
          record.base = { at: last.index, value: record.arriving.configuration }
        }
        record.replaced(last)
        return
      }
      default:
        return
    }
  }

  #elected(record: ReplicaRecord, term: Term): void {
    this.#leads(record, term)
    const index = this.#ledger.lastBefore(term)
    const needed = this.#ledger.at(index)
    if (needed === undefined || record.log.holds(index, needed.term)) return
    this.broken(
      'leader completeness',
      `${record.key} leads term ${term} without the committed entry ${index} of term ${needed.term}`,
    )
  }

  #leaderOf(term: Term): ReplicaRecord | undefined {
    return this.#records.get(this.#leaders.get(term) ?? '')
  }

  #leads(record: ReplicaRecord, term: Term): void {
    const leader = this.#leaders.get(term) ?? record.key
    this.#leaders.set(term, leader)
    if (leader !== record.key) this.broken('election safety', `${leader} and ${record.key} lead term ${term}`)
  }

  // ---- logs --------------------------------------------------------------------------------------------------------

  #written(record: ReplicaRecord, effect: Extract<Effect, { readonly type: 'persist' }>): void {
    const { write, truncateFrom, hardState } = effect
    const before = record.log.lastIndex
    const entries = effect.entries.map((entry, at): RecordedEntry => {
      const after = effect.entries[at - 1]?.term ?? previousTerm(record, truncateFrom, entry.index)
      return {
        index: entry.index,
        term: entry.term,
        checksum: this.#make(record, entry, after),
        isConfiguration: entry.kind === 'configuration',
      }
    })
    this.#checkHardState(record, hardState)
    const isSound = record.write({ write, truncateFrom, entries, hardState })
    if (!isSound)
      this.broken('log matching', `${record.key} writes over entries that it has not taken away, or leaves a gap`)
    if (record.role === 'leader' && record.log.lastIndex < before) {
      this.broken(
        'leader append-only',
        `${record.key} leads and takes its log back from ${before} to ${record.log.lastIndex}`,
      )
    }
  }

  #checkHardState(record: ReplicaRecord, next: ReplicaRecord['hardState']): void {
    const last = record.pending.findLast(({ hardState }) => hardState !== undefined)?.hardState ?? record.hardState
    if (next === undefined || last === undefined) return
    if (next.term < last.term) this.broken('monotonic', `${record.key} writes term ${next.term} after ${last.term}`)
    if (next.commit < last.commit)
      this.broken('monotonic', `${record.key} writes commit ${next.commit} after ${last.commit}`)
    if (next.term === last.term && last.votedFor !== undefined && next.votedFor !== last.votedFor) {
      this.broken('monotonic', `${record.key} takes back its vote for ${last.votedFor} in term ${next.term}`)
    }
  }

  /** Notes an entry; the answer is its checksum. */
  #make(record: ReplicaRecord, entry: Entry, after: Term | undefined): number {
    const checksum = crc32c(entry.bytes)
    const place = { index: entry.index, term: entry.term }
    if (entry.kind === 'configuration') {
      const configuration = decodeConfiguration(entry.payload)
      if (configuration !== undefined) this.#ledger.carry(place, configuration)
    }
    const other = after === undefined ? undefined : this.#ledger.make(place, checksum, after)
    if (other !== undefined)
      this.broken('log matching', `${record.key} has ${other} at ${entry.index} of term ${entry.term}`)
    return checksum
  }

  // ---- commitment --------------------------------------------------------------------------------------------------

  #committed(record: ReplicaRecord, through: LogPosition): void {
    if (through.index < record.commit)
      this.broken('monotonic', `${record.key} takes back its commit from ${record.commit} to ${through.index}`)
    record.commit = Math.max(record.commit, through.index)
    if (record.role === 'leader' && through.index > this.#ledger.last) return this.#commitNew(record, through)
    const known = this.#ledger.at(through.index)
    if (known?.term === through.term) return
    this.broken(
      'state-machine safety',
      `${record.key} commits ${through.index} of term ${through.term}, and ${known === undefined ? 'no leader has' : `committed there is an entry of term ${known.term}`}`,
    )
  }

  #commitNew(record: ReplicaRecord, { index: last }: LogPosition): void {
    const { log } = record
    for (let index = this.#ledger.last + 1; index <= last; index++) {
      const [term, checksum] = [log.termAt(index), log.checksumAt(index)]
      if (term === undefined || checksum === undefined) {
        return this.broken('state-machine safety', `${record.key} commits ${index}, which it does not have`)
      }
      this.#ledger.commit({ term, checksum, by: record.term })
    }
    const configuration = this.#configurationOf(record)
    if (configuration !== undefined && this.#isOnQuorum(configuration, last)) return
    this.broken(
      "committed entries survive on a quorum's disks",
      `${record.key} commits ${last}, and only ${this.#holders(last).join(', ')} have it on their disks`,
    )
  }

  /** What is in force for a replica: the last configuration in its log. */
  #configurationOf({ log, base }: ReplicaRecord): Configuration | undefined {
    const at = log.configurationAt(log.lastIndex)
    return (at === undefined ? undefined : this.#ledger.configurationAt(at)) ?? base?.value
  }

  /** A disk has less than before, or other entries: what is committed must still be on a quorum. */
  #checkSurvival(record: ReplicaRecord): void {
    const { last, configuration } = this.#ledger
    const entry = this.#ledger.at(last)
    // The founding membership is on no disk when it is committed.
    if (entry === undefined || entry.by === 0 || configuration === undefined || record.isHolding(last, entry.term))
      return
    // A later configuration may be in force already where the entry was committed.
    const possible = [configuration.value, ...this.#ledger.configurationsBehind(configuration.at)]
    if (possible.some((each) => this.#isOnQuorum(each, last))) return
    this.broken(
      "committed entries survive on a quorum's disks",
      `${record.key} has lost the committed entry ${last}, and only ${this.#holders(last).join(', ')} have it on their disks`,
    )
  }

  #isOnQuorum(configuration: Configuration, index: LogIndex): boolean {
    const term = this.#ledger.at(index)?.term ?? 0
    return isQuorum(
      configuration,
      ({ id, incarnation }) => this.#records.get(keyOf(id, incarnation))?.isHolding(index, term) ?? false,
    )
  }

  #holders(index: LogIndex): string[] {
    const term = this.#ledger.at(index)?.term ?? 0
    return [...this.#records.values()].filter((record) => record.isHolding(index, term)).map(({ key }) => key)
  }

  // ---- membership --------------------------------------------------------------------------------------------------

  #configured(record: ReplicaRecord, { at, committed }: Extract<Effect, { readonly type: 'configuration' }>): void {
    const { base } = record
    if (base !== undefined && at < base.at) {
      this.broken(
        'membership',
        `${record.key} goes by the membership of ${at}, and its snapshot has that of ${base.at}`,
      )
    }
    if (!committed || at > record.configuredAt || record.isUnplaced) record.configuredAt = at
    record.isUnplaced = false
  }

  /** What was taken out of the log is in force no longer, and what was put into it is in force at once. */
  #checkMembership(record: ReplicaRecord, effects: readonly Effect[]): void {
    const { log, base, configuredAt, key } = record
    const isChanged = record.cutFrom < Number.POSITIVE_INFINITY || effects.some(({ type }) => type === 'persist')
    if (!isChanged) return
    const last = log.configurationAt(log.lastIndex)?.index ?? 0
    if (configuredAt > Math.max(1, base?.at ?? 0, last)) {
      this.broken('membership', `${key} goes by the membership of ${configuredAt}, which its log has lost`)
    } else if (configuredAt < last) {
      this.broken('membership', `${key} goes by the membership of ${configuredAt}, and its log has that of ${last}`)
    }
  }

  // ---- state machines ----------------------------------------------------------------------------------------------

  #checkApplied(record: ReplicaRecord, entry: Entry): void {
    if (entry.index !== record.handed + 1) this.#misapplied(record, entry.index)
    record.handed = entry.index
    const known = this.#ledger.at(entry.index)
    if (known?.term === entry.term && known.checksum === crc32c(entry.bytes)) return
    this.broken(
      'state-machine safety',
      `${record.key} applies ${entry.index} of term ${entry.term}, and ${known === undefined ? 'nobody has committed it' : `committed there is another entry, of term ${known.term}`}`,
    )
  }

  #misapplied(record: ReplicaRecord, index: LogIndex): void {
    this.broken('state-machine safety', `${record.key} applies ${index} after ${record.handed}`)
  }

  #checkOrder(record: ReplicaRecord): void {
    const { purged, snapshot, applied, commit, log } = record
    if (purged <= snapshot && snapshot <= applied && applied <= commit && commit <= log.lastIndex) return
    this.broken(
      'order of indexes',
      `${record.key}: purged ${purged} ≤ snapshot ${snapshot} ≤ applied ${applied} ≤ committed ${commit} ≤ last ${log.lastIndex} does not hold`,
    )
  }
}

const ROLES = {
  becomeFollower: 'follower',
  becomePreCandidate: 'preCandidate',
  becomeCandidate: 'candidate',
  becomeLeader: 'leader',
} as const

function previousTerm(record: ReplicaRecord, truncateFrom: LogIndex | undefined, index: LogIndex): Term | undefined {
  if (truncateFrom !== undefined && truncateFrom < index) return undefined
  return record.log.termAt(index - 1)
}
