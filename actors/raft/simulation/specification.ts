// Raft as the paper and the thesis have it, small enough to be read beside them, and written apart from the core: it
// knows transitions by name, not how they come about. It is told every transition of every replica in the order in
// which they happened, and rejects the first one that Raft's rules do not allow.
//
// The logs of all replicas are one tree: an entry is known by index and term, and has one predecessor. A replica's log
// is the path to its tip, so that Log Matching holds by construction, and what breaks it cannot be said.

import type { Configuration, Member } from '../core/configuration.ts'
import type { Incarnation, LogIndex, LogPosition, ReplicaId, Term } from '../core/entry.ts'
import type { Transition } from '../core/transition.ts'
import { LogTree, ORIGIN } from './log-tree.ts'

/** One line of a trace: what happened to which replica. */
export interface TraceLine {
  readonly node: ReplicaId
  readonly incarnation: Incarnation
  readonly event:
    | Transition
    /** A life begins with what the disk has kept. `isDamaged`: the disk has lost what it once held. */
    | {
        readonly name: 'start'
        readonly term: Term
        readonly votedFor: ReplicaId | undefined
        readonly snapshot: LogPosition
        readonly last: LogPosition
        readonly commit: LogIndex
        readonly isDamaged: boolean
        /** How far its log once reached, if it does not any more: it votes as if it did, and does not stand. */
        readonly floor?: LogPosition | undefined
      }
    /** Who belongs to the group, as this replica's log says from now on. */
    | { readonly name: 'members'; readonly configuration: Configuration; readonly at: LogIndex }
}

type Event = TraceLine['event']
type EventOf<Name extends Event['name']> = Extract<Event, { readonly name: Name }>

interface Replica {
  readonly node: ReplicaId
  readonly incarnation: Incarnation
  role: 'down' | 'follower' | 'preCandidate' | 'candidate' | 'leader'
  term: Term
  /** Whom it voted for, by term, in all its lives. */
  readonly votes: Map<Term, ReplicaId>
  tip: LogPosition
  /** Where its log once ended, before damage. */
  floor: LogPosition
  durable: LogPosition
  /** What it last had durable in a term: that is what it can have acknowledged to the leader of that term. */
  readonly durableIn: Map<Term, LogPosition>
  /** The same before damage took it: a late acknowledgement was true when it was sent. */
  readonly lostIn: Map<Term, LogPosition>
  snapshot: LogIndex
  commit: LogPosition
  members: Configuration | undefined
  membersAt: LogIndex
  /** As a leader: what each member has acknowledged. */
  acknowledged: Map<string, LogIndex>
  /** As a leader: where its log ended when it last told somebody to stand. */
  handedOver: LogIndex
}

/** Judges a trace line by line. */
export class Specification {
  readonly #tree = new LogTree()
  readonly #replicas = new Map<string, Replica>()
  readonly #leaders = new Map<Term, string>()
  /** Who stood in which term, and the last entry it had then. */
  readonly #candidates = new Map<string, LogPosition>()
  /** Who voted for whom: `term node` to the voters. */
  readonly #ballots = new Map<string, Set<string>>()
  /** What is committed, by index: the entry's term, and the term of the leader that committed it. */
  readonly #committed: { readonly term: Term; readonly by: Term }[] = []

  /** Undefined if the rules allow the line; else which one does not. A line that was rejected must be the last. */
  accept({ node, incarnation, event }: TraceLine): string | undefined {
    const replica = this.#replicaOf(node, incarnation)
    const why = this.#judge(replica, keyOf(node, incarnation), event)
    return why === undefined ? undefined : `${node} in term ${replica.term}, ${replica.role}: ${event.name}: ${why}`
  }

  #judge(replica: Replica, key: string, event: Event): string | undefined {
    if (event.name === 'start') return this.#start(replica, event)
    if (replica.role === 'down') return 'before its start'
    switch (event.name) {
      case 'members':
        return this.#members(replica, event)
      case 'becomeFollower':
        return this.#becomeFollower(replica, event)
      case 'becomePreCandidate':
        return this.#becomePreCandidate(replica, event)
      case 'becomeCandidate':
        return this.#becomeCandidate(replica, key, event)
      case 'becomeLeader':
        return this.#becomeLeader(replica, key, event)
      case 'grantVote':
        return this.#grantVote(replica, key, event)
      case 'appendOwn':
        return this.#appendOwn(replica, event)
      case 'truncate':
        return this.#truncate(replica, event)
      case 'appendReceived':
        return this.#appendReceived(replica, event)
      case 'durable':
        return this.#becomeDurable(replica, event)
      case 'acknowledged':
        return this.#hearAcknowledged(replica, event)
      case 'commit':
        return this.#commit(replica, key, event)
      case 'installSnapshot':
        return this.#installSnapshot(replica, event)
      case 'compact':
        return event.through <= replica.commit.index ? undefined : `beyond what is committed, ${replica.commit.index}`
      case 'transferSent':
        return this.#handOver(replica, event)
      case 'leaseRead':
        return this.#leaseRead(replica, event)
      case 'readConfirmed':
        return this.#readConfirmed(replica, event.index)
      default:
        return undefined
    }
  }

  // ---- lives and terms ---------------------------------------------------------------------------------------------

  #start(
    replica: Replica,
    { term, votedFor, snapshot, last, commit, isDamaged, floor }: EventOf<'start'>,
  ): string | undefined {
    // A vote that was not durable was never said, and is free again.
    for (const [votedIn, vote] of replica.votes) {
      if (votedIn > term || (votedIn === term && votedFor === undefined)) this.#forgetVote(replica, votedIn, vote)
    }
    const vote = replica.votes.get(term)
    if (vote !== undefined && votedFor !== vote)
      return `has a vote for ${votedFor}, and voted for ${vote} in term ${term}`
    // Damage that an earlier start found, and noted before it was cut off, is known by the floor alone.
    const isKnown = isDamaged || (floor !== undefined && !isBehind(floor, replica.durable))
    if (!isKnown && !this.#tree.holds(last, replica.durable)) {
      return `comes back with ${show(last)}, and had ${show(replica.durable)} durable`
    }
    replica.role = 'follower'
    replica.term = term
    replica.tip = this.#tree.adopt(last, snapshot)
    replica.floor = floor ?? last
    replica.durable = last
    const held = replica.durableIn.get(term)
    if (held !== undefined && !this.#tree.holds(last, held)) replica.lostIn.set(term, held)
    replica.durableIn.set(term, last)
    replica.snapshot = snapshot.index
    replica.commit = this.#tree.ancestor(replica.tip, Math.max(snapshot.index, Math.min(commit, last.index)))
    replica.acknowledged = new Map()
    return undefined
  }

  #enter(replica: Replica, term: Term): void {
    if (term > replica.term) replica.durableIn.set(term, replica.durable)
    replica.term = term
  }

  #becomeFollower(replica: Replica, { term, leader }: EventOf<'becomeFollower'>): string | undefined {
    if (term < replica.term) return `goes back to term ${term}`
    if (leader !== undefined && this.#leaders.get(term)?.split(' ')[0] !== leader)
      return `${leader} leads no term ${term}`
    this.#enter(replica, term)
    replica.role = 'follower'
    return undefined
  }

  #becomePreCandidate(replica: Replica, { term }: EventOf<'becomePreCandidate'>): string | undefined {
    if (term !== replica.term) return `a pre-vote changes no term, and this one is for ${term}`
    if (replica.role === 'leader') return 'a leader does not stand'
    replica.role = 'preCandidate'
    return undefined
  }

  #becomeCandidate(replica: Replica, key: string, { term }: EventOf<'becomeCandidate'>): string | undefined {
    if (replica.role === 'leader') return 'a leader does not stand'
    if (term !== replica.term + 1) return `stands in term ${term}`
    if (isBehind(replica.tip, replica.floor)) return `stands, and its log once went up to ${show(replica.floor)}`
    this.#enter(replica, term)
    replica.role = 'candidate'
    this.#candidates.set(`${term} ${replica.node}`, replica.tip)
    return this.#vote(replica, key, term, replica.node)
  }

  #grantVote(replica: Replica, key: string, { term, to }: EventOf<'grantVote'>): string | undefined {
    if (term < replica.term) return `a vote in term ${term}`
    this.#enter(replica, term)
    const last = this.#candidates.get(`${term} ${to}`)
    if (last === undefined) return `${to} does not stand in term ${term}`
    const own = isBehind(replica.tip, replica.floor) ? replica.floor : replica.tip
    if (isBehind(last, own)) return `${to} has a log up to ${show(last)}, and this one is up to ${show(own)}`
    return this.#vote(replica, key, term, to)
  }

  #vote(replica: Replica, key: string, term: Term, to: ReplicaId): string | undefined {
    const before = replica.votes.get(term)
    if (before !== undefined && before !== to) return `votes for ${to} in term ${term}, after a vote for ${before}`
    replica.votes.set(term, to)
    const ballot = `${term} ${to}`
    const voters = this.#ballots.get(ballot)
    if (voters === undefined) this.#ballots.set(ballot, new Set([key]))
    else voters.add(key)
    return undefined
  }

  #forgetVote({ node, incarnation, votes }: Replica, term: Term, vote: ReplicaId): void {
    votes.delete(term)
    if (this.#leaders.get(term)?.split(' ')[0] !== vote)
      this.#ballots.get(`${term} ${vote}`)?.delete(keyOf(node, incarnation))
  }

  #becomeLeader(replica: Replica, key: string, { term, last }: EventOf<'becomeLeader'>): string | undefined {
    const leader = this.#leaders.get(term)
    if (leader !== undefined && leader !== key) return `${leader} leads term ${term}`
    if (replica.role !== 'candidate' || term !== replica.term) return `does not stand in term ${term}`
    if (!equal(last, replica.tip)) return `says its log ends at ${show(last)}, not ${show(replica.tip)}`
    const voters = this.#ballots.get(`${term} ${replica.node}`) ?? new Set()
    if (!isQuorum(replica.members, (member) => voters.has(member))) return `without a quorum: ${[...voters].join(', ')}`
    let index = this.#committed.length
    while (index > 0 && (this.#committed[index - 1]?.by ?? 0) >= term) index--
    const needed = this.#committed[index - 1]
    if (needed !== undefined && this.#tree.termAt(replica.tip, index) !== needed.term)
      return `lacks the committed ${index}`
    this.#leaders.set(term, key)
    replica.role = 'leader'
    replica.acknowledged = new Map()
    replica.handedOver = 0
    return undefined
  }

  #handOver(replica: Replica, { to }: EventOf<'transferSent'>): string | undefined {
    if (replica.role !== 'leader') return 'only a leader hands over'
    const has = [...replica.acknowledged].some(([key, match]) => nodeOf(key) === to && match >= replica.tip.index)
    if (!has) return `tells ${to} to stand, which has not acknowledged ${show(replica.tip)}`
    replica.handedOver = replica.tip.index
    return undefined
  }

  // ---- logs --------------------------------------------------------------------------------------------------------

  #appendOwn(replica: Replica, { from, through }: EventOf<'appendOwn'>): string | undefined {
    if (replica.role !== 'leader') return 'only a leader makes entries'
    if (through.term !== replica.term) return `an entry of term ${through.term}`
    if (from !== replica.tip.index + 1) return `from ${from}, behind ${replica.tip.index}`
    for (let index = from; index <= through.index; index++) {
      if (!this.#tree.grow(replica.tip, replica.term)) return `another entry ${index} of term ${replica.term} exists`
      replica.tip = { index, term: replica.term }
    }
    return undefined
  }

  #truncate(replica: Replica, { from }: EventOf<'truncate'>): string | undefined {
    if (replica.role === 'leader') return 'a leader takes nothing back'
    if (from <= replica.commit.index) return `from ${from}, and ${replica.commit.index} is committed`
    replica.tip = this.#tree.ancestor(replica.tip, from - 1)
    if (replica.durable.index >= from) replica.durable = replica.tip
    return undefined
  }

  #appendReceived(replica: Replica, { through }: EventOf<'appendReceived'>): string | undefined {
    if (replica.role === 'leader') return 'a leader takes entries from nobody'
    if (through.term > replica.term) return `an entry of term ${through.term}`
    if (!this.#tree.has(through)) return `nobody has made an entry ${show(through)}`
    const [longer, shorter] = through.index > replica.tip.index ? [through, replica.tip] : [replica.tip, through]
    if (!this.#tree.holds(longer, shorter)) return `${show(through)} does not follow from ${show(replica.tip)}`
    replica.tip = longer
    return undefined
  }

  #becomeDurable(replica: Replica, { through }: EventOf<'durable'>): string | undefined {
    if (!this.#tree.holds(replica.tip, through)) return `${show(through)} is not in its log up to ${show(replica.tip)}`
    replica.durable = through
    replica.durableIn.set(replica.term, through)
    return undefined
  }

  #installSnapshot(replica: Replica, { last }: EventOf<'installSnapshot'>): string | undefined {
    if (replica.role === 'leader') return 'a leader takes a snapshot from nobody'
    if (this.#committed[last.index - 1]?.term !== last.term) return `${show(last)} is not committed`
    if (last.index < replica.commit.index) return `a snapshot up to ${last.index} takes back what is committed`
    if (!this.#tree.holds(replica.tip, last)) replica.tip = last
    if (!this.#tree.holds(replica.durable, last)) replica.durable = last
    replica.durableIn.set(replica.term, replica.durable)
    replica.snapshot = last.index
    replica.commit = last
    return undefined
  }

  // ---- commitment --------------------------------------------------------------------------------------------------

  #hearAcknowledged(replica: Replica, { by, incarnation, match }: EventOf<'acknowledged'>): string | undefined {
    if (replica.role !== 'leader') return 'only a leader counts'
    const peer = keyOf(by, incarnation)
    const held = this.#replicas.get(peer)?.durableIn.get(replica.term)
    const lost = this.#replicas.get(peer)?.lostIn.get(replica.term)
    const term = this.#tree.termAt(replica.tip, match)
    const isIn = (last?: LogPosition) =>
      term !== undefined && last !== undefined && this.#tree.holds(last, { index: match, term })
    const isHeld = isIn(held) || isIn(lost)
    if (!isHeld)
      return `${by} has acknowledged ${match}, and has durable ${held === undefined ? 'nothing' : show(held)}`
    replica.acknowledged.set(peer, Math.max(match, replica.acknowledged.get(peer) ?? 0))
    return undefined
  }

  #commit(replica: Replica, key: string, { through }: EventOf<'commit'>): string | undefined {
    if (through.index === 1 && through.term === 0 && replica.tip.index === 0) return this.#found(replica)
    if (through.index < replica.commit.index) return `goes back from ${replica.commit.index}`
    if (!this.#tree.holds(replica.tip, through)) return `${show(through)} is not in its log up to ${show(replica.tip)}`
    if (replica.role === 'leader') {
      if (through.term !== replica.term) return `an entry of term ${through.term} by counting (Figure 8)`
      const has = (member: string) =>
        member === key
          ? this.#tree.holds(replica.durable, through)
          : (replica.acknowledged.get(member) ?? 0) >= through.index
      if (!isQuorum(replica.members, has)) return `${through.index} without a quorum`
      const missing: { term: Term; by: Term }[] = []
      for (let at = through; at.index > this.#committed.length; at = this.#tree.parent(at)) {
        missing.push({ term: at.term, by: replica.term })
      }
      this.#committed.push(...missing.reverse())
    }
    if (this.#committed[through.index - 1]?.term !== through.term) return `${show(through)} was committed by no leader`
    replica.commit = through
    return undefined
  }

  /** The founding membership is the first entry of every founder's log, and committed by what all of them know. */
  #found(replica: Replica): string | undefined {
    const entry = { index: 1, term: 0 }
    if (replica.commit.index > 0) return 'founds a group that is founded'
    this.#tree.grow(ORIGIN, 0)
    if (this.#committed.length === 0) this.#committed.push({ term: 0, by: 0 })
    replica.tip = entry
    replica.commit = entry
    return undefined
  }

  #leaseRead(replica: Replica, { index }: EventOf<'leaseRead'>): string | undefined {
    if (index < this.#committed.length) return `reads as of ${index}, and ${this.#committed.length} is committed`
    if (replica.handedOver >= replica.commit.index) return 'somebody was told to stand, and may win without what is new'
    return this.#readConfirmed(replica, index)
  }

  #readConfirmed(replica: Replica, index: LogIndex): string | undefined {
    if (replica.role !== 'leader') return 'only a leader knows what is committed'
    if (replica.commit.term !== replica.term) return 'before an entry of its term is committed'
    return index <= replica.commit.index ? undefined : `${index} is not committed`
  }

  // ---- membership --------------------------------------------------------------------------------------------------

  #members(replica: Replica, { configuration, at }: EventOf<'members'>): string | undefined {
    const { members: before, membersAt } = replica
    // An earlier one becoming known committed changes nothing while the later one stands in the log.
    if (at < membersAt && replica.tip.index >= membersAt) return undefined
    replica.members = configuration
    replica.membersAt = at
    if (replica.role !== 'leader' || before === undefined || at <= membersAt) return undefined
    if (replica.commit.term !== replica.term) return 'changes the members before an entry of its term is committed'
    if (replica.commit.index < membersAt) return `a second change, while the one at ${membersAt} is not committed`
    if (before.outgoing !== undefined) {
      const isFinal = configuration.outgoing === undefined && sameVoters(configuration.members, before.members)
      return isFinal ? undefined : 'a joint configuration ends in its new members'
    }
    if (configuration.outgoing !== undefined) {
      return sameVoters(configuration.outgoing, before.members) ? undefined : 'leaves other members than there were'
    }
    const apart = difference(configuration.members, before.members)
    return apart <= 1 ? undefined : `${apart} voters change at once, without a joint configuration`
  }

  #replicaOf(node: ReplicaId, incarnation: Incarnation): Replica {
    const key = keyOf(node, incarnation)
    let replica = this.#replicas.get(key)
    if (replica === undefined) {
      replica = {
        node,
        incarnation,
        role: 'down',
        term: 0,
        votes: new Map(),
        tip: ORIGIN,
        floor: ORIGIN,
        durable: ORIGIN,
        durableIn: new Map(),
        lostIn: new Map(),
        snapshot: 0,
        commit: ORIGIN,
        members: undefined,
        membersAt: 0,
        acknowledged: new Map(),
        handedOver: 0,
      }
      this.#replicas.set(key, replica)
    }
    return replica
  }
}

function keyOf(node: ReplicaId, incarnation: Incarnation): string {
  return incarnation === '' ? node : `${node} ${incarnation}`
}

function nodeOf(key: string): ReplicaId {
  return key.split(' ', 1).join()
}

/** Whether `a` is less up to date than `b` (Raft paper §5.4.1). */
function isBehind(a: LogPosition, b: LogPosition): boolean {
  return a.term !== b.term ? a.term < b.term : a.index < b.index
}

/** Whether more than half of the voters do, of the outgoing ones too in a joint configuration. */
function isQuorum(configuration: Configuration | undefined, has: (member: string) => boolean): boolean {
  if (configuration === undefined) return false
  const { members, outgoing } = configuration
  return [members, ...(outgoing === undefined ? [] : [outgoing])].every((set) => {
    const voters = votersOf(set)
    return voters.filter(has).length * 2 > voters.length
  })
}

function votersOf(members: readonly Member[]): string[] {
  return members.filter(({ role }) => role !== 'learner').map(({ id, incarnation }) => keyOf(id, incarnation))
}

function sameVoters(a: readonly Member[], b: readonly Member[]): boolean {
  return difference(a, b) === 0
}

function difference(a: readonly Member[], b: readonly Member[]): number {
  const [ours, theirs] = [votersOf(a), votersOf(b)]
  const missing = (from: string[], other: string[]) => from.filter((voter) => !other.includes(voter)).length
  return missing(ours, theirs) + missing(theirs, ours)
}

function equal(a: LogPosition, b: LogPosition): boolean {
  return a.index === b.index && a.term === b.term
}

function show({ index, term }: LogPosition): string {
  return `${index} of term ${term}`
}
