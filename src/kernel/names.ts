// The registered names of a node: a name belongs to at most one living process, a process has at most one.

import { ProcessError } from './errors.ts'
import type { Process } from './process.ts'
import type { ProcessRef } from './process-ref.ts'

export class Names {
  readonly #pids = new Map<string, ProcessRef>()
  /** Processes of the node's own that are started when first asked for. */
  readonly #services = new Map<string, () => void>()

  /** Has `start` called when somebody first asks for `name` by {@link reach}: it registers a process of that name. */
  provide(name: string, start: () => void): void {
    this.#services.set(name, start)
  }

  /** Who has the name, and if it is that of a service, is started if need be. */
  reach(name: string): ProcessRef | undefined {
    const pid = this.#pids.get(name)
    if (pid !== undefined || !this.#services.has(name)) return pid
    this.#services.get(name)?.()
    return this.#pids.get(name)
  }

  find(name: string): ProcessRef | undefined {
    return this.#pids.get(name)
  }

  /** Throws ERR_BADARG if the name cannot be one or is taken, or the process has one. */
  add(name: string, process: Process): void {
    const shown = JSON.stringify(name)
    if (name === '' || name === 'undefined') throw new ProcessError('badarg', `register: ${shown} is no name`)
    if (this.#pids.has(name)) throw new ProcessError('badarg', `register: ${shown} is taken`)
    if (process.name !== undefined) {
      throw new ProcessError('badarg', `register: ${process.pid} is ${process.name} already`)
    }
    process.name = name
    this.#pids.set(name, process.pid)
  }

  /** Throws ERR_BADARG if nobody has the name. */
  remove(name: string): void {
    const pid = this.#pids.get(name)
    if (pid === undefined) throw new ProcessError('badarg', `unregister: nobody is ${JSON.stringify(name)}`)
    if (pid.process !== null) pid.process.name = undefined
    this.#pids.delete(name)
  }

  /** Frees the name of a process that has ended. */
  ended(process: Process): void {
    if (process.name !== undefined) this.#pids.delete(process.name)
  }

  list(): [string, ProcessRef][] {
    return [...this.#pids]
  }
}
