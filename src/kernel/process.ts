// One process: its mailbox, its turns, its links and monitors, and its end.
//
// A process object is one incarnation. Once it has ended, `alive` is false for good, and everything its code may still
// try, after an await, is fenced: no effect, counted. It runs one thing at a time; `busy` while that awaits.

import type { Behaviour, Turn } from './behaviour.ts'
import type { Call } from './call.ts'
import type { Debug } from './debug.ts'
import { type ExitReason, reasonOf } from './exit-reason.ts'
import { PidSet } from './links.ts'
import { Mailbox, NO_MAIL } from './mailbox.ts'
import type { MessageTimer } from './message-timers.ts'
import { CALL, DOWN, Down, EXIT, Exit, INFO, SYSTEM, tagOf } from './messages.ts'
import type { Node } from './node.ts'
import { type Bound, dropOldest, refuse } from './overflow.ts'
import type { Pid, Reference } from './pid.ts'
import type { ProcessRef } from './process-ref.ts'
import type { Receive } from './receive.ts'
import type { Priority } from './scheduler.ts'
import type { StartResult } from './self.ts'
import { bounce, type Signal } from './signals.ts'
import type { StartOutcome } from './start-outcome.ts'
import { handleSystem } from './system-requests.ts'
import { Timer } from './timers.ts'

/** A monitor this process holds. */
export interface MonitorEntry {
  readonly ref: Reference
  readonly pid: Pid | undefined
  readonly target: Pid | string
  readonly alias: 'explicit_unalias' | 'demonitor' | 'reply_demonitor' | undefined
}

export class Process {
  readonly node: Node
  readonly pid: ProcessRef
  readonly parent: Pid | undefined
  readonly priority: Priority
  behaviour: Behaviour | null = null
  alive = true
  /** In the scheduler's queue. */
  queued = false
  /** Its code has returned a promise that is still pending. */
  busy = false
  suspended = false
  pendingSignals = 0
  /** Messages a state machine has postponed: they count against the mailbox's bound. */
  heldBack = 0
  /** System messages in the mailbox. */
  systemWaiting = 0
  trapExit = false
  /** The bound of its mailbox, if it has one. */
  bound: Bound | null = null
  /** Made with the first message. */
  mailbox = NO_MAIL
  name: string | undefined
  label: string | undefined
  linkSet: PidSet | null = null
  /** Monitors this process holds, by reference id. */
  monitorTable: Map<number, MonitorEntry> | null = null
  /** Who monitors this process: reference → monitoring process. */
  watchers: Map<Reference, Pid> | null = null
  /** The newest of the timers that will send to this process; the others hang on it. */
  messageTimers: MessageTimer | null = null
  /** The start under way, until its outcome is told. */
  start: StartOutcome | null = null
  /** A raw process: messages wait for `receive`; waiting there is idling, not being busy. */
  raw = false
  /** Calls to this process that it has not answered. */
  openCalls: Call | null = null
  /** The receive under way, if any. */
  receiving: Receive | null = null
  /** What traces and counts its messages; null while nobody wants to know. */
  debug: Debug | null = null
  /** The tag of what it handles, if its code has returned a promise that is still pending. */
  handling: string | undefined
  #initialised = false
  #timeout: IdleTimeout | null = null
  #timeoutDue = false
  /** The idle time that was asked for and is not over. */
  #timeoutMs: number | undefined
  #abort: AbortController | null = null

  constructor(node: Node, pid: ProcessRef, parent: Pid | undefined, priority: Priority) {
    this.node = node
    this.pid = pid
    this.parent = parent
    this.priority = priority
  }

  // ---- turns -------------------------------------------------------------------------------------------------------

  /** Puts the process into the run queue if it has something to do and is not there. */
  wake(): void {
    if (this.queued || !this.alive) return
    if (this.busy && this.receiving === null) return
    this.node.scheduler.enqueue(this)
  }

  /** Handles at most `quota` messages. Answers how many turns it took, at least 1. */
  run(quota: number): number {
    this.queued = false
    if (!this.alive) return 1
    const { beacon } = this.node.scheduler
    if (beacon !== null) beacon.enters(this)
    if (!this.#initialised) {
      this.#initialised = true
      if (this.behaviour !== null) this.#await(this.behaviour.init(), 'init')
    } else if (this.receiving !== null) {
      this.receiving.offer()
    } else if (!this.busy) return this.#handle(quota)
    if (this.#hasWork()) this.wake()
    return 1
  }

  #handle(quota: number): number {
    const { behaviour, mailbox } = this
    const { signals, beacon } = this.node.scheduler
    let used = 0
    while (used < quota && behaviour !== null) {
      used++
      if (this.suspended) {
        if (!this.handleSystemOnly(behaviour)) break
        continue
      }
      let turn: Turn
      let tag = 'continue'
      if (behaviour.pending) turn = this.debug === null ? behaviour.advance() : this.debug.advance(behaviour)
      else if (mailbox.length > 0) {
        const head = mailbox.headAt(0)
        const payload = mailbox.payloadAt(0)
        mailbox.shift()
        if (beacon !== null) beacon.handles(head, payload)
        if (head === SYSTEM) turn = this.#system(behaviour, payload as Call)
        else if (this.debug === null) turn = behaviour.receive(head, payload)
        else turn = this.debug.receive(behaviour, head, payload)
        if (turn !== undefined) tag = tagOf(head, payload)
      } else if (this.#timeoutDue) {
        this.#timeoutDue = false
        this.#timeoutMs = undefined
        turn = this.debug === null ? behaviour.timeout() : this.debug.timeout(behaviour)
        tag = 'timeout'
      } else break
      if (turn !== undefined) this.#await(turn, tag)
      if (this.busy || !this.alive || signals.length > 0) break
    }
    if (this.#hasWork()) this.wake()
    return used
  }

  #hasWork(): boolean {
    if (!this.alive) return false
    if (this.receiving !== null) return this.mailbox.length > this.receiving.seen
    if (this.busy || this.behaviour === null) return false
    if (this.suspended) return this.systemWaiting > 0
    return this.mailbox.length > 0 || this.#timeoutDue || this.behaviour.pending
  }

  #await(turn: Turn, tag: string): void {
    if (turn === undefined || !this.alive) return
    this.handling = tag
    this.setBusy(true)
    turn.then(
      () => this.#finished(),
      (error: unknown) => this.end(reasonOf(error)),
    )
  }

  #finished(): void {
    if (!this.alive) return
    this.handling = undefined
    this.setBusy(false)
    if (this.#hasWork()) this.wake()
  }

  setBusy(busy: boolean): void {
    if (this.busy === busy) return
    this.busy = busy
    this.node.countBusy(busy ? 1 : -1)
  }

  // ---- mailbox -----------------------------------------------------------------------------------------------------

  /** Puts a message into the mailbox, behind signals that are still under way. False if there was no room. */
  accept(head: unknown, payload: unknown): boolean {
    const { bound } = this
    if (bound !== null && head !== SYSTEM && this.#waiting >= bound.capacity) {
      if (bound.overflow !== 'drop_oldest') return refuse(this, bound, head, payload)
      dropOldest(this)
    }
    this.signalled(head, payload)
    return true
  }

  get #waiting(): number {
    return this.mailbox.length + this.heldBack + this.pendingSignals
  }

  /** The same without a bound: for what a signal turns into. */
  signalled(head: unknown, payload: unknown): void {
    if (this.pendingSignals > 0) {
      this.node.scheduler.post(this, { kind: 'message', to: this.pid, head, payload })
    } else this.deliver(head, payload)
  }

  // Signals turned into messages are never bounded. A call is monitored from here on: behind an exit signal that is
  // under way when it is made, it finds nobody.
  deliver(head: unknown, payload: unknown): void {
    if (head === CALL || head === SYSTEM) (payload as Call).open(this)
    if (head === SYSTEM) this.systemWaiting++
    if (this.mailbox === NO_MAIL) this.mailbox = new Mailbox()
    this.mailbox.push(head, payload)
    if (!this.queued) this.wake()
  }

  /** Takes a message from anywhere out of the mailbox. */
  removeAt(index: number): void {
    this.mailbox.removeAt(index)
    this.receiving?.removed(index)
  }

  // ---- system messages ---------------------------------------------------------------------------------------------

  // As in OTP, a system request starts the idle time anew: `resume` too, so time that passed while suspended is no matter.
  #system(behaviour: Behaviour, request: Call): Turn {
    this.systemWaiting--
    const turn = handleSystem(this, behaviour, request)
    if (this.#timeoutMs !== undefined && this.alive) this.timeoutAfter(this.#timeoutMs)
    return turn
  }

  #systemIndex(): number {
    let index = 0
    while (this.mailbox.headAt(index) !== SYSTEM) index++
    return index
  }

  handleSystemOnly(behaviour: Behaviour): boolean {
    if (this.systemWaiting === 0) return false
    const index = this.#systemIndex()
    const request = this.mailbox.payloadAt(index) as Call
    this.removeAt(index)
    this.#await(this.#system(behaviour, request), 'system')
    return this.alive && !this.busy
  }

  // ---- time-outs of behaviours -------------------------------------------------------------------------------------

  /** Asks for `behaviour.timeout()` once `ms` have passed without a message; 0: as soon as the mailbox is empty. */
  timeoutAfter(ms: number): void {
    this.cancelTimeout()
    if (ms === Number.POSITIVE_INFINITY) return
    this.#timeoutMs = ms
    if (ms === 0) this.timeoutIsDue()
    else {
      this.#timeout = new IdleTimeout(this)
      this.node.timers.set(this.#timeout, ms)
    }
  }

  cancelTimeout(): void {
    this.#timeoutDue = false
    this.#timeoutMs = undefined
    if (this.#timeout === null) return
    this.node.timers.cancel(this.#timeout)
    this.#timeout = null
  }

  timeoutIsDue(): void {
    this.#timeoutDue = true
    this.wake()
  }

  /** Whether an awaited answer may reach the code of this process without {@link resume}. */
  get hears(): boolean {
    return this.alive && this.pendingSignals === 0 && !this.node.scheduler.seeded
  }

  /** Lets an awaited answer reach the code of this process: behind signals under way, and never after its end. */
  resume(settle: () => void): void {
    if (!this.alive) this.node.counters.fenced++
    else if (this.hears) settle()
    else this.node.scheduler.post(this, { kind: 'resume', to: this.pid, settle })
  }

  // ---- signals -----------------------------------------------------------------------------------------------------

  handleSignal(signal: Signal): void {
    if (!this.alive) return bounce(this.node, signal, 'noproc')
    switch (signal.kind) {
      case 'message':
        return this.deliver(signal.head, signal.payload)
      case 'link':
        this.links.add(signal.from)
        return
      case 'unlink':
        this.linkSet?.delete(signal.from)
        return
      case 'exit':
        return this.#exitSignal(signal.from, signal.reason, true)
      case 'link_exit':
        if (this.linkSet?.delete(signal.from)) this.#exitSignal(signal.from, signal.reason, false)
        return
      case 'monitor':
        this.watchers ??= new Map()
        this.watchers.set(signal.ref, signal.from)
        return
      case 'demonitor':
        this.watchers?.delete(signal.ref)
        return
      case 'down':
        return this.#down(signal.ref, signal.reason)
      case 'resume':
        return signal.settle()
      case 'inspect':
        return signal.look(this)
      case 'alias_message':
        if (this.node.aliases.accepts(signal.ref, this)) this.deliver(INFO, signal.payload)
        return
    }
  }

  #exitSignal(from: Pid, reason: ExitReason, explicit: boolean): void {
    if (reason === 'kill' && explicit) return this.end('killed')
    if (this.trapExit) return this.deliver(EXIT, new Exit(from, reason))
    if (reason !== 'normal' || from === this.pid) this.end(reason)
  }

  #down(ref: Reference, reason: ExitReason): void {
    const entry = this.monitorTable?.get(ref.id)
    if (entry === undefined) return
    this.monitorTable?.delete(ref.id)
    if (entry.alias === 'demonitor' || entry.alias === 'reply_demonitor') this.node.aliases.drop(ref)
    this.deliver(DOWN, new Down(entry.ref, entry.target, reason))
  }

  get links(): PidSet {
    this.linkSet ??= new PidSet()
    return this.linkSet
  }

  get abortSignal(): AbortSignal {
    if (this.#abort === null) {
      this.#abort = new AbortController()
      if (!this.alive) this.#abort.abort()
    }
    return this.#abort.signal
  }

  // ---- start and end -----------------------------------------------------------------------------------------------

  /** Tells whoever started this process how it went. Only the first word counts. */
  started(result: StartResult): void {
    const { start } = this
    if (start === null) return
    this.start = null
    if (start.limit !== null) this.node.timers.cancel(start.limit)
    start.tell(result)
  }

  /** Ends the process: everybody who should know is told, in later turns, and whatever it still does is fenced. */
  end(reason: ExitReason): void {
    if (!this.alive) return
    this.alive = false
    if (this.busy) this.node.countBusy(-1)
    this.cancelTimeout()
    if (this.receiving !== null) this.node.timers.cancel(this.receiving)
    this.receiving = null
    this.started({ error: reason })
    this.node.ended(this, reason)
    for (let call = this.openCalls; call !== null; call = this.openCalls) call.ended(reason)
    this.#discardMailbox()
    this.behaviour?.ended?.()
    this.behaviour = null
    this.#abort?.abort()
  }

  #discardMailbox(): void {
    const { mailbox } = this
    for (let i = 0; i < mailbox.length; i++) {
      const head = mailbox.headAt(i)
      if (head === INFO || typeof head === 'string')
        this.node.deadLetter(this.pid, head, mailbox.payloadAt(i), 'noproc')
    }
    this.mailbox = NO_MAIL
  }
}

class IdleTimeout extends Timer {
  readonly #process: Process
  constructor(process: Process) {
    super()
    this.#process = process
  }
  override expire(): void {
    this.#process.timeoutIsDue()
  }
}
