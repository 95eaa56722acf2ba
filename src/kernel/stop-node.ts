// The end of a node: what lives on it is asked to stop, the youngest first, and then killed.

import type { Node } from './node.ts'
import type { Process } from './process.ts'

/** Ends all of `living()`, the parentless and those whose parents live elsewhere in order; kills after `timeoutMs`. */
export async function stopProcesses(node: Node, living: () => Process[], timeoutMs: number): Promise<void> {
  const roots = living().filter(({ parent }) => parent === undefined || !node.isLocal(parent))
  for (const process of roots.reverse()) {
    if (process.raw) node.sendExit(process.pid, 'shutdown')
    else if (process.alive) await node.stopProcess(null, process.pid, 'shutdown', { timeoutMs }).catch(() => {})
    if (process.alive && !process.raw) process.end('killed')
  }
  await quiet(node)
  for (const process of living()) process.end('killed')
  await quiet(node)
}

function quiet(node: Node): Promise<void> {
  return new Promise((resolve) => node.scheduler.whenQuiet(resolve))
}
