// How a supervisor starts a child: where its spec says, linked, and reported.

import { reasonOf } from '../kernel/exit-reason.ts'
import type { Process } from '../kernel/process.ts'
import type { StartResult } from '../kernel/self.ts'
import { startProcess } from '../kernel/start.ts'
import type { Child } from './child-spec.ts'
import type { StartChildResult } from './supervisor.ts'

/** What is needed of a child to start it. */
export type Startable = Pick<Child, 'id' | 'start' | 'place'>

/** Starts one child and waits until its init is done. */
export async function startChild(process: Process, child: Startable): Promise<StartChildResult> {
  const { node, pid, name } = process
  const result = await launch(process, child)
  if (result === 'ignore') return { ok: undefined }
  if ('ok' in result) node.report({ kind: 'progress', pid, name, child: child.id, started: result.ok })
  return result
}

async function launch(process: Process, { id, start, place }: Startable): Promise<StartResult> {
  const [definition, argument, options] = start
  const startOn = (on?: string) =>
    startProcess(process.node, process, definition, argument, on === undefined ? options : { ...options, on }, true)
  if (place === undefined) return startOn()
  try {
    return await place.start({ process, id, start: startOn })
  } catch (error) {
    return { error: reasonOf(error) }
  }
}
