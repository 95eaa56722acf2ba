// A client session as a small server: numbers its requests, tries another replica on a time-out or a redirect, keeps
// within its window, and gives up at the deadline; then nobody knows whether the request took effect.
//
// Invariants: a request keeps its serial and its bytes over all attempts, so that the group applies it once; an answer
// that comes after the deadline does not count; what waits is bounded; what a request costs does not grow with the
// number of others under way. A replica that is slow but answers is not sent everything again: see `#isBehind`.

import { noReply, reply as replied, stopReply } from '../../src/behaviours/results.ts'
import { type Context, defineServer } from '../../src/behaviours/server.ts'
import type { Ref } from '../../src/kernel/ref.ts'
import type { Self } from '../../src/kernel/self.ts'
import { encodeCommand } from '../consensus/command.ts'
import type { Refusal } from '../consensus/refusal.ts'
import { MAX_WINDOW } from '../consensus/sessions.ts'
import type {
  ClientSessionOptions,
  ClientSessionProtocol,
  ClientStatus,
  OperationOutcome,
  Submission,
  TaggedSubmission,
} from './client-protocol.ts'
import { type ClientRequestState, NEVER, newRequest, type SessionAlarm, type Submitter } from './client-request.ts'
import type { ReplicaId } from './core/entry.ts'
import type { ClientAnswer, ClientItem, ReplicaView } from './protocol.ts'
import { packItems, unpackAnswers } from './wire.ts'

/** Waiting before a redirect is followed that may lead in a circle. */
const CIRCLE_MS = 10
const WATCH_MS = 1000

export class ClientSession {
  readonly #options: Required<Omit<ClientSessionOptions, 'onSent' | 'onOutcome' | 'onView'>> & ClientSessionOptions
  readonly #self: Self
  readonly #own: Ref<ClientSessionProtocol>
  readonly #pending = new Map<number, ClientRequestState>()
  #queue: { readonly submission: Submission; readonly submitter: Submitter }[] = []
  #session: number | undefined
  #isExpired = false
  #opening: ClientRequestState | undefined
  #serial = 0
  /** The session's serials that await an answer; below #lowest there are none. */
  readonly #open = new Set<number>()
  #lowest = 1
  #nextId = 1
  #target = 0
  #outbox: ClientRequestState[] = []
  #flushIsDue = false
  #transmissions = 0
  /** The last answer: when it came, from whom, and the latest transmission that has been answered. */
  #heardAt = Number.NEGATIVE_INFINITY
  #heardFrom: ReplicaId | undefined
  #heardOf = 0
  /** Nothing is due before. */
  #dueAt = NEVER
  #alarm: SessionAlarm | undefined
  #isWatching = false

  constructor(options: ClientSessionOptions, self: Self) {
    this.#options = {
      window: 1,
      maxQueued: 65_536,
      retryMs: 300,
      deadlineMs: 3000,
      renew: true,
      retryOn: ['notReady', 'transferring'],
      ...options,
    }
    this.#self = self
    this.#own = self.pid as Ref<ClientSessionProtocol>
  }

  get status(): ClientStatus {
    return { session: this.#session, target: this.#targetId, underWay: this.#underWay, queued: this.#queue.length }
  }

  get #underWay(): number {
    return this.#pending.size - (this.#opening === undefined ? 0 : 1)
  }

  // ---- submitting --------------------------------------------------------------------------------------------------

  submit(submission: Submission, submitter: Submitter): void {
    if (this.#queue.length >= this.#options.maxQueued) {
      return this.#tell(submitter, { type: 'refused', code: 'rateLimited', leader: undefined, isCertain: true })
    }
    this.#queue.push({ submission, submitter })
    this.#next()
    this.#flushSoon()
  }

  submitAll(submissions: readonly TaggedSubmission[]): void {
    for (const submission of submissions) this.submit(submission, submission)
  }

  /** Sends what is to be sent, in one message for each replica. */
  flush(): void {
    this.#flushIsDue = false
    const outbox = this.#outbox
    this.#outbox = []
    const byReplica = new Map<ReplicaId, ClientItem[]>()
    for (const pending of outbox) {
      const { item, sentTo } = pending
      if (item === undefined || sentTo === undefined || this.#pending.get(pending.id) !== pending) continue
      const items = byReplica.get(sentTo)
      if (items === undefined) byReplica.set(sentTo, [item])
      else items.push(item)
    }
    for (const [id, items] of byReplica) {
      const replica = this.#options.replica(id)
      if (replica !== undefined) this.#self.cast(replica, 'request', { client: this.#own, items: packItems(items) })
    }
    this.#setAlarm()
  }

  /** Gives turns, as far as the window allows; and the group, which remembers the answers to so many serials. */
  #next(): void {
    const { window } = this.#options
    while (this.#queue.length > 0 && this.#underWay < window && this.#serial - this.#lowestSerial() < MAX_WINDOW - 1) {
      const queued = this.#queue.shift()
      if (queued !== undefined) this.#begin(queued.submission, queued.submitter)
    }
  }

  #begin({ operation, to, deadlineMs }: Submission, submitter: Submitter): void {
    if ('tag' in submitter) this.#options.onSent?.(submitter.tag)
    if (to !== undefined) this.#aimAt(to)
    const pending = this.#newPending(operation, submitter, deadlineMs ?? this.#options.deadlineMs)
    this.#prepare(pending)
  }

  #newPending(
    operation: ClientRequestState['operation'],
    submitter: Submitter | undefined,
    deadlineMs: number,
  ): ClientRequestState {
    const pending = newRequest(this.#nextId++, operation, submitter, this.#self.now() + deadlineMs)
    this.#pending.set(pending.id, pending)
    this.#dueBy(pending.deadlineAt)
    return pending
  }

  /** Makes what is sent, if the session that it needs is there, and sends it. */
  #prepare(pending: ClientRequestState): void {
    const { id, operation } = pending
    if (operation.type === 'open') pending.item = { id, type: 'open' }
    else if (operation.type === 'read' && operation.mode !== 'log') {
      pending.item = { id, type: 'read', question: operation.question, mode: operation.mode }
    } else if (this.#session === undefined) return this.#needSession(pending)
    else if (operation.type === 'expire') {
      pending.item = { id, type: 'command', payload: encodeCommand({ kind: 'expire', session: this.#session }) }
    } else {
      const command = operation.type === 'command' ? operation.command : operation.question
      pending.session = this.#session
      pending.serial = ++this.#serial
      this.#open.add(pending.serial)
      const payload = encodeCommand({
        kind: 'request',
        session: this.#session,
        serial: pending.serial,
        acknowledgedBelow: this.#lowestSerial(),
        command,
      })
      pending.item = { id, type: 'command', payload }
    }
    this.#transmit(pending)
  }

  #needSession(pending: ClientRequestState): void {
    if (this.#isExpired && !this.#options.renew) {
      return this.#end(pending, { type: 'refused', code: 'sessionExpired', leader: undefined, isCertain: true })
    }
    if (this.#opening !== undefined) return
    this.#opening = this.#newPending({ type: 'open' }, undefined, NEVER)
    this.#prepare(this.#opening)
  }

  /** Below it the session awaits nothing. */
  #lowestSerial(): number {
    while (this.#lowest <= this.#serial && !this.#open.has(this.#lowest)) this.#lowest += 1
    return this.#lowest
  }

  #transmit(pending: ClientRequestState): void {
    pending.attempts += 1
    pending.sentTo = this.#targetId
    pending.sentAs = ++this.#transmissions
    this.#retryIn(pending, this.#options.retryMs)
    this.#outbox.push(pending)
  }

  #flushSoon(): void {
    if (this.#options.window === 1) return this.flush()
    if (this.#flushIsDue) return
    this.#flushIsDue = true
    this.#self.cast(this.#own, 'flush')
  }

  // ---- answers -----------------------------------------------------------------------------------------------------

  answered(answers: Uint8Array): void {
    for (const answer of unpackAnswers(answers) ?? []) {
      const pending = this.#pending.get(answer.id)
      if (pending !== undefined) this.#answered(pending, answer)
    }
    this.#next()
    this.#flushSoon()
  }

  #answered(pending: ClientRequestState, { answer, session, refused, leader }: ClientAnswer): void {
    if (refused !== undefined) return this.#refused(pending, refused, leader)
    this.#heardAt = this.#self.now()
    this.#heardFrom = pending.sentTo
    this.#heardOf = Math.max(this.#heardOf, pending.sentAs)
    if (session !== undefined && pending === this.#opening) this.#opened(pending, session)
    else if (answer !== undefined) this.#end(pending, { type: 'answered', answer })
  }

  #opened(pending: ClientRequestState, session: number): void {
    this.#pending.delete(pending.id)
    this.#opening = undefined
    this.#session = session
    this.#serial = 0
    this.#lowest = 1
    for (const waiting of this.#pending.values()) if (waiting.item === undefined) this.#prepare(waiting)
  }

  #refused(pending: ClientRequestState, code: Refusal, leader: ReplicaId | undefined): void {
    pending.refusals += 1
    const { sentTo } = pending
    if (code === 'notLeader') {
      if (leader !== undefined && leader !== sentTo) {
        this.#aimAt(leader)
        // A redirect or two may be news; more go in a circle.
        if (pending.refusals <= 2) return this.#transmit(pending)
      } else this.#turnFrom(sentTo)
      this.#retryIn(pending, CIRCLE_MS)
      return
    }
    if (this.#options.retryOn.includes(code) || pending === this.#opening) {
      this.#retryIn(pending, CIRCLE_MS)
      return
    }
    const isCertain = pending.refusals >= pending.attempts
    if (code === 'sessionExpired') this.#sessionOver(pending, isCertain)
    if (this.#pending.has(pending.id) && pending.item !== undefined) {
      this.#end(pending, { type: 'refused', code, leader, isCertain })
    }
  }

  #lost(): void {
    this.#session = undefined
    this.#isExpired = true
    this.#open.clear()
  }

  #sessionOver(pending: ClientRequestState, isCertain: boolean): void {
    // It may be that another one has been opened since.
    if (pending.session === this.#session) this.#lost()
    if (!this.#options.renew || !isCertain || pending.operation.type === 'expire') return
    // It had no effect in the session that is gone: it may have it in the next one.
    pending.item = undefined
    pending.retryAt = NEVER
    pending.serial = 0
    pending.attempts = 0
    pending.refusals = 0
    this.#prepare(pending)
  }

  #end(pending: ClientRequestState, outcome: OperationOutcome): void {
    this.#pending.delete(pending.id)
    if (pending.session === this.#session) this.#open.delete(pending.serial)
    if (outcome.type === 'answered' && pending.operation.type === 'expire') this.#lost()
    if (pending.submitter !== undefined) this.#tell(pending.submitter, outcome)
  }

  #tell(submitter: Submitter, outcome: OperationOutcome): void {
    if ('from' in submitter) this.#self.reply(submitter.from, outcome)
    else this.#options.onOutcome?.(submitter.tag, outcome)
  }

  // ---- time --------------------------------------------------------------------------------------------------------

  #retryIn(pending: ClientRequestState, ms: number): void {
    pending.retryAt = this.#self.now() + ms
    this.#dueBy(pending.retryAt)
  }

  #dueBy(at: number): void {
    if (at < this.#dueAt) this.#dueAt = at
  }

  /** Something may be due: deadlines first, then what is sent again. */
  alarm(): void {
    this.#alarm = undefined
    this.#dueAt = NEVER
    const now = this.#self.now()
    for (const pending of [...this.#pending.values()]) {
      if (pending.deadlineAt <= now) {
        this.#end(pending, { type: 'unknown', isCertain: pending.refusals >= pending.attempts })
        continue
      }
      if (pending.retryAt <= now) this.#retry(pending, now)
      this.#dueBy(Math.min(pending.deadlineAt, pending.retryAt))
    }
    this.#next()
    this.flush()
  }

  #retry(pending: ClientRequestState, now: number): void {
    if (this.#isBehind(pending, now)) {
      pending.retryAt = this.#heardAt + this.#options.retryMs
      return
    }
    if (pending.refusals < pending.attempts) this.#turnFrom(pending.sentTo)
    this.#transmit(pending)
  }

  /**
   * Its replica has answered within the last `retryMs`, and nothing that was sent later: the request waits in a line that
   * moves. To send all of it again would only make the line longer.
   */
  #isBehind({ sentTo, sentAs, refusals, attempts }: ClientRequestState, now: number): boolean {
    const moves = sentTo === this.#heardFrom && this.#heardAt + this.#options.retryMs > now
    return moves && sentAs > this.#heardOf && refusals < attempts
  }

  #setAlarm(): void {
    const at = this.#dueAt
    if (at === NEVER || (this.#alarm !== undefined && this.#alarm.at <= at)) return
    if (this.#alarm !== undefined) this.#self.cancelTimer(this.#alarm.timer)
    const timer = this.#self.sendAfter(Math.max(0, at - this.#self.now()), this.#own, ALARM)
    this.#alarm = { at, timer }
  }

  // ---- replicas ----------------------------------------------------------------------------------------------------

  get #targetId(): ReplicaId | undefined {
    const { replicas } = this.#options
    return replicas[this.#target % Math.max(1, replicas.length)]
  }

  #aimAt(id: ReplicaId): void {
    const at = this.#options.replicas.indexOf(id)
    if (at >= 0) this.#target = at
  }

  /** Another replica is next, unless that has been decided since. */
  #turnFrom(id: ReplicaId | undefined): void {
    if (this.#targetId === id) this.#target = (this.#target + 1) % Math.max(1, this.#options.replicas.length)
  }

  // ---- who leads ---------------------------------------------------------------------------------------------------

  /** Asks all replicas for their view, and again from time to time: a message may be lost. */
  watch(): void {
    if (this.#isWatching) return
    this.#isWatching = true
    this.#askForViews()
  }

  #askForViews(): void {
    for (const id of this.#options.replicas) {
      const replica = this.#options.replica(id)
      if (replica !== undefined) this.#self.cast(replica, 'watch', this.#own)
    }
    this.#self.sendAfter(WATCH_MS, this.#own, WATCH)
  }

  view(view: ReplicaView): void {
    this.#options.onView?.(view)
  }

  info(message: unknown): void {
    if (message === ALARM) this.alarm()
    else if (message === WATCH) this.#askForViews()
  }

  /** Says good-bye: the group may forget the session. */
  close(): void {
    const replica = this.#targetId === undefined ? undefined : this.#options.replica(this.#targetId)
    if (this.#session !== undefined && replica !== undefined) {
      const payload = encodeCommand({ kind: 'close', session: this.#session })
      this.#self.cast(replica, 'request', {
        client: this.#own,
        items: packItems([{ id: 0, type: 'command', payload }]),
      })
    }
    for (const pending of this.#pending.values())
      this.#end(pending, { type: 'unknown', isCertain: pending.attempts === 0 })
    for (const { submitter } of this.#queue) this.#tell(submitter, { type: 'unknown', isCertain: true })
    this.#queue = []
  }
}

const ALARM = 'raft client alarm'
const WATCH = 'raft client watch'

export const ClientSessionServer = defineServer<ClientSessionProtocol>()({
  name: 'raft client',
  init: (options: ClientSessionOptions, { self }): ClientSession => new ClientSession(options, self),
  call: {
    submit: ({ state, from }, submission) => {
      state.submit(submission, { from })
      return noReply<OperationOutcome, ClientSession>(state)
    },
    status: ({ state }) => replied(state.status, state),
    ended: ({ state }) => noReply<undefined, ClientSession>(state),
    close: ({ state }) => {
      state.close()
      return stopReply('normal', undefined, state)
    },
  },
  cast: {
    submit: on((session, submission: TaggedSubmission) => session.submit(submission, submission)),
    submitAll: on((session, submissions: readonly TaggedSubmission[]) => session.submitAll(submissions)),
    reply: on((session, answers: Uint8Array) => session.answered(answers)),
    view: on((session, view: ReplicaView) => session.view(view)),
    flush: ({ state }) => {
      state.flush()
      return state
    },
    watch: ({ state }) => {
      state.watch()
      return state
    },
  },
  info: on((session, message: unknown) => session.info(message)),
})

function on<A>(act: (session: ClientSession, argument: A) => void) {
  return ({ state }: Context<ClientSession>, argument: A): ClientSession => {
    act(state, argument)
    return state
  }
}
