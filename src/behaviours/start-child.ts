// How a supervisor starts a child: linked, and reported.

import type { Process } from '../kernel/process.ts'
import { startProcess } from '../kernel/start.ts'
import type { Child } from './child-spec.ts'
import type { StartChildResult } from './supervisor.ts'

/** Starts one child and waits until its init is done. */
export async function startChild(process: Process, id: string, start: Child['start']): Promise<StartChildResult> {
  const [definition, argument, options] = start
  const { node, pid, name } = process
  const result = await startProcess(node, process, definition, argument, options, true)
  if (result === 'ignore') return { ok: undefined }
  if ('ok' in result) node.report({ kind: 'progress', pid, name, child: id, started: result.ok })
  return result
}
