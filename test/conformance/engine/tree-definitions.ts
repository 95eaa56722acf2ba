// Kind "supervisor": what a scenario's tree is made of. A process is told by its site, which is that of its node, what has
// become of it before.

import { defineServer, Exit, ignore, reply, type Self, type SupervisorFlags, stop, supervisor } from 'espalier'
import type { Child, StartOutcome, Term, Tree as TreeSpec } from '../scenario.ts'
import { decode } from './terms.ts'
import { present, type TreeSite } from './tree-site.ts'

/** What a worker or supervisor is started with; in a pool, a list of it. */
export interface Start {
  readonly child: Child
  readonly path: string
}
export type Given = Start | readonly [Start]

interface State {
  readonly child: Child
}

export type TreeDefinitions = ReturnType<typeof treeDefinitions>

/** `siteOf`: the site of a process. */
export function treeDefinitions(siteOf: (self: Self) => TreeSite) {
  return {
    supervisor: supervisor((given: Given, { self }) => {
      const start = startOf(given)
      const tree = start.child.tree ?? {}
      const site = siteOf(self)
      site.born(self, start)
      return { ...flagsOf(tree), children: (tree.children ?? []).map((spec) => site.childSpec(start.path, spec)) }
    }),

    worker: defineServer({
      init: (given: Given, { self }) => {
        const { child, path } = startOf(given)
        self.trapExit = child.trap_exit ?? false
        const number = siteOf(self).born(self, { child, path })
        const starts = child.start ?? ['ok']
        const outcome = starts[Math.min(number, starts.length) - 1] ?? 'ok'
        const start = () => begin(siteOf(self), self, child, outcome)
        const delayMs = typeof outcome === 'string' ? undefined : outcome.delay
        return delayMs === undefined ? start() : self.sleep(delayMs).then(start)
      },
      // Taken for a supervisor, it says `ok` to every operation.
      call: {
        start_child: ({ state }) => reply('ok', state),
        terminate_child: ({ state }) => reply('ok', state),
        restart_child: ({ state }) => reply('ok', state),
        delete_child: ({ state }) => reply('ok', state),
        get_childspec: ({ state }) => reply('ok', state),
      },
      cast: {
        stop: ({ state }, reason: unknown) => stop(reason, state),
        error: (_, reason: unknown) => {
          throw reason
        },
      },
      info: ({ self, state }, message) => {
        if (message instanceof Exit) siteOf(self).note('exit_msg', self.pid, message.reason)
        return state
      },
      terminate: ({ self, state: { child } }, reason) => {
        siteOf(self).note('terminate', self.pid, reason)
        const last = child.on_terminate ?? 'ok'
        if (last === 'ok') return
        if (last === 'hang') return new Promise(() => {})
        return 'delay' in last ? self.sleep(last.delay) : self.exit(decode(last.exit))
      },
    }),
  }
}

function begin(site: TreeSite, self: Self, child: Child, outcome: StartOutcome) {
  const note = (outcome: Term, alive: boolean) => site.add({ kind: 'start', pid: String(self.pid), outcome, alive })
  if (typeof outcome === 'string') {
    note(outcome, outcome !== 'ignore')
    return outcome === 'ignore' ? ignore() : ({ child } satisfies State)
  }
  const { delay: _, ...rest } = outcome
  for (const [kind, reason] of Object.entries(rest)) {
    note({ t: [kind, reason] }, false)
    if (kind === 'error') return stop(decode(reason))
    if (kind === 'crash') throw decode(reason)
    self.exit(decode(reason))
  }
  throw new Error('a start without an outcome')
}

function startOf(given: Given): Start {
  return isList(given) ? given[0] : given
}

function isList(given: Given): given is readonly [Start] {
  return Array.isArray(given)
}

/** A scenario's flags may well be invalid. Its period is in seconds. */
function flagsOf({ strategy, intensity, period, auto_shutdown: autoShutdown }: TreeSpec): SupervisorFlags {
  const periodMs = typeof period === 'number' && period > 0 ? period * 1000 : period
  const flags: unknown = present({ strategy, intensity, periodMs, autoShutdown })
  return flags as SupervisorFlags
}
