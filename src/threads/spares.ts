// Spare threads: started, their modules loaded, and told nothing yet. Most of what the start of a thread takes is loading;
// a thread that dies is replaced by one that has that behind it. One is kept for each kind of thread that asks for it.

import { Worker } from 'node:worker_threads'
import type { SpareData } from './messages.ts'
import { entry, type ThreadOptions } from './thread.ts'

export class Spares {
  readonly #spares = new Map<string, Worker>()
  #stopped = false

  /** A spare for a thread of these options, if there is one; it is the caller's. */
  take(options: ThreadOptions): Worker | undefined {
    const kind = kindOf(options)
    const spare = this.#spares.get(kind)
    this.#spares.delete(kind)
    spare?.removeAllListeners()
    spare?.ref()
    return spare
  }

  /** Sees to it that there is a spare for the next thread of these options. It does not keep the process alive. */
  keep(options: ThreadOptions): void {
    const kind = kindOf(options)
    if (this.#stopped || this.#spares.has(kind)) return
    const { boot, execArgv = [], resourceLimits } = options
    const workerData: SpareData = { preload: boot && { module: String(boot.module), export: boot.export } }
    const spare = new Worker(entry, {
      name: 'espalier-spare',
      workerData,
      execArgv: [...execArgv],
      ...(resourceLimits === undefined ? {} : { resourceLimits }),
    })
    spare.unref()
    this.#spares.set(kind, spare)
    const gone = () => {
      if (this.#spares.get(kind) === spare) this.#spares.delete(kind)
    }
    // One that ends unused is missed by nobody: the next start is slower, and tells what is wrong.
    spare.on('error', gone)
    spare.on('exit', gone)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    const spares = [...this.#spares.values()]
    this.#spares.clear()
    await Promise.all(spares.map((spare) => spare.terminate()))
  }
}

/** What is settled when a thread starts, before it is told what it is. */
function kindOf({ boot, execArgv = [], resourceLimits = {} }: ThreadOptions): string {
  return JSON.stringify([boot && String(boot.module), execArgv, Object.entries(resourceLimits).sort()])
}
