// A replica: the gen_statem around the Raft core. Its state is the core's role; its events are the messages of peers and
// clients, time-outs, and what its disk and its applier have to say.
//
// Invariants: the core is stepped by this process alone; the state named here is the core's own role after each event.

import { defineStatem, type StatemContext } from '../../src/behaviours/statem.ts'
import { type Action, cancel, initial, next, reply, stop, timeout } from '../../src/behaviours/statem-results.ts'
import type { Self } from '../../src/kernel/self.ts'
import type { Role } from './core/transition.ts'
import { fromWire, type ReplicaProtocol, type WireMessage } from './protocol.ts'
import { ReplicaHost } from './replica-host.ts'
import type { ReplicaOptions } from './replica-options.ts'
import type { ReplicaStorage } from './replica-storage.ts'

/** `recovering`: the applier reads its snapshot. Then the core's role. */
export type ReplicaState = 'recovering' | Role

type Context = StatemContext<ReplicaState, ReplicaHost>

export interface ReplicaArgument {
  readonly options: ReplicaOptions
  /** Opens the disk, or takes it over from a replica that has ended. */
  readonly openStorage: (self: Self) => Promise<ReplicaStorage>
}

const idle = {}

/** What holds in every state: the core decides what an event means in which role. */
export const ReplicaMachine = defineStatem<ReplicaProtocol>()({
  name: 'raft replica',
  init: start,
  states: {
    recovering: {
      cast: {
        ready: (context, applier) => handled(context, (host) => host.begin(applier)),
        request: (context, request) => handled(context, (host) => host.refuseAll(request)),
        ...sleeping(),
      },
    },
    follower: idle,
    preCandidate: idle,
    candidate: idle,
    leader: idle,
  },
  any: {
    call: {
      status: ({ data, from }) => next(stateOf(data), data, reply(from, data.status)),
      incarnation: ({ data, from }) => next(stateOf(data), data, reply(from, data.storage.incarnation)),
      change: (context, change) => handled(context, (host) => host.change(context.from, change)),
      transfer: (context, to) => handled(context, (host) => host.transfer(context.from, to)),
      expireSession: (context, session) => handled(context, (host) => host.expireSession(context.from, session)),
      snapshot: (context) => handled(context, (host) => host.snapshot(context.from)),
    },
    cast: {
      ...listening(),
      request: (context, request) => handled(context, (host) => host.request(request)),
      campaign: (context) => handled(context, (host) => host.step({ type: 'campaign' })),
      holdApply: (context) => handled(context, (host) => host.tellApplier('hold')),
      releaseApply: (context) => handled(context, (host) => host.tellApplier('release')),
      watch: (context, watcher) => handled(context, (host) => host.watch(watcher)),
      unwatch: (context, watcher) => handled(context, (host) => host.unwatch(watcher)),
      ready: (context) => handled(context, () => {}),
      flush: (context) => handled(context, (host) => host.flush()),
      persisted: (context, write) => handled(context, (host) => host.persisted(write)),
      diskFailed: (context, error) => handled(context, (host) => host.diskFailed(error)),
      diskWorks: (context) => handled(context, (host) => host.diskWorks()),
      fetched: (context, fetched) => handled(context, (host) => host.step({ type: 'fetched', ...fetched })),
      chunkRead: (context, chunk) => handled(context, (host) => host.sendChunk(chunk)),
      chunkStored: (context, stored) => handled(context, (host) => host.step({ type: 'chunkStored', ...stored })),
      assembled: (context, assembled) => handled(context, (host) => host.assembled(assembled)),
      prepared: (context, { snapshot, isIntact }) => handled(context, (host) => host.prepared(snapshot, isIntact)),
      installed: (context, { snapshot, error }) => handled(context, (host) => host.installed(snapshot, error)),
      applied: (context, applied) => handled(context, (host) => host.hasApplied(applied)),
      slowApply: (context, tookMs) => handled(context, (host) => host.slowApply(tookMs)),
      snapshotTaken: (context, snapshot) => handled(context, (host) => host.snapshotTaken(snapshot)),
    },
    timeout: {
      election: (context) => handled(context, (host) => host.step({ type: 'timeout', timer: 'election' })),
      heartbeat: (context) => handled(context, (host) => host.step({ type: 'timeout', timer: 'heartbeat' })),
      disk: (context) => handled(context, (host) => host.diskIsDue()),
      probe: (context) => handled(context, (host) => host.probe()),
    },
  },
})

async function start({ options, openStorage }: ReplicaArgument, { self }: { readonly self: Self }) {
  const storage = await openStorage(self)
  return initial<ReplicaState, ReplicaHost>('recovering', new ReplicaHost(options, self, storage))
}

/** Has the host act, then goes to the core's role with the timers that were set on the way. */
function handled({ data }: Context, act: (host: ReplicaHost) => void) {
  act(data)
  if (data.fatal !== undefined) return stop({ error: data.fatal, stack: '' }, data)
  return next(stateOf(data), data, ...timersOf(data))
}

function stateOf(host: ReplicaHost): ReplicaState {
  return host.applier === undefined ? 'recovering' : host.core.role
}

const NO_ACTIONS: readonly Exclude<Action, { kind: 'reply' }>[] = []

function timersOf({ timers }: ReplicaHost): readonly Exclude<Action, { kind: 'reply' }>[] {
  if (timers.size === 0) return NO_ACTIONS
  const actions = [...timers].map(([name, ms]) => (ms === undefined ? cancel({ timeout: name }) : timeout(name, ms)))
  timers.clear()
  return actions
}

function receive(kind: WireMessage['kind']) {
  return (context: Context, wire: WireMessage) =>
    handled(context, (host) => {
      const message = fromWire(kind, wire)
      if (message !== undefined) host.receive(message)
    })
}

function forEachKind<T>(make: (kind: WireMessage['kind']) => T) {
  return {
    preVote: make('preVote'),
    preVoteReply: make('preVoteReply'),
    vote: make('vote'),
    voteReply: make('voteReply'),
    append: make('append'),
    appendReply: make('appendReply'),
    snapshot: make('snapshot'),
    snapshotReply: make('snapshotReply'),
    timeoutNow: make('timeoutNow'),
    readIndex: make('readIndex'),
    readIndexReply: make('readIndexReply'),
  }
}

function listening() {
  return forEachKind(receive)
}

/** Before it has begun, a replica hears nobody: whoever wants an answer asks again. */
function sleeping() {
  return forEachKind(() => (context: Context) => handled(context, () => {}))
}
