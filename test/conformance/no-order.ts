// What Erlang leaves open between two nodes. Signals between two processes are ordered; the exit signals of a supervisor
// that is no more reach its children in no order that children on different nodes could tell. Traces of trees that are
// spread over two nodes are compared with each such run of deaths sorted.

import type { Trace, TraceEvent } from './scenario.ts'

/** The trace with every run of deaths that a supervisor's end has caused among its children in the order of their texts. */
export function inNoOrder(trace: Trace): Trace {
  const supervisors = new Set(trace.flat().flatMap(([kind, name]) => (kind === 'sup_init' ? [String(name)] : [])))
  return trace.map((segment) => {
    const events = [...segment]
    for (const [i, [kind, name]] of segment.entries()) {
      if (kind !== 'down' || !supervisors.has(String(name))) continue
      let end = i + 1
      while (isDeathBelow(pathOf(String(name)), events[end])) end++
      const sorted = events.slice(i + 1, end).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
      events.splice(i + 1, sorted.length, ...sorted)
    }
    return events
  })
}

function isDeathBelow(path: string, event: TraceEvent | undefined): boolean {
  const [kind, name] = event ?? []
  return (kind === 'terminate' || kind === 'down') && parentOf(pathOf(String(name))) === path
}

/** `sup/a` of `sup/a#2`. */
function pathOf(name: string): string {
  return name.slice(0, name.lastIndexOf('#'))
}

function parentOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : 'root'
}
