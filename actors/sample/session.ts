// A client session of the sample register: numbers its requests, tries another node on a time-out or a redirect, has
// one request under way, and gives up at the deadline; then nobody knows whether the request took effect.

import { defineServer } from '../../src/behaviours/server.ts'
import type { Reference } from '../../src/kernel/pid.ts'
import type { Ref } from '../../src/kernel/ref.ts'
import type { Self } from '../../src/kernel/self.ts'
import type { RegisterInput } from '../../src/simulation/register-map.ts'
import type { Json } from '../../src/simulation/schedule-fields.ts'
import type { ReplicaProtocol } from './replica.ts'

const RETRY_MS = 300
/** Operations that wait in a session at most; more are not taken, and nobody has called them. */
const WAITING = 256

export interface SessionProtocol {
  readonly cast: {
    readonly submit: (operation: Submission) => void
    readonly reply: (reply: SessionReply) => void
  }
}

export interface Submission {
  readonly input: RegisterInput
  /** The node it goes to first. Default: the one that answered last. */
  readonly to?: string | undefined
  readonly deadlineMs: number
  /** What the submitter knows it by. */
  readonly operation: number
}

export interface SessionReply {
  readonly session: string
  readonly serial: number
  readonly output?: Json
  readonly refused?: 'notLeader'
  readonly hint?: string | undefined
}

export interface SessionOptions {
  readonly name: string
  readonly replicas: ReadonlyMap<string, Ref<ReplicaProtocol>>
  /** Called when an operation is sent for the first time, and when its answer has come. */
  readonly onSubmitted: (operation: number) => void
  readonly onAnswered: (operation: number, output: Json) => void
}

interface Session {
  readonly options: SessionOptions
  readonly self: Ref<SessionProtocol>
  readonly names: readonly string[]
  readonly replicas: readonly Ref<ReplicaProtocol>[]
  serial: number
  /** Counts on from a place in `replicas`. */
  target: number
  current: Submission | undefined
  /** How often the present request was sent. */
  attempt: number
  waiting: Submission[]
  /** When it gives up the present request, and when it sends it again. */
  deadline: Reference | undefined
  retry: Reference | undefined
}

/** A timer of the session: the request it belongs to, and what is then due. */
interface Due {
  readonly serial: number
  readonly attempt?: number
}

export const SessionServer = defineServer<SessionProtocol>()({
  name: 'session',
  init: (options: SessionOptions, { self }): Session => {
    const own = self.pid as Ref<SessionProtocol>
    return {
      options,
      self: own,
      names: [...options.replicas.keys()],
      replicas: [...options.replicas.values()],
      serial: 0,
      target: 0,
      current: undefined,
      attempt: 0,
      waiting: [],
      deadline: undefined,
      retry: undefined,
    }
  },
  cast: {
    submit: ({ self, state }, submission) => {
      if (state.waiting.length < WAITING) state.waiting.push(submission)
      return next(state, self)
    },
    reply: ({ self, state }, { serial, output, refused, hint }) => {
      if (state.current === undefined || serial !== state.serial) return state
      if (refused !== undefined) {
        redirect(state, hint)
        // Not at once: nodes that know no primary would send it in circles.
        again(state, self, 10)
        return state
      }
      state.options.onAnswered(state.current.operation, output ?? null)
      return next(done(state, self), self)
    },
  },
  info: ({ self, state }, message) => {
    const { serial, attempt } = message as Due
    if (state.current === undefined || serial !== state.serial) return state
    if (attempt === undefined) return next(done(state, self), self)
    if (attempt !== state.attempt) return state
    transmit(state, self)
    return state
  },
})

function next(session: Session, self: Self): Session {
  if (session.current !== undefined) return session
  const submission = session.waiting.shift()
  if (submission === undefined) return session
  session.current = submission
  session.serial++
  session.attempt = 0
  if (submission.to !== undefined) redirect(session, submission.to)
  session.options.onSubmitted(submission.operation)
  session.deadline = self.sendAfter(submission.deadlineMs, self.pid, { serial: session.serial } satisfies Due)
  transmit(session, self)
  return session
}

function redirect(session: Session, hint: string | undefined): void {
  const at = hint === undefined ? -1 : session.names.indexOf(hint)
  session.target = at === -1 ? session.target + 1 : at
}

function transmit(session: Session, self: Self): void {
  const { current, serial, options, replicas } = session
  if (current === undefined) return
  if (session.attempt > 0 && session.attempt % 3 === 0) session.target++
  session.attempt++
  const replica = replicas[session.target % replicas.length]
  if (replica !== undefined) {
    self.cast(replica, 'request', { session: options.name, serial, input: current.input, client: session.self })
  }
  again(session, self, RETRY_MS)
}

function again(session: Session, self: Self, delayMs: number): void {
  if (session.retry !== undefined) self.cancelTimer(session.retry)
  const due: Due = { serial: session.serial, attempt: session.attempt }
  session.retry = self.sendAfter(delayMs, self.pid, due)
}

function done(session: Session, self: Self): Session {
  if (session.deadline !== undefined) self.cancelTimer(session.deadline)
  if (session.retry !== undefined) self.cancelTimer(session.retry)
  session.current = undefined
  return session
}
