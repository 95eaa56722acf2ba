// The interpreter of the core's effects: each is carried out in its turn, by the network, the disk or the applier.

import type { Effect } from './core/effect.ts'
import type { Transition } from './core/transition.ts'
import type { Question } from './protocol.ts'
import { toWire } from './protocol.ts'
import type { ReplicaHost } from './replica-host.ts'

type EffectOf<T extends Effect['type']> = Extract<Effect, { readonly type: T }>

/** Carries out the effects of one step, in order. */
export function perform(host: ReplicaHost, effects: readonly Effect[]): void {
  for (const effect of effects) carryOut(host, effect)
  tellExpected(host)
  host.answers.send()
}

function carryOut(host: ReplicaHost, effect: Effect): void {
  const { self, own, storage } = host
  switch (effect.type) {
    case 'send':
      return send(host, effect)
    case 'persist':
      return persist(host, effect)
    case 'timer':
      host.timers.set(effect.timer, effect.afterMs)
      return
    case 'apply':
      tellExpected(host)
      host.counters.entriesCommitted += effect.entries.length
      if (host.applier !== undefined) self.cast(host.applier, 'apply', effect.entries)
      return
    case 'applyStored':
      tellExpected(host)
      host.counters.entriesCommitted += effect.through - effect.from + 1
      if (host.applier !== undefined) self.cast(host.applier, 'applyStored', effect)
      return
    case 'fetch': {
      const { to, from, maxEntries, maxBytes } = effect
      storage.read(from, maxEntries, maxBytes).then(
        (entries) => self.cast(own, 'fetched', { to, from, entries }),
        () => self.cast(own, 'fetched', { to, from, entries: [] }),
      )
      return
    }
    case 'accepted':
      return accepted(host, effect)
    case 'refused':
      return refused(host, effect)
    case 'overwritten':
      tellExpected(host)
      if (host.applier !== undefined) self.cast(host.applier, 'overwritten', effect.from)
      return
    case 'done': {
      const asker = host.proposed.get(effect.id)
      host.proposed.delete(effect.id)
      if (asker !== undefined) host.answers.answer(asker, new Uint8Array())
      return
    }
    case 'readable':
      return readable(host, effect)
    case 'sendChunk':
      return sendChunk(host, effect)
    case 'storeChunk': {
      const { snapshot, offset, chunk } = effect
      storage.receive(snapshot, offset, chunk).then(
        (nextOffset) => self.cast(own, 'chunkStored', { last: snapshot.last, nextOffset }),
        () => self.cast(own, 'chunkStored', { last: snapshot.last, nextOffset: offset }),
      )
      return
    }
    case 'installSnapshot':
      return install(host, effect)
    case 'compact':
      storage.compact(effect.through).catch((error: unknown) => self.cast(own, 'diskFailed', error))
      return
    case 'configuration':
      host.configuration = effect.configuration
      host.isCommitted = effect.committed
      host.hasViewChanged = true
      if (host.applier !== undefined) self.cast(host.applier, 'configuration', effect)
      return
    case 'leader':
      host.leader = effect.leader
      host.term = effect.term
      host.hasViewChanged = true
      if (host.applier !== undefined) self.cast(host.applier, 'leader', effect.leader)
      return
    case 'transition':
      return transition(host, effect.transition)
  }
}

function send(host: ReplicaHost, { to, message }: EffectOf<'send'>): void {
  const peer = host.options.peer(to)
  if (peer !== undefined) host.self.cast(peer, message.kind, toWire(message))
}

function persist(host: ReplicaHost, effect: EffectOf<'persist'>): void {
  const { self, own } = host
  const { write } = effect
  host.wrote(write)
  host.counters.writes += 1
  host.counters.entriesWritten += effect.entries.length
  host.storage.persist(effect).then(
    () => self.cast(own, 'persisted', write),
    (error: unknown) => self.cast(own, 'diskFailed', error),
  )
}

function accepted(host: ReplicaHost, { id, position }: EffectOf<'accepted'>): void {
  const asker = host.proposed.get(id)
  if (asker === undefined) return
  host.proposed.delete(id)
  host.expected.push({ position, asker })
}

/** The applier hears who waits for an entry before it hears of the entry. */
function tellExpected(host: ReplicaHost): void {
  if (host.expected.length === 0 || host.applier === undefined) return
  host.self.cast(host.applier, 'expect', host.expected)
  host.expected = []
}

function refused(host: ReplicaHost, { ids, refused }: EffectOf<'refused'>): void {
  host.counters.refusals += ids.length
  for (const id of ids) {
    const asker = host.proposed.get(id) ?? host.reading.get(id)?.asker
    host.proposed.delete(id)
    host.reading.delete(id)
    if (asker !== undefined) host.answers.refuse(asker, refused)
  }
}

function readable(host: ReplicaHost, { ids, index }: EffectOf<'readable'>): void {
  const questions: Question[] = []
  for (const id of ids) {
    const question = host.reading.get(id)
    host.reading.delete(id)
    if (question !== undefined) questions.push(question)
  }
  if (host.applier !== undefined && questions.length > 0) host.self.cast(host.applier, 'serve', { index, questions })
}

function sendChunk(host: ReplicaHost, { to, snapshot, offset, term }: EffectOf<'sendChunk'>): void {
  const { self, own, storage, options } = host
  if (host.applier !== undefined) self.cast(host.applier, 'handing', { to, last: snapshot.last.index, offset })
  const read = storage.chunkAt(snapshot, offset)
  // A chunk that cannot be read is not sent: the core tries again, or with a newer snapshot.
  read.then(
    (chunk) => {
      if (chunk === undefined) return
      const { bytes, checksum } = chunk
      const header = { from: options.id, incarnation: storage.incarnation, term }
      self.cast(own, 'chunkRead', {
        to,
        ...header,
        kind: 'snapshot',
        snapshot,
        offset,
        chunk: bytes,
        chunkChecksum: checksum,
      })
    },
    () => {},
  )
}

/** Read and checked, then restored by the applier, then put in place: the last step is the only one that counts. */
function install(host: ReplicaHost, { snapshot, hardState, keepFrom }: EffectOf<'installSnapshot'>): void {
  const { self, own, storage } = host
  host.installation = { snapshot, hardState, keepFrom }
  storage.received(snapshot).then(
    (bytes) => self.cast(own, 'assembled', { snapshot, bytes }),
    // Not forgotten: the core begins anew, and finds all of it there.
    () => self.cast(own, 'assembled', { snapshot, bytes: undefined }),
  )
}

function transition(host: ReplicaHost, transition: Transition): void {
  const { counters } = host
  if (transition.name === 'becomeCandidate') counters.elections += 1
  else if (transition.name === 'becomeLeader') counters.leaderships += 1
  else if (transition.name === 'installSnapshot') counters.snapshotsInstalled += 1
  if ('term' in transition && transition.term > host.term) {
    host.term = transition.term
    counters.termsSeen += 1
  }
  host.options.onTransition?.(transition)
}
