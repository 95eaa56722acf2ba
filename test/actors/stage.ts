// A stage for the actors of flows: a world of virtual time with one node, child processes that end when a test says so,
// and modules from memory.

import { Cast, type Node, type Pid, type Report } from 'espalier'
import { createWorld, type World } from 'espalier/testing'
import type { RunnerPorts } from '../../actors/agent/runner.ts'
import type { AgentDeclaration, Runner } from '../../actors/flow/agents-file.ts'
import type { ChildCommand, ChildOutcome, ChildProcesses, ChildProcessHandle } from '../../src/kernel/ports/index.ts'

/** A child that runs until the test, or `stop`, ends it. */
export class FakeChild implements ChildProcessHandle {
  readonly pid = 1
  readonly command: ChildCommand
  readonly done: Promise<ChildOutcome>
  alive = true
  stops = 0
  /** Whether `stop` ends it, as it does unless a test wants to see what lasts. */
  heedsStop = true
  #settle: (outcome: ChildOutcome) => void = () => {}

  constructor(command: ChildCommand) {
    this.command = command
    this.done = new Promise((resolve) => {
      this.#settle = resolve
    })
  }

  exit(code: number, stdout = '', stderr = '', dropped = 0): void {
    this.#end({ kind: 'exited', code, stdout: outputOf(stdout, dropped), stderr: outputOf(stderr) })
  }

  fail(message: string): void {
    this.#end({ kind: 'failed', code: 'ENOENT', message })
  }

  die(signal: string): void {
    this.#end({ kind: 'signalled', signal, stdout: outputOf(''), stderr: outputOf('') })
  }

  stop(): void {
    this.stops += 1
    if (this.heedsStop && this.alive) this.die('SIGTERM')
  }

  #end(outcome: ChildOutcome): void {
    this.alive = false
    this.#settle(outcome)
  }
}

function outputOf(text: string, dropped = 0) {
  return { bytes: new TextEncoder().encode(text), dropped }
}

export class FakeChildren implements ChildProcesses {
  readonly spawned: FakeChild[] = []
  /** Called for each child: to let it end at once, for example. */
  onSpawn: (child: FakeChild) => void = () => {}

  spawn(command: ChildCommand): FakeChild {
    const child = new FakeChild(command)
    this.spawned.push(child)
    this.onSpawn(child)
    return child
  }

  /** The youngest child of a task. */
  of(taskId: string): FakeChild {
    const child = this.spawned.findLast(({ command }) => command.env?.ESPALIER_TASK === taskId)
    if (child === undefined) throw new Error(`no child was started for ${taskId}`)
    return child
  }

  get alive(): FakeChild[] {
    return this.spawned.filter((child) => child.alive)
  }
}

/** A process that keeps what it is sent. */
export interface Probe {
  readonly pid: Pid
  readonly inbox: unknown[]
  /** The arguments of the casts with this tag. */
  casts(tag: string): unknown[]
}

export class Stage {
  readonly world: World
  readonly node: Node
  readonly reports: Report[] = []
  readonly children = new FakeChildren()
  /** Modules by URL: their exports. */
  readonly modules = new Map<string, Readonly<Record<string, unknown>>>()

  constructor(seed?: number) {
    this.world = createWorld(seed === undefined ? {} : { seed })
    this.node = this.world.createNode({ name: 'stage', onReport: (report) => this.reports.push(report) })
  }

  get ports(): RunnerPorts {
    return {
      children: this.children,
      modules: {
        load: async (url, name) => {
          const module = this.modules.get(url)
          if (module === undefined) throw new Error(`no module ${url}`)
          if (!(name in module)) throw new Error(`${url} has no export "${name}"`)
          return module[name]
        },
      },
      environment: { PATH: '/bin', GREETING: 'hello' },
    }
  }

  /** The answer of a promise that needs the world to move. */
  run<T>(outcome: PromiseLike<T>): Promise<T> {
    return this.world.run(outcome)
  }

  probe(name?: string): Probe {
    const inbox: unknown[] = []
    const pid = this.node.spawn(
      async (self) => {
        for (;;) inbox.push(await self.receive())
      },
      name === undefined ? {} : { name },
    )
    const casts = (tag: string) =>
      inbox.flatMap((message) => (message instanceof Cast && message.tag === tag ? [message.payload] : []))
    return { pid, inbox, casts }
  }

  get crashes(): string[] {
    return this.reports.flatMap((report) => (report.kind === 'crash' ? [report.definition] : []))
  }
}

/** An agent of its own role that runs a program. */
export function commandAgent(id: string, more: Partial<AgentDeclaration> = {}): AgentDeclaration {
  const runner: Runner = {
    kind: 'command',
    argv: ['work', id],
    cwd: '/work',
    env: {},
    exitCode: 0,
    maxOutputBytes: 1024,
  }
  return { id, role: id, capabilities: [], concurrency: 1, estimatedMs: 1000, runner, ...more }
}
