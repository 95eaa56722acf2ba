// Who waits for whom, when a call has timed out. Nothing is noted while calls are made: each process has the list of
// calls that it has not answered, and from the caller backwards these lead to everybody who waits for it.

import type { Call } from './call.ts'
import type { CycleStep } from './exit-reason.ts'
import type { Process } from './process.ts'

/** Processes looked at before the search gives up. */
const MAX_VISITED = 1000

interface Wait {
  /** The call in which a process waits … */
  readonly call: Call
  /** … and for whom. */
  readonly on: Process
}

/** The processes of which each waits for the next and the last for the first, from the caller of `call` on, if any. */
export function findCycle(call: Call): readonly CycleStep[] | undefined {
  const { caller } = call
  // Behind a name stands a process.
  const callee = call.at?.pid ?? call.callee
  if (caller === null || !caller.alive) return undefined
  const waits = new Map<Process, Wait>()
  const visited = [caller]
  for (const on of visited) {
    for (let open = on.openCalls; open !== null; open = open.nextOpen) {
      const waiting = open.caller
      // A process that goes on with other things meanwhile is in nobody's way.
      if (waiting === null || waiting === caller || !waiting.busy || waits.has(waiting)) continue
      waits.set(waiting, { call: open, on })
      if (waiting.pid === callee) return [step(caller, call), ...chain(waiting, waits)]
      if (visited.length < MAX_VISITED) visited.push(waiting)
    }
  }
  return undefined
}

function chain(callee: Process, waits: ReadonlyMap<Process, Wait>): CycleStep[] {
  const steps: CycleStep[] = []
  let process = callee
  for (let wait = waits.get(process); wait !== undefined; wait = waits.get(process)) {
    steps.push(step(process, wait.call))
    process = wait.on
  }
  return steps
}

function step({ pid, name, label, behaviour }: Process, { tag }: Call): CycleStep {
  return { pid, name, label, definition: behaviour?.name ?? 'process', tag }
}

/** One line: `counter <n.1.2> -refill→ store <n.1.3> -audit→ counter <n.1.2>`. */
export function showCycle(cycle: readonly CycleStep[]): string {
  const [first] = cycle
  return cycle.map((step) => `${who(step)} -${step.tag}→ `).join('') + (first === undefined ? '' : who(first))
}

function who({ pid, name, label, definition }: CycleStep): string {
  return `${name ?? label ?? definition} ${pid}`
}
