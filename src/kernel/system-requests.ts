// Requests to a process itself rather than to its code: OTP's system messages (sys(3)). They are answered inside its
// loop, between two turns, also while it is suspended: what they show is never half done.

import type { Behaviour, Turn } from './behaviour.ts'
import type { Call } from './call.ts'
import { Debug, type TraceHook } from './debug.ts'
import { reasonOf } from './exit-reason.ts'
import type { Process } from './process.ts'

/** Answers `request`; the turn is that of a behaviour which ends. */
export function handleSystem(process: Process, behaviour: Behaviour, request: Call): Turn {
  if (request.tag === 'stop') return behaviour.stop(request.payload)
  if (behaviour.getState === undefined) {
    request.fail('badarg')
    return undefined
  }
  switch (request.tag) {
    case 'terminate':
      request.answer('ok')
      return behaviour.stop(request.payload)
    case 'suspend':
    case 'resume':
      process.suspended = request.tag === 'suspend'
      request.answer('ok')
      return undefined
    case 'get_state':
      request.answer(behaviour.getState())
      return undefined
    case 'replace_state':
      replaceState(behaviour, request)
      return undefined
    case 'get_status':
      request.answer(status(process, behaviour, behaviour.getState()))
      return undefined
    default:
      debugRequest(process, request)
      return undefined
  }
}

function replaceState(behaviour: Behaviour, request: Call): void {
  let state: unknown
  try {
    state = behaviour.replaceState?.(request.payload as (state: unknown) => unknown)
  } catch (error) {
    // The state is as it was; the failure is the asker's own.
    return request.fail({ callback_failed: reasonOf(error) })
  }
  request.answer(state)
}

/** What `sys.getStatus` tells. */
export interface SystemStatus {
  readonly definition: string
  readonly status: 'running' | 'suspended'
  readonly state: unknown
  /** What is noted about it. */
  readonly debug: {
    readonly statistics: boolean
    readonly trace: boolean
    /** Events kept at most; 0: none are. */
    readonly logCapacity: number
    readonly hooks: readonly string[]
  }
}

function status({ suspended, debug }: Process, { name }: Behaviour, state: unknown): SystemStatus {
  return {
    definition: name,
    status: suspended ? 'suspended' : 'running',
    state,
    debug: {
      statistics: debug?.statistics !== undefined,
      trace: debug?.reporting ?? false,
      logCapacity: debug?.logCapacity ?? 0,
      hooks: debug?.hooks ?? [],
    },
  }
}

/** A request about what the process notes. */
function debugRequest(process: Process, request: Call): void {
  const debug = process.debug ?? new Debug(process)
  request.answer(ask(debug, request))
  process.debug = debug.idle ? null : debug
}

function ask(debug: Debug, { tag, payload }: Call): unknown {
  switch (tag) {
    case 'statistics':
      if (payload === 'get') return debug.statistics
      if (payload === true) debug.count()
      else debug.stopCounting()
      return 'ok'
    case 'log':
      if (payload === 'get') return debug.log
      debug.keep(payload as number)
      return 'ok'
    case 'trace':
      debug.reporting = payload === true
      return 'ok'
    case 'install': {
      const { id, hook, state } = payload as { id: string; hook: TraceHook; state: unknown }
      return debug.install(id, hook, state) ? 'ok' : { error: 'already_installed' }
    }
    case 'remove':
      debug.remove(payload as string)
      return 'ok'
    default:
      debug.clear()
      return 'ok'
  }
}
