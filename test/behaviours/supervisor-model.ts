// A supervisor as its manual page describes it (supervisor(3)), in the plainest words: lists, loops, no cleverness, and
// nothing taken from the code it judges.

export type Strategy = 'one_for_one' | 'one_for_all' | 'rest_for_one' | 'simple_one_for_one'

export interface ModelChild {
  readonly id: string
  readonly restart: 'permanent' | 'transient' | 'temporary'
  readonly significant: boolean
}

export interface Outcome {
  /** Who was stopped, and who was then started, in this order. */
  readonly stopped: readonly string[]
  readonly started: readonly string[]
  /** Whether the supervisor lives, and the children that it then has, with and without a process. */
  readonly alive: boolean
  readonly running: readonly string[]
  readonly idle: readonly string[]
}

export class SupervisorModel {
  alive = true
  /** In start order. */
  children: ModelChild[]
  running: Set<string>
  /** The second of every restart there ever was. */
  restarts: number[] = []
  readonly strategy: Strategy
  readonly autoShutdown: 'never' | 'any_significant' | 'all_significant'
  readonly intensity: number
  readonly periodSeconds: number

  constructor(
    strategy: Strategy,
    autoShutdown: 'never' | 'any_significant' | 'all_significant',
    intensity: number,
    periodSeconds: number,
    children: readonly ModelChild[],
  ) {
    this.strategy = strategy
    this.autoShutdown = autoShutdown
    this.intensity = intensity
    this.periodSeconds = periodSeconds
    this.children = [...children]
    this.running = new Set(children.map((child) => child.id))
  }

  /** A child ends by itself. */
  exit(id: string, reason: 'normal' | 'shutdown' | 'crash', nowMs: number): Outcome {
    const child = this.children.find((one) => one.id === id)
    if (child === undefined) throw new Error(`no child ${id}`)
    this.running.delete(id)
    // "A permanent child process is always restarted. A temporary child process is never restarted (even when the
    // supervisor's restart strategy is rest_for_one or one_for_all and a sibling's death causes the temporary process to
    // be terminated). A transient child process is restarted only if it terminates abnormally."
    if (child.restart === 'permanent' || (child.restart === 'transient' && reason === 'crash')) {
      return this.#restart(child, Math.floor(nowMs / 1000))
    }
    // "When a temporary child terminates its specification is deleted"; the dynamic children have none to keep.
    if (child.restart === 'temporary' || this.strategy === 'simple_one_for_one') this.#remove(child)
    if (child.significant) {
      // "any_significant: the supervisor will shut itself down when any significant child terminates".
      if (this.autoShutdown === 'any_significant') this.alive = false
      // "all_significant: … when all significant children have terminated".
      const others = this.children.filter((one) => one.significant && this.running.has(one.id))
      if (this.autoShutdown === 'all_significant' && others.length === 0) this.alive = false
    }
    return this.#outcome([], [])
  }

  #restart(child: ModelChild, second: number): Outcome {
    // "If more than MaxR number of restarts occur in the last MaxT seconds, the supervisor terminates all the child
    // processes and then itself."
    this.restarts.push(second)
    if (this.restarts.filter((then) => second <= then + this.periodSeconds).length > this.intensity) {
      this.alive = false
      if (child.restart === 'temporary' || this.strategy === 'simple_one_for_one') this.#remove(child)
      return this.#outcome([], [])
    }
    const at = this.children.indexOf(child)
    let together = [child]
    if (this.strategy === 'one_for_all') together = [...this.children]
    // "the rest of the child processes (that is, the child processes after the terminated process in start order)".
    if (this.strategy === 'rest_for_one') together = this.children.slice(at)
    // Stopped in the reverse of the start order, started in it.
    const stopped = together.filter((one) => one !== child && this.running.has(one.id)).reverse()
    for (const one of stopped) this.running.delete(one.id)
    // A temporary child that has been stopped is gone; all the others of the group run again.
    for (const one of together) if (one.restart === 'temporary') this.#remove(one)
    const started = together.filter((one) => one.restart !== 'temporary')
    for (const one of started) this.running.add(one.id)
    return this.#outcome(stopped, started)
  }

  #remove(child: ModelChild): void {
    this.children = this.children.filter((one) => one !== child)
  }

  #outcome(stopped: readonly ModelChild[], started: readonly ModelChild[]): Outcome {
    const ids = this.children.map((child) => child.id)
    return {
      stopped: stopped.map((child) => child.id),
      started: started.map((child) => child.id),
      alive: this.alive,
      running: ids.filter((id) => this.running.has(id)),
      idle: ids.filter((id) => !this.running.has(id)),
    }
  }
}
