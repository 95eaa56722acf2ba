// The dependency graph of a flow's tasks. Pure. Edges go from a task to those it depends on.
//
// All but findCycle take tasks without circles and with every dependency among them, as validateFlow leaves them.

export interface TaskNode {
  readonly id: string
  readonly dependsOn: readonly string[]
}

/**
 * A circle of dependencies, its first task again at its end (`a → b → a`), or undefined if there is none.
 * Dependencies that do not exist are passed over.
 */
export function findCycle(tasks: readonly TaskNode[]): string[] | undefined {
  const byId = new Map(tasks.map((task) => [task.id, task]))
  const done = new Set<string>()
  const path: string[] = []
  const visit = (task: TaskNode): string[] | undefined => {
    if (done.has(task.id)) return undefined
    const start = path.indexOf(task.id)
    if (start >= 0) return [...path.slice(start), task.id]
    path.push(task.id)
    for (const id of task.dependsOn) {
      const needed = byId.get(id)
      const cycle = needed === undefined ? undefined : visit(needed)
      if (cycle !== undefined) return cycle
    }
    path.pop()
    done.add(task.id)
    return undefined
  }
  for (const task of byId.values()) {
    const cycle = visit(task)
    if (cycle !== undefined) return cycle
  }
  return undefined
}

/** Every task after those it depends on; otherwise in the order given. */
export function topologicalOrder<Task extends TaskNode>(tasks: readonly Task[]): Task[] {
  const byId = new Map(tasks.map((task) => [task.id, task]))
  const ordered = new Set<Task>()
  const visit = (task: Task): void => {
    if (ordered.has(task)) return
    for (const id of task.dependsOn) {
      const needed = byId.get(id)
      if (needed !== undefined) visit(needed)
    }
    ordered.add(task)
  }
  for (const task of tasks) visit(task)
  return [...ordered]
}

/** Tasks in waves: each depends on at least one of the wave before, and on none of its own or a later one. */
export function wavesOf<Task extends TaskNode>(tasks: readonly Task[]): Task[][] {
  const waves: Task[][] = []
  const waveOf = new Map<string, number>()
  for (const task of topologicalOrder(tasks)) {
    const wave = Math.max(-1, ...task.dependsOn.map((id) => waveOf.get(id) ?? -1)) + 1
    waveOf.set(task.id, wave)
    const members = waves[wave]
    if (members === undefined) waves[wave] = [task]
    else members.push(task)
  }
  return waves
}

/** What a task costs together with the dearest chain of tasks that wait for it (its bottom level), by task id. */
export function bottomLevels<Task extends TaskNode>(
  tasks: readonly Task[],
  costOf: (task: Task) => number,
): Map<string, number> {
  const levels = new Map<string, number>()
  const beyond = new Map<string, number>()
  for (const task of topologicalOrder(tasks).reverse()) {
    const level = costOf(task) + (beyond.get(task.id) ?? 0)
    levels.set(task.id, level)
    for (const id of task.dependsOn) beyond.set(id, Math.max(beyond.get(id) ?? 0, level))
  }
  return levels
}

/** The dearest chain of dependencies, first task first: no schedule is shorter than its cost. */
export function criticalPath<Task extends TaskNode>(
  tasks: readonly Task[],
  costOf: (task: Task) => number,
): { readonly ids: readonly string[]; readonly cost: number } {
  const levels = bottomLevels(tasks, costOf)
  const dearest = (candidates: readonly Task[]) =>
    candidates.reduce<Task | undefined>(
      (best, task) => (best === undefined || (levels.get(task.id) ?? 0) > (levels.get(best.id) ?? 0) ? task : best),
      undefined,
    )
  const ids: string[] = []
  const first = dearest(tasks.filter((task) => task.dependsOn.length === 0))
  let next = first
  while (next !== undefined) {
    const { id } = next
    ids.push(id)
    next = dearest(tasks.filter((task) => task.dependsOn.includes(id)))
  }
  return { ids, cost: first === undefined ? 0 : (levels.get(first.id) ?? 0) }
}
