// Finds the living processes that descend from one child, however they tried to get away.
//
// A process belongs to a child's family if, at a look, it is in the child's process group or session, or its parent
// belongs, or its environment carries the child's mark, or it belonged at an earlier look. The mark is inherited
// through fork and exec, so a daemon (double fork, setsid) is found after its parents are gone.
// The limit: a process that left the session, wiped its environment AND lost its parent before the first look is not
// found; nor is one that runs as another user unless one of the other rules holds. Without /proc (not Linux) only the
// process group is seen.
//
// Invariant: never names a process outside the family. A pid is trusted only with its start time, a group number only
// while the kernel cannot have given it to another.

import { readdirSync, readFileSync } from 'node:fs'

/** The environment variable that carries the marks of all ancestors, oldest first, joined by '/'. */
export const markVariable = 'ESPALIER_LINEAGE'

interface ProcessEntry {
  readonly pid: number
  readonly parent: number
  readonly group: number
  readonly session: number
  /** Clock ticks after boot; with the pid it names a process for good. */
  readonly startedAt: number
  /** Ended, though its status is not collected yet (a zombie). */
  readonly ended: boolean
}

export class ProcessFamily {
  readonly #leader: number
  readonly #mark: string
  readonly #startedAt: number
  readonly #known = new Map<number, number>()
  #leaderReaped = false
  #groupGone = false

  /** @param leader pid of a child just started in a session of its own, with `mark` in its environment. */
  constructor(leader: number, mark: string) {
    this.#leader = leader
    this.#mark = mark
    this.#startedAt = readEntry(leader)?.startedAt ?? 0
  }

  /** To be said when the leader's exit status was collected: from then on its pid may be given to another process. */
  leaderReaped(): void {
    this.#leaderReaped = true
  }

  /** What `process.kill` takes to reach every living member: pids, or the group's negated number without /proc. */
  targets(): number[] {
    const entries = readProcesses()
    if (entries === undefined) return groupExists(this.#leader) ? [-this.#leader] : []
    return this.#membersAmong(entries)
  }

  /** Sends `signal` to every living member, and answers whom. Members that end meanwhile are no error. */
  signal(signal: NodeJS.Signals): number[] {
    if (!this.#leaderReaped) {
      // Look first: killing the parents orphans those whom only their parents betray. Then the group in one step of the
      // kernel, which a member that forks at this moment does not slip through.
      this.targets()
      sendSignal(-this.#leader, signal)
    }
    const targets = this.targets()
    for (const target of targets) {
      if (this.#leaderReaped || !this.#inGroup(target)) sendSignal(target, signal)
    }
    return targets
  }

  #inGroup(target: number): boolean {
    return target < 0 || readEntry(target)?.group === this.#leader
  }

  #membersAmong(entries: readonly ProcessEntry[]): number[] {
    const younger = entries.filter((entry) => entry.startedAt >= this.#startedAt)
    const inGroup = (entry: ProcessEntry) => entry.group === this.#leader || entry.session === this.#leader
    // The kernel gives a number away only once no process, group or session bears it.
    if (this.#leaderReaped) {
      const group = younger.filter(inGroup)
      if (group.length === 0 || group.some((entry) => entry.pid === this.#leader)) this.#groupGone = true
    }
    const members = new Set<number>()
    for (const entry of younger) {
      const belongs =
        this.#known.get(entry.pid) === entry.startedAt || (!this.#groupGone && inGroup(entry)) || this.#isMarked(entry)
      if (belongs) members.add(entry.pid)
    }
    addDescendants(members, younger)
    this.#known.clear()
    for (const entry of younger) if (members.has(entry.pid)) this.#known.set(entry.pid, entry.startedAt)
    return [...members]
  }

  #isMarked(entry: ProcessEntry): boolean {
    try {
      return readFileSync(`/proc/${entry.pid}/environ`).includes(this.#mark)
    } catch {
      return false // gone, or another user's
    }
  }
}

function addDescendants(members: Set<number>, entries: readonly ProcessEntry[]): void {
  let grew = true
  while (grew) {
    grew = false
    for (const entry of entries) {
      if (!members.has(entry.pid) && members.has(entry.parent)) {
        members.add(entry.pid)
        grew = true
      }
    }
  }
}

/** Every process that still runs (zombies do not), or undefined where there is no /proc. */
function readProcesses(): ProcessEntry[] | undefined {
  if (process.platform !== 'linux') return undefined
  let names: string[]
  try {
    names = readdirSync('/proc')
  } catch {
    return undefined
  }
  const entries: ProcessEntry[] = []
  for (const name of names) {
    const pid = Number(name)
    const entry = Number.isInteger(pid) ? readEntry(pid) : undefined
    if (entry?.ended === false) entries.push(entry)
  }
  return entries
}

/** Fields as in proc_pid_stat(5): the name in parentheses may hold anything, so what counts starts after the last ')'. */
function readEntry(pid: number): ProcessEntry | undefined {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return undefined
  }
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const field = (number: number) => Number(fields[number - 3])
  // 'Z' with further threads: only the first has ended.
  const ended = fields[0] === 'X' || (fields[0] === 'Z' && field(20) <= 1)
  return { pid, parent: field(4), group: field(5), session: field(6), startedAt: field(22), ended }
}

function groupExists(group: number): boolean {
  try {
    process.kill(-group, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

function sendSignal(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal)
  } catch {
    // ESRCH: it ended meanwhile. EPERM: another user's; the caller finds it still there and reports it.
  }
}
