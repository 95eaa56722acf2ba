// What a node tells the operator, as structured events: a crash, a dead letter. Never text; never an exception.

import type { TraceEvent } from './debug.ts'
import type { ExitReason } from './exit-reason.ts'
import type { Pid } from './pid.ts'

export type Report =
  /** The code of a process failed: it threw, or stopped with a reason other than an orderly one. */
  | {
      readonly kind: 'crash'
      readonly pid: Pid
      readonly name: string | undefined
      readonly label: string | undefined
      /** What ran in it: the name of its definition, or of its body. */
      readonly definition: string
      readonly reason: ExitReason
      /** The tag or type of the message it was handling, if any. */
      readonly handling: string | undefined
    }
  /** A supervisor's child ended, failed to start, or its restart intensity was reached. */
  | {
      readonly kind: 'supervisor'
      readonly pid: Pid
      readonly name: string | undefined
      readonly event: 'child_terminated' | 'start_error' | 'shutdown_error' | 'shutdown'
      readonly child: unknown
      readonly reason: ExitReason
    }
  /** A supervisor has started a child: OTP's progress report. */
  | {
      readonly kind: 'progress'
      /** The supervisor. */
      readonly pid: Pid
      readonly name: string | undefined
      readonly child: unknown
      readonly started: Pid
    }
  /** An event of a process that is traced. */
  | { readonly kind: 'trace'; readonly pid: Pid; readonly name: string | undefined; readonly event: TraceEvent }
  /** A message that nobody will read. */
  | {
      readonly kind: 'dead_letter'
      readonly to: Pid | string
      readonly why: DeadLetterReason
      /** The tag of a cast, or undefined for a plain message. */
      readonly tag: string | undefined
      readonly message: unknown
    }

/** `noproc`: the receiver is no more; `overflow`: its mailbox was full; `unhandled`: it has no handler. */
export type DeadLetterReason = 'noproc' | 'overflow' | 'noconnection' | 'unhandled'

/** Hears reports in the turn in which they arise. Must not throw. */
export type ReportListener = (report: Report) => void
