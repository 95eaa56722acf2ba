// What a process may do: the face that handlers and bodies are given. Everything here acts in the name of the process,
// keeps the order of what it sends to one receiver, and has no effect once the process has ended (the attempt is
// counted in the node's statistics as `fenced`).

import type { Behaviour } from './behaviour.ts'
import type { ExitReason } from './exit-reason.ts'
import type { Pid, Reference } from './pid.ts'
import type { Process } from './process.ts'
import type {
  ArgumentOf,
  CallArguments,
  CallTag,
  CastArguments,
  CastTag,
  Definition,
  Given,
  Ref,
  Reply,
} from './ref.ts'
import type { Priority } from './scheduler.ts'

/** Where a message can be sent: a process, an alias, or a name registered on the own node. */
export type Destination = Pid | Reference | string

export interface Self {
  readonly pid: Pid
  /** Name of the node the process lives on. */
  readonly nodeName: string
  /** Who started it, if that was a process, and of another node only if it is linked to it. A server that traps exits ends when its parent does. */
  readonly parent: Pid | undefined
  /** False once the process has ended. A handler that still awaits something sees it here. */
  readonly alive: boolean
  /** Aborted when the process ends. Made at first use. */
  readonly signal: AbortSignal
  /** Turn exit signals into {@link Exit} messages instead of ending with them. Default false. */
  trapExit: boolean
  /** A short text for people: shown by `processInfo` and in reports. */
  label: string | undefined

  /** Sends a plain message. Never fails, but for a name nobody has: that throws ERR_BADARG, as in Erlang. */
  send(to: Destination, message: unknown): void
  /** Asks a server and waits for its reply. See {@link CallOptions}. Rejects with ExitError. */
  call<T, K extends CallTag<T>>(to: Ref<T>, tag: K, ...args: CallArguments<T, K>): Promise<Reply<T, K>>
  /** Tells a server something. False if its mailbox is full and refuses; a process that is no more is no error. */
  cast<T, K extends CastTag<T>>(to: Ref<T>, tag: K, ...args: CastArguments<T, K>): boolean
  /** Answers a call whose handler returned `noReply`. */
  reply<R>(from: From<R>, value: R): void

  /** Links both processes: when one ends for a reason other than `normal`, so does the other. Idempotent. */
  link(to: Pid): void
  /** Ends a link from both sides. No effect if there is none. */
  unlink(to: Pid): void
  /** Asks for one {@link Down} message when the process ends (at once, reason `noproc`, if it has). */
  monitor(target: Pid | string, options?: MonitorOptions): Reference
  /** Ends a monitor. With `info`, false tells that it had fired already; without, always true. */
  demonitor(ref: Reference, options?: DemonitorOptions): boolean
  /** A temporary address of this process. With `reply`, it ends with the first message. */
  alias(options?: { readonly reply?: boolean }): Reference
  /** Ends an alias. False if it was none of ours or had ended. */
  unalias(alias: Reference): boolean

  /** Ends this process with `reason`, by throwing: Erlang's `exit/1`. */
  exit(reason: ExitReason): never
  /** Sends an exit signal: Erlang's `exit/2`. `kill` cannot be trapped; `normal` only ends the sender itself. */
  sendExit(to: Pid, reason: ExitReason): void

  /** Starts a process that runs `body`. */
  spawn(body: Body, options?: SpawnOptions): Pid
  /** Starts a process and monitors it from its birth on. */
  spawnMonitor(body: Body, options?: SpawnOptions): { readonly pid: Pid; readonly ref: Reference }
  /** Starts a server, state machine or supervisor, unlinked. Rejects with ExitError if its init fails. */
  start<T extends Definition>(definition: T, ...args: StartArguments<T>): Promise<Ref<T>>
  /** The same, linked to this process, which becomes its parent. */
  startLink<T extends Definition>(definition: T, ...args: StartArguments<T>): Promise<Ref<T>>
  /** The same without rejecting: what OTP's `start_link` returns. */
  tryStartLink<T extends Definition>(definition: T, ...args: StartArguments<T>): Promise<StartResult>

  /**
   * Takes the oldest message for which `match` holds (default: the oldest), waiting for one if there is none; the
   * others stay in order. Undefined after `timeoutMs`. One receive at a time.
   */
  receive<M>(match: (message: unknown) => message is M, options?: ReceiveOptions): Promise<M | undefined>
  /** The same, for a condition that says nothing of the type. */
  receive(match?: (message: unknown) => boolean, options?: ReceiveOptions): Promise<unknown>
  /** Sends `message` after `delayMs`, unless cancelled. Gone when this process ends, if sent to itself. */
  sendAfter(delayMs: number, to: Destination, message: unknown): Reference
  /** Milliseconds that were left, or false if the timer had fired or never was. */
  cancelTimer(timer: Reference): number | false
  /** Resolves after `delayMs`; never, if the process ends before. */
  sleep(delayMs: number): Promise<void>
  /** Monotonic milliseconds of this node's clock. */
  now(): number

  /** Gives a process of this node a name. Throws ERR_BADARG if the name is taken, the process has one, or is no more. */
  register(name: string, pid?: Pid): void
  /** Frees a name. Throws ERR_BADARG if nobody has it. */
  unregister(name: string): void
  /** The process registered under `name` on this node. */
  whereis(name: string): Pid | undefined
  /** The same, typed by a definition: the caller's word, not checked. */
  whereis<T extends Definition>(definition: T, name: string): Ref<T> | undefined
  /** The address of whoever is registered as `name` on a node when a message arrives: see `node.at`. */
  at(nodeName: string, name: string): Ref<unknown>
  /** The same, typed by a definition: the caller's word, not checked. */
  at<T extends Definition>(definition: T, nodeName: string, name: string): Ref<T>
  /** Whether a process of this node lives. What this process has sent it before has arrived by then. */
  isAlive(pid: Pid): boolean
  /** The processes this one is linked to. */
  links(): Pid[]
  /** What this process monitors, one entry a monitor. */
  monitors(): (Pid | string)[]
}

/** The body of a raw process. When it returns, the process ends `normal`; when it throws, with a {@link Crash}. */
export type Body = (self: Self) => void | PromiseLike<void>

/** Where a call came from: what `self.reply` needs. */
export interface From<R = unknown> {
  /** The calling process; null for a caller outside of any process. */
  readonly from: Pid | null
  readonly tag: string
  /** A type only; never there at run time. */
  readonly '~reply'?: (value: R) => void
}

export interface ReceiveOptions {
  /** Milliseconds; default: for ever. 0 looks and does not wait. */
  readonly timeoutMs?: number
}

export interface MonitorOptions {
  /**
   * Make the reference an alias too. `explicit_unalias`: until `unalias`; `demonitor`: until the monitor ends;
   * `reply_demonitor`: until the first message to it, which also ends the monitor.
   */
  readonly alias?: 'explicit_unalias' | 'demonitor' | 'reply_demonitor'
}

export interface DemonitorOptions {
  /** Also take the `Down` message out of the mailbox, if it is there. */
  readonly flush?: boolean
  /** Answer whether the monitor was still there; with `flush`, false if a message had to be taken out. */
  readonly info?: boolean
}

export interface ProcessOptions {
  /** Registered before the process runs. */
  readonly name?: string
  readonly label?: string
  /** Which ready processes run first. Default normal. */
  readonly priority?: Priority
  /** A bound on waiting messages. Default: none. Signals, replies, `Exit` and `Down` are never bounded. */
  readonly mailbox?: MailboxOptions
}

export interface MailboxOptions {
  /** Messages, at least 1. */
  readonly capacity: number
  /**
   * What happens to a message too many. `refuse` (default): a call fails with `overloaded`, a cast answers false, a
   * plain message is a dead letter. `drop_newest` and `drop_oldest` make room and count dead letters.
   */
  readonly overflow?: 'refuse' | 'drop_newest' | 'drop_oldest'
}

export interface SpawnOptions extends ProcessOptions {
  /** Link the new process to this one from its birth on. */
  readonly link?: boolean
}

export interface StartOptions extends ProcessOptions {
  /** Give up, and kill the process, if its init takes longer. Default: never. */
  readonly timeoutMs?: number
  /**
   * The node to start it on: loaded there by where it is exported, which `located` has told. A link is there before the
   * start is over. If that node cannot be reached, or is lost meanwhile, the start fails with `noconnection`, and a
   * process that was linked ends. Default: the own node.
   */
  readonly on?: string
}

/** The argument of a definition's init, if it takes one, then options. */
export type StartArguments<T> = [...Given<ArgumentOf<T>>, options?: StartOptions]

/** What OTP's start functions return. */
export type StartResult = { readonly ok: Pid } | 'ignore' | { readonly error: ExitReason }

/** Makes the behaviour of a new process. */
export type Create = (process: Process, self: Self, argument: unknown) => Behaviour
