// A replica of the sample register: primary–backup, as small as it can be and still be right under every fault of the
// simulator. Epoch e belongs to one node, n((e-1) mod N)+1. A backup that hears nothing asks all for a promise to its next
// epoch; with a majority's promises it takes over the latest state among them and hands it on. The primary answers a
// request once a majority has it on disk, itself included; reads are requests like others.
//
// The planted bug, `lost-ack`: the primary answers as soon as it has the request on its own disk.

import { defineServer } from '../../src/behaviours/server.ts'
import type { Ref } from '../../src/kernel/ref.ts'
import type { Self } from '../../src/kernel/self.ts'
import type { TransactionalStore } from '../../src/storage/store.ts'
import { applyEntries, EMPTY, type Entry, type RegisterState } from './register-state.ts'
import { ReplicaDisk } from './replica-disk.ts'
import type { SessionProtocol } from './session.ts'

/** Requests that one append carries at most. */
const BATCH = 16
/** Requests that wait at a primary at most; more are dropped, and come again. */
const QUEUE = 1000

export interface ReplicaProtocol {
  readonly cast: {
    readonly request: (request: Request) => void
    readonly vote: (vote: { readonly epoch: number; readonly from: string }) => void
    readonly voteReply: (reply: VoteReply) => void
    readonly append: (append: Append) => void
    readonly snapshot: (snapshot: { readonly from: string; readonly state: RegisterState }) => void
    readonly appendReply: (reply: AppendReply) => void
    readonly campaign: () => void
  }
}

export interface Request extends Entry {
  readonly client: Ref<SessionProtocol>
}

interface VoteReply {
  readonly epoch: number
  readonly from: string
  readonly state: RegisterState
}

/** `entries` follow the first `base` of epoch `epoch`. None: a heartbeat. */
interface Append {
  readonly epoch: number
  readonly from: string
  readonly base: number
  readonly entries: readonly Entry[]
}

interface AppendReply {
  readonly epoch: number
  readonly from: string
  /** How many entries it has on disk; -1 if it needs a snapshot. */
  readonly seq: number
}

export interface ReplicaOptions {
  readonly name: string
  /** All nodes in order: an epoch's number says whose it is. */
  readonly nodes: readonly string[]
  readonly peers: ReadonlyMap<string, Ref<ReplicaProtocol>>
  readonly open: () => Promise<TransactionalStore>
  readonly electionTimeout: readonly [least: number, most: number]
  readonly heartbeatMs: number
  /** A number from `least` to `most`. */
  readonly between: (least: number, most: number) => number
  readonly bug?: 'lost-ack' | undefined
}

interface InFlight {
  readonly requests: readonly Request[]
  readonly base: number
  readonly acks: Set<string>
}

/** What a replica knows. Changed in place: a state of this server is the same object for its whole life. */
export interface Replica {
  readonly options: ReplicaOptions
  readonly disk: ReplicaDisk
  role: 'backup' | 'candidate' | 'primary'
  /** It takes no order of an epoch below. */
  promised: number
  data: RegisterState
  votes: Map<string, RegisterState>
  /** The primary it last heard of. */
  primary: string | undefined
  /** When it takes the primary for dead, in milliseconds of its own clock. */
  suspectAt: number
  queue: Request[]
  inFlight: InFlight | undefined
  /** The last commit it made as a primary. */
  committed: RegisterState
}

const TICK = 'tick'

export const ReplicaServer = defineServer<ReplicaProtocol>()({
  name: 'replica',
  init: async (options: ReplicaOptions, { self }): Promise<Replica> => {
    const disk = new ReplicaDisk(await options.open())
    const { promised, state } = await disk.read()
    const replica: Replica = {
      options,
      disk,
      role: 'backup',
      promised,
      data: state,
      votes: new Map(),
      primary: undefined,
      suspectAt: 0,
      queue: [],
      inFlight: undefined,
      committed: EMPTY,
    }
    trust(replica, self)
    self.sendAfter(options.heartbeatMs, self.pid, TICK)
    return replica
  },
  cast: {
    request: ({ self, state }, request) => enqueue(state, self, request),
    campaign: ({ self, state }) => campaign(state, self),
    vote: ({ self, state }, vote) => vouch(state, self, vote.epoch, vote.from),
    voteReply: ({ self, state }, reply) => count(state, self, reply),
    append: ({ self, state }, append) => accept(state, self, append),
    snapshot: ({ self, state }, { from, state: other }) => takeOver(state, self, from, other),
    appendReply: ({ self, state }, reply) => acknowledged(state, self, reply),
  },
  info: ({ self, state }, message) => (message === TICK ? tick(state, self) : state),
})

// ---- client requests ----------------------------------------------------------------------------------------------

function enqueue(replica: Replica, self: Self, request: Request): Replica | Promise<Replica> {
  const { session, serial, client } = request
  if (replica.role !== 'primary') {
    self.cast(client, 'reply', { session, serial, refused: 'notLeader', hint: replica.primary })
    return replica
  }
  const isSame = (other: Entry) => other.session === session && other.serial === serial
  const isKnown = replica.queue.some(isSame) || replica.inFlight?.requests.some(isSame) === true
  if (isKnown || replica.queue.length >= QUEUE) return replica
  replica.queue.push(request)
  return flush(replica, self)
}

/** Sends the next batch, if none is under way. */
function flush(replica: Replica, self: Self): Replica | Promise<Replica> {
  if (replica.role !== 'primary' || replica.inFlight !== undefined || replica.queue.length === 0) return replica
  const requests = replica.queue.splice(0, BATCH)
  const entries = requests.map(({ session, serial, input }): Entry => ({ session, serial, input }))
  const { epoch, seq: base } = replica.data
  const inFlight: InFlight = { requests, base, acks: new Set() }
  replica.inFlight = inFlight
  const from = replica.options.name
  broadcast(replica, (peer) => self.cast(peer, 'append', { epoch, from, base, entries }))
  return keep(replica, applyEntries(replica.data, entries), entries, () => {
    inFlight.acks.add(from)
    return commit(replica, self)
  })
}

function commit(replica: Replica, self: Self): Replica | Promise<Replica> {
  const { inFlight, data, options } = replica
  if (inFlight === undefined) return replica
  const enough = options.bug === 'lost-ack' ? 1 : majority(replica)
  if (inFlight.acks.size < enough) return replica
  replica.inFlight = undefined
  replica.committed = data
  for (const { session, serial, client } of inFlight.requests) {
    const answered = data.sessions[session]
    if (answered?.serial === serial) self.cast(client, 'reply', { session, serial, output: answered.output })
  }
  return flush(replica, self)
}

// ---- epochs -------------------------------------------------------------------------------------------------------

function campaign(replica: Replica, self: Self): Replica | Promise<Replica> {
  const { nodes, name } = replica.options
  let epoch = replica.promised + 1
  while (nodes[(epoch - 1) % nodes.length] !== name) epoch++
  stepDown(replica, 'candidate')
  trust(replica, self)
  return promise(replica, epoch, () => {
    replica.votes = new Map([[name, replica.data]])
    broadcast(replica, (peer) => self.cast(peer, 'vote', { epoch, from: name }))
    return elect(replica, self)
  })
}

function vouch(replica: Replica, self: Self, epoch: number, from: string): Replica | Promise<Replica> {
  if (epoch < replica.promised) return replica
  const answer = () => {
    send(replica, from, (peer) =>
      self.cast(peer, 'voteReply', { epoch, from: replica.options.name, state: replica.data }),
    )
    return replica
  }
  if (epoch === replica.promised) return replica.data.epoch === epoch ? replica : answer()
  stepDown(replica, 'backup')
  trust(replica, self)
  return promise(replica, epoch, answer)
}

function count(replica: Replica, self: Self, { epoch, from, state }: VoteReply): Replica | Promise<Replica> {
  if (replica.role !== 'candidate' || epoch !== replica.promised) return replica
  replica.votes.set(from, state)
  return elect(replica, self)
}

/** With a majority's promises: the latest of their states becomes the epoch's first. */
function elect(replica: Replica, self: Self): Replica | Promise<Replica> {
  if (replica.role !== 'candidate' || replica.votes.size < majority(replica)) return replica
  let latest = replica.data
  for (const state of replica.votes.values()) {
    if (state.epoch > latest.epoch || (state.epoch === latest.epoch && state.seq > latest.seq)) latest = state
  }
  const state = { ...latest, epoch: replica.promised }
  const inFlight: InFlight = { requests: [], base: state.seq, acks: new Set() }
  return adopt(replica, state, () => {
    replica.role = 'primary'
    replica.primary = replica.options.name
    replica.inFlight = inFlight
    inFlight.acks.add(replica.options.name)
    broadcast(replica, (peer) => self.cast(peer, 'snapshot', { from: replica.options.name, state }))
    return commit(replica, self)
  })
}

// ---- backups ------------------------------------------------------------------------------------------------------

function accept(replica: Replica, self: Self, append: Append): Replica | Promise<Replica> {
  const { epoch, from, base, entries } = append
  if (epoch < replica.promised) return replica
  const { data } = replica
  const reply = (seq: number) => {
    send(replica, from, (peer) => self.cast(peer, 'appendReply', { epoch, from: replica.options.name, seq }))
    return replica
  }
  if (epoch > replica.promised || data.epoch !== epoch || data.seq < base) return reply(-1)
  replica.primary = from
  trust(replica, self)
  // What it has already of these has come again.
  const fresh = entries.slice(data.seq - base)
  if (fresh.length === 0) return reply(data.seq)
  return keep(replica, applyEntries(data, fresh), fresh, () => reply(replica.data.seq))
}

function takeOver(replica: Replica, self: Self, from: string, state: RegisterState): Replica | Promise<Replica> {
  const { epoch, seq } = state
  if (epoch < replica.promised) return replica
  if (epoch > replica.promised) stepDown(replica, 'backup')
  replica.primary = from
  trust(replica, self)
  const reply = () => {
    const { name } = replica.options
    send(replica, from, (peer) => self.cast(peer, 'appendReply', { epoch, from: name, seq: replica.data.seq }))
    return replica
  }
  const isOld = replica.data.epoch === epoch && replica.data.seq >= seq
  return isOld ? reply() : adopt(replica, state, reply)
}

function acknowledged(replica: Replica, self: Self, reply: AppendReply): Replica | Promise<Replica> {
  const { data, inFlight } = replica
  if (replica.role !== 'primary' || reply.epoch !== data.epoch) return replica
  if (reply.seq < 0) {
    send(replica, reply.from, (peer) => self.cast(peer, 'snapshot', { from: replica.options.name, state: data }))
    return replica
  }
  if (inFlight === undefined || reply.seq < data.seq) return replica
  inFlight.acks.add(reply.from)
  return commit(replica, self)
}

// ---- time ---------------------------------------------------------------------------------------------------------

function tick(replica: Replica, self: Self): Replica | Promise<Replica> {
  const { options, data, inFlight } = replica
  self.sendAfter(options.heartbeatMs, self.pid, TICK)
  if (replica.role === 'primary') {
    const requests = inFlight?.requests ?? []
    const entries = requests.map(({ session, serial, input }): Entry => ({ session, serial, input }))
    const append = { epoch: data.epoch, from: options.name, base: data.seq - entries.length, entries }
    broadcast(replica, (peer) => self.cast(peer, 'append', append))
    return replica
  }
  return self.now() >= replica.suspectAt ? campaign(replica, self) : replica
}

function trust(replica: Replica, self: Self): void {
  const [least, most] = replica.options.electionTimeout
  replica.suspectAt = self.now() + replica.options.between(least, most)
}

// ---- changes, each on disk before anybody is told ------------------------------------------------------------------

type Then = () => Replica | Promise<Replica>

function keep(replica: Replica, next: RegisterState, entries: readonly Entry[], then: Then): Promise<Replica> {
  return written(replica, replica.disk.append(replica.promised, next, entries), () => {
    replica.data = next
    return then()
  })
}

function adopt(replica: Replica, next: RegisterState, then: Then): Promise<Replica> {
  return written(replica, replica.disk.replace(next.epoch, next, replica.data), () => {
    replica.promised = next.epoch
    replica.data = next
    return then()
  })
}

function promise(replica: Replica, epoch: number, then: Then): Promise<Replica> {
  return written(replica, replica.disk.promise(epoch, replica.data), () => {
    replica.promised = epoch
    return then()
  })
}

/** A full disk is no end: nothing has changed, and nobody is told otherwise. */
function written(replica: Replica, change: Promise<void>, then: Then): Promise<Replica> {
  return change.then(then, () => unwritten(replica))
}

function unwritten(replica: Replica): Replica {
  stepDown(replica, 'backup')
  return replica
}

function stepDown(replica: Replica, role: 'backup' | 'candidate'): void {
  replica.role = role
  replica.votes = new Map()
  replica.queue = []
  replica.inFlight = undefined
  replica.primary = undefined
}

function majority(replica: Replica): number {
  return Math.floor(replica.options.nodes.length / 2) + 1
}

function send(replica: Replica, to: string, act: (peer: Ref<ReplicaProtocol>) => void): void {
  const peer = replica.options.peers.get(to)
  if (peer !== undefined) act(peer)
}

function broadcast(replica: Replica, act: (peer: Ref<ReplicaProtocol>) => void): void {
  for (const peer of replica.options.peers.values()) act(peer)
}
